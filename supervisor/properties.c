/* properties.c - whether librdkafka knows the properties of a configuration and takes their values.
 *
 * Only the library itself can say, so each property is set on a configuration of its own; its words are
 * passed on. What can only be seen when a client is made (a certificate that is not there, properties that do
 * not go together) is tried too, with a client that is given no broker and is gone at once. */
#include "supervisor/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"

#define MOST_NAMES 1024

/* Where a problem goes: into the conf, or to the usage problems. */
struct report {
    struct conf *c;
    char ***usage;
    size_t *n_usage;
};

/* names lists what librdkafka knows, from the table that it prints: a line for each, the name first. */
static size_t
names(char *table, const char **list)
{
    size_t n = 0;
    for (char *line = strtok(table, "\n"); line && n < MOST_NAMES; line = strtok(NULL, "\n")) {
        char *space = strpbrk(line, " |");
        if (!space || space == line || !strchr(line, '|') || strncmp(line, "Property", 8) == 0 ||
            line[0] == '-')
            continue;
        *space = '\0';
        list[n++] = line;
    }
    return n;
}

static char *
nearest(const char *property)
{
    char *table = NULL;
    size_t size = 0;
    FILE *out = mem_stream(&table, &size);
    rd_kafka_conf_properties_show(out);
    mem_stream_close(out, &table);
    const char *list[MOST_NAMES];
    size_t n = names(table, list);
    char *name = mem_string(conf_nearest(property, list, n));
    free(table);
    return name;
}

/* try_property returns what librdkafka has against a property, NULL for nothing. The caller frees it. */
static char *
try_property(rd_kafka_conf_t *conf, const char *property, const char *value)
{
    char error[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, property, value, error, sizeof error);
    if (result == RD_KAFKA_CONF_OK)
        return NULL;
    if (result == RD_KAFKA_CONF_INVALID)
        return conf_kafka_secret(property) ? mem_printf("%s", error)
                                           : mem_printf("librdkafka does not take \"%s\": %s", value, error);
    char *near = nearest(property);
    const char *instead = near ? conf_kafka_owner(near) : NULL;
    char *text = instead ? mem_printf("librdkafka knows no such property; \"%s\" is %s", near, instead)
                 : near
                     ? mem_printf("librdkafka knows no such property; did you mean \"%s\"?", near)
                     : mem_printf("librdkafka knows no such property (version %s)", rd_kafka_version_str());
    free(near);
    return text;
}

static void
usage(struct report *r, char *text_take)
{
    *r->usage = mem_grow(*r->usage, *r->n_usage + 1, sizeof **r->usage);
    (*r->usage)[(*r->n_usage)++] = text_take;
}

/* check_section tries the properties of one `kafka` section of the file. */
static void
check_section(struct report *r, const char *path, json_t *section)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *name;
    json_t *value;
    json_object_foreach(section, name, value) {
        char *text = json_is_string(value) ? mem_string(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        bool tried = !conf_kafka_owner(name) && value != r->c->unset && !json_is_object(value) &&
                     !json_is_array(value) && !json_is_null(value); /* what is not tried was noted before */
        char *wrong = tried && text ? try_property(conf, name, text) : NULL;
        if (wrong)
            conf_problem(r->c, "%s: %s.%s: %s", r->c->path, path, name, wrong);
        free(wrong);
        free(text);
    }
    rd_kafka_conf_destroy(conf);
}

static void
check_given(struct report *r, const char *given)
{
    const char *equals = strchr(given, '=');
    char *name = equals ? mem_prefix(given, (size_t)(equals - given)) : NULL;
    if (!name || !*name || conf_kafka_owner(name)) { /* noted before */
        free(name);
        return;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char *wrong = try_property(conf, name, equals + 1);
    if (wrong)
        usage(r, mem_printf("-X %s: %s", name, wrong));
    rd_kafka_conf_destroy(conf);
    free(wrong);
    free(name);
}

char *
properties_refusal(const rd_kafka_conf_t *conf, const char *error)
{
    static const char *const files[] = {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
                                        "ssl.keystore.location", "ssl.crl.location"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[4096];
        size_t size = sizeof path;
        if (rd_kafka_conf_get(conf, files[i], path, &size) != RD_KAFKA_CONF_OK || path[0] == '\0' ||
            strcmp(path, "probe") == 0 || access(path, R_OK) == 0)
            continue;
        return mem_printf("%s: %s: %s", files[i], conf_kafka_secret(files[i]) ? "its file" : path,
                          strerror(errno));
    }
    return mem_string(error);
}

static void
silent(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

/* try_client makes a consumer of the properties, without brokers, and says what librdkafka has against it. */
static char *
try_client(json_t *kafka)
{
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *name;
    json_t *value;
    json_object_foreach(kafka, name, value)
        if (strcmp(name, "bootstrap.servers") != 0)
            rd_kafka_conf_set(conf, name, json_string_value(value), NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "headrace.check", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, silent);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk) {
        if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) /* no more threads, say */
            fatal(70, "cannot try a client of kafka: %s", error);
        char *wrong = properties_refusal(conf, error);
        rd_kafka_conf_destroy(conf);
        return wrong;
    }
    rd_kafka_destroy(rk);
    return NULL;
}

/* check_clients tries a client for each different set of properties. Called only where each alone is good. */
static void
check_clients(struct report *r)
{
    struct conf *c = r->c;
    json_t *tried = json_array();
    for (size_t i = 0; i < c->n_tasks; i++) {
        json_t *kafka = c->tasks[i].kafka, *other;
        size_t j;
        bool again = !kafka;
        json_array_foreach(tried, j, other)
            again = again || json_equal(other, kafka);
        if (again)
            continue;
        json_array_append(tried, kafka);
        char *wrong = try_client(kafka);
        if (wrong)
            conf_problem(c, "%s: kafka (as %s has it): %s", c->path, c->tasks[i].name, wrong);
        free(wrong);
    }
    json_decref(tried);
}

void
properties_check(struct conf *c, const struct conf_overrides *o, char ***usage_problems, size_t *n_usage)
{
    struct report r = {c, usage_problems, n_usage};
    size_t before = c->n_problems + *n_usage;
    const char *name;
    json_t *task;
    check_section(&r, "kafka", json_object_get(c->file, "kafka"));
    json_object_foreach(json_object_get(c->file, "tasks"), name, task) {
        char *path = mem_printf("tasks.%s.kafka", name);
        check_section(&r, path, json_object_get(task, "kafka"));
        free(path);
    }
    for (size_t i = 0; o && i < o->n_properties; i++)
        check_given(&r, o->properties[i]);
    if (c->n_problems + *n_usage == before)
        check_clients(&r);
}
