/* kafka.c - a section of Kafka's properties: an object made strings, as librdkafka wants them.
 *
 * Owns: which properties headrace sets on its own, which are passwords, which are two names for one thing.
 * Knows nothing of: librdkafka; whether a property exists is asked elsewhere (supervisor/properties.c). */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

static const struct {
    const char *property, *instead;
} owned[] = {
    {"group.id", "set by headrace for each task; give the task a \"group\" instead"},
    {"enable.auto.commit", "always false: headrace commits what is done; remove it"},
    {"enable.auto.offset.store", "always false: headrace commits what is done; remove it"},
    {"enable.partition.eof", "set by headrace; remove it"},
    {"enable.idempotence", "set by headrace; remove it"},
    {"transactional.id", "set by headrace; remove it"},
    {"group.protocol", "always classic: how partitions are handed over is headrace's own; remove it"},
};

const char *
conf_kafka_canonical(const char *property)
{
    return strcmp(property, "metadata.broker.list") == 0 ? "bootstrap.servers" : property;
}

bool
conf_kafka_is_login(const char *property)
{
    return strcmp(property, "security.protocol") == 0 || strncmp(property, "ssl.", 4) == 0 ||
           strncmp(property, "sasl.", 5) == 0 ||
           strcmp(property, "enable.ssl.certificate.verification") == 0 ||
           strcmp(property, "enable.sasl.oauthbearer.unsecure.jwt") == 0;
}

static const char *const secret[] = {"*.password", "*.key*", "sasl.*", "ssl.*pem", "*.secret"};

const char *
conf_kafka_owner(const char *property)
{
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (strcmp(owned[i].property, property) == 0)
            return owned[i].instead;
    return NULL;
}

bool
conf_kafka_secret(const char *property)
{
    if (strcmp(property, "sasl.mechanism") == 0 || strcmp(property, "sasl.mechanisms") == 0)
        return false; /* all else of a login is not for everybody's eyes */
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        if (fnmatch(secret[i], property, 0) == 0)
            return true;
    return false;
}

bool
conf_kafka_is_brokers(const char *property)
{
    return strcmp(conf_kafka_canonical(property), "bootstrap.servers") == 0;
}

/* property_text returns a value as librdkafka takes it, or NULL where it is none. The caller frees it. */
static char *
property_text(json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return mem_string(json_string_value(value));
    case JSON_INTEGER:
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    case JSON_TRUE:
    case JSON_FALSE:
        return mem_string(json_is_true(value) ? "true" : "false");
    default:
        return NULL;
    }
}

static bool
property_read(struct conf *c, const char *where, const char *property, json_t *value, json_t *into)
{
    const char *instead = conf_kafka_owner(property), *name = conf_kafka_canonical(property);
    if (instead) {
        if (c)
            conf_problem(c, "%s.%s: is %s", where, property, instead);
        return false;
    }
    if (json_object_get(into, name)) {
        if (c)
            conf_problem(c, "%s.%s: is another name of %s, which is given too; remove one", where, property,
                         strcmp(property, name) == 0 ? "metadata.broker.list" : name);
        return false;
    }
    char *text = property_text(value);
    if (!text) {
        if (c) /* without the value: it may be a password */
            conf_problem(c, "%s.%s: must be text, a number, true or false", where, property);
        return false;
    }
    char *wrong = conf_kafka_is_brokers(name) ? conf_brokers_check(text) : NULL;
    if (wrong && c)
        conf_problem(c, "%s.%s: %s", where, property, wrong);
    if (!wrong)
        json_object_set_new(into, name, json_string(text));
    free(text);
    free(wrong);
    return !wrong;
}

bool
conf_kafka_read(struct conf *c, const char *where, json_t *object, json_t **target)
{
    json_t *into = json_object(), *value;
    const char *property;
    bool good = true;
    json_object_foreach(object, property, value)
        if (!c || value != c->unset)
            good = property_read(c, where, property, value, into) && good;
    json_decref(*target);
    *target = into;
    return good;
}
