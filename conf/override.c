/* override.c - what the command line changes: -b, -X, -c and -w.
 *
 * What is wrong here is a problem of usage, kept apart from those of the configuration. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

#define FROM_COMMAND_LINE "command line"

static void __attribute__((format(printf, 2, 3))) usage(struct merging *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    m->usage = mem_grow(m->usage, m->n_usage + 1, sizeof *m->usage);
    m->usage[m->n_usage++] = text;
}

/* put_property sets one property, if it can be. */
static void
put_property(struct merging *m, const char *from, const char *property, const char *text)
{
    json_t *value = json_string(text);
    char *wrong = value && conf_kafka_is_brokers(property) ? conf_brokers_check(text) : NULL;
    if (!value)
        usage(m, "%s: its value is not UTF-8", from);
    else if (wrong)
        usage(m, "%s: %s", from, wrong);
    else
        json_object_set(m->kafka, conf_kafka_canonical(property), value);
    json_decref(value);
    free(wrong);
}

static void
override_property(struct merging *m, const char *given)
{
    const char *equals = strchr(given, '=');
    if (!equals || equals == given) {
        usage(m, "-X %s: must be PROPERTY=VALUE, such as -X fetch.min.bytes=1", given);
        return;
    }
    char *property = mem_prefix(given, (size_t)(equals - given));
    const char *instead = conf_kafka_owner(property);
    char *from = mem_printf("-X %s", property);
    if (instead)
        usage(m, "%s: is %s", from, instead);
    else
        put_property(m, from, property, equals + 1);
    free(from);
    free(property);
}

void
override_kafka(struct merging *m)
{
    if (m->o->brokers)
        put_property(m, "-b", "bootstrap.servers", m->o->brokers);
    for (size_t i = 0; i < m->o->n_properties; i++)
        override_property(m, m->o->properties[i]);
}

/* unknown_task says that no task has the name that `given` asks for, and which one is near. */
static void
unknown_task(struct merging *m, const char *given, const char *name)
{
    struct conf *c = m->c;
    const char *names[c->n_tasks + 1];
    for (size_t i = 0; i < c->n_tasks; i++)
        names[i] = c->tasks[i].name;
    const char *nearest = conf_nearest(name, names, c->n_tasks);
    if (m->partly)
        merge_unknown(m, given, nearest);
    else if (nearest)
        usage(m, "%s: no such task; did you mean \"%s\"?", given, nearest);
    else
        usage(m, "%s: no such task; `headrace tasks %s` lists them", given, c->path);
}

static bool
in_bounds(struct merging *m, const char *given, int64_t n)
{
    char *bound = option_bound(option_find(OPTION_TASK, "concurrency"), n);
    if (bound)
        usage(m, "%s: must be %s, is %" PRId64, given, bound, n);
    free(bound);
    return !bound;
}

static void
set_concurrency(struct conf_task *t, int64_t n)
{
    t->concurrency = n;
    json_object_set_new(t->from, "concurrency", json_string(FROM_COMMAND_LINE));
}

/* override_one applies one -c TASK=N. */
static void
override_one(struct merging *m, const char *name, int64_t n)
{
    char *given = mem_printf("-c %s", name);
    struct conf_task *t = merge_find(m->c, name);
    bool good = in_bounds(m, given, n);
    if (!t)
        unknown_task(m, given, name);
    else if (t->kind == CONF_TIMER)
        usage(m, "%s: is a timer, and a timer has one worker", given);
    else if (good)
        set_concurrency(t, n);
    free(given);
}

void
override_concurrency(struct merging *m)
{
    int64_t n = m->o->workers;
    if (n == -1) {
        n = m->o->usable_cpus > 0 ? m->o->usable_cpus : conf_usable_cpus();
        n = n < 4096 ? n : 4096;
    }
    for (size_t i = 0; n != 0 && i < m->c->n_tasks; i++)
        if (m->c->tasks[i].kind == CONF_STREAM && n >= 1 && n <= 4096)
            set_concurrency(&m->c->tasks[i], n);
    if (n != 0)
        in_bounds(m, "-w", n);
    for (size_t i = 0; i < m->o->n_concurrency; i++)
        override_one(m, m->o->concurrency[i].task, m->o->concurrency[i].concurrency);
}
