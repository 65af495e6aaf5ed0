/* kafka_options.c - how commands that talk to a broker are told which one, and how.
 *
 * Owns: the order in which the sources of properties win over each other.
 * Must not know: what is done with the broker. */
#include "supervisor/client/kafka_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "supervisor/client/usage.h"

#define BROKERS_DEFAULT "localhost:9092"

static int
take_property(struct kafka_options *k, const char *arg)
{
    const char *equals = strchr(arg, '=');
    if (!equals || equals == arg) {
        usage_error(k->command, "-X takes PROPERTY=VALUE, not '%s'", arg);
        return -1;
    }
    k->properties = mem_grow(k->properties, k->n_properties + 1, sizeof *k->properties);
    k->properties[k->n_properties++] = arg;
    return 1;
}

int
kafka_options_take(struct kafka_options *k, int opt, const char *arg)
{
    switch (opt) {
    case 'b':
        k->brokers = arg;
        break;
    case 'X':
        return take_property(k, arg);
    case 'a':
        k->running.app = arg;
        break;
    case KAFKA_OPTION_APP:
        k->app = arg;
        break;
    case KAFKA_OPTION_RUNTIME_DIR:
        k->running.runtime_dir = arg;
        break;
    default:
        return 0;
    }
    if (k->brokers && (k->running.app || k->running.runtime_dir)) {
        usage_error(k->command, "-b and %s both say which brokers; give one of them",
                    k->running.app ? "-a" : "--runtime-dir");
        return -1;
    }
    return 1;
}

static bool
is_brokers(const char *property)
{
    return strcmp(property, "bootstrap.servers") == 0 || strcmp(property, "metadata.broker.list") == 0;
}

/* set sets one property; `from` says where it came from. */
static int
set(const struct kafka_options *k, rd_kafka_conf_t *conf, const char *name, const char *value, int code,
    const char *from)
{
    char wrong[512];
    if (rd_kafka_conf_set(conf, name, value, wrong, sizeof wrong) == RD_KAFKA_CONF_OK)
        return 0;
    if (code == EX_USAGE)
        return usage_error(k->command, "%s: %s", from, wrong);
    return command_error(k->command, code, "%s: kafka.%s: %s", from, name, wrong);
}

/* set_given sets a property of the command line; brokers that cannot be one are refused. */
static int
set_given(const struct kafka_options *k, rd_kafka_conf_t *conf, const char *name, const char *value,
          const char *from)
{
    char *wrong = is_brokers(name) ? conf_brokers_check(value) : NULL;
    if (!wrong)
        return set(k, conf, name, value, EX_USAGE, from);
    int code = usage_error(k->command, "%s: %s", from, wrong);
    free(wrong);
    return code;
}

static int
apply_app(const struct kafka_options *k, rd_kafka_conf_t *conf)
{
    struct conf *c = conf_load(k->app);
    const char *name;
    json_t *value;
    int code = 0;
    for (size_t i = 0; i < c->n_problems; i++)
        code = command_error(k->command, EX_CONFIG, "%s", c->problems[i]);
    json_object_foreach(c->kafka, name, value) {
        if (code)
            break;
        code = set(k, conf, name, json_string_value(value), EX_CONFIG, c->path);
    }
    conf_free(&c);
    return code;
}

static int
apply_running(struct kafka_options *k, rd_kafka_conf_t *conf)
{
    int code;
    free(k->running.path); /* of an earlier call */
    k->running.path = NULL;
    json_t *status = ask_status(&k->running, k->command, &code);
    if (!status)
        return code;
    const char *brokers = json_string_value(json_object_get(status, "brokers"));
    if (brokers)
        code = set(k, conf, "bootstrap.servers", brokers, EX_SOFTWARE, k->running.owner.app);
    else
        code = command_error(k->command, EX_UNAVAILABLE,
                             "the app %s does not say which brokers it uses; give them by -b",
                             k->running.owner.app);
    json_decref(status);
    return code;
}

/* say_brokers tells which brokers were chosen where none were named. */
static void
say_brokers(const struct kafka_options *k, const rd_kafka_conf_t *conf)
{
    char brokers[512];
    size_t size = sizeof brokers;
    if (rd_kafka_conf_get(conf, "bootstrap.servers", brokers, &size) == RD_KAFKA_CONF_OK)
        fprintf(stderr, "headrace %s: at %s, as the running app %s\n", k->command, brokers,
                k->running.owner.app);
}

static int
apply_property(const struct kafka_options *k, rd_kafka_conf_t *conf, const char *property)
{
    char *name = mem_string(property), *value = strchr(name, '='), *from = mem_printf("-X %s", property);
    *value++ = '\0';
    from[3 + strlen(name)] = '\0'; /* without the value: it may be a password */
    int code = set_given(k, conf, name, value, from);
    free(name);
    free(from);
    return code;
}

/* names_brokers says whether an option does. */
static bool
names_brokers(const struct kafka_options *k)
{
    bool named = k->brokers || k->app || k->running.app || k->running.runtime_dir;
    for (size_t i = 0; i < k->n_properties; i++) {
        char *name = mem_prefix(k->properties[i], strcspn(k->properties[i], "="));
        named = named || is_brokers(name);
        free(name);
    }
    return named;
}

/* take_only_running makes the one app that runs the one that is asked for its brokers; where none runs, there is none. Where
 * several do, nothing is guessed: an exit code. */
static int
take_only_running(struct kafka_options *k, bool *one)
{
    char *error = NULL;
    int code = rundir_find(NULL, NULL, &k->running.path, &k->running.owner, &error);
    *one = code == 0;
    if (code == EX_USAGE)
        command_error(k->command, code, "%s\n  (or name the brokers with -b)", error);
    free(error);
    free(k->running.path);
    k->running.path = NULL;
    if (*one)
        k->running.app = k->running.owner.app;
    return code == EX_USAGE ? code : 0;
}

int
kafka_options_apply(struct kafka_options *k, rd_kafka_conf_t *conf)
{
    bool only = false;
    int code = names_brokers(k) ? 0 : take_only_running(k, &only);
    if (code == 0)
        code = set(k, conf, "bootstrap.servers", BROKERS_DEFAULT, EX_SOFTWARE, "default");
    if (code == 0 && k->app)
        code = apply_app(k, conf);
    if (code == 0 && (k->running.app || k->running.runtime_dir))
        code = apply_running(k, conf);
    if (code == 0 && only)
        say_brokers(k, conf);
    if (code == 0 && k->brokers)
        code = set_given(k, conf, "bootstrap.servers", k->brokers, "-b");
    for (size_t i = 0; code == 0 && i < k->n_properties; i++)
        code = apply_property(k, conf, k->properties[i]);
    return code;
}

void
kafka_options_free(struct kafka_options *k)
{
    free(k->properties);
    free(k->running.path);
}
