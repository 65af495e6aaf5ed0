/* check.c - what must hold between the parts of a merged configuration: the file's names and the modules',
 * the groups of different tasks, a timer and its interval, timeouts that depend on each other.
 *
 * Guarantees: each disagreement is noted once. Changes nothing but the order of the counters. */
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"
#include "shared/scoreboard.h"

#define MAX_POLL_DEFAULT_MS 300000

/* nearest_declared returns the task or timer whose name is most like `name`. */
static const char *
nearest_declared(const struct conf *c, const char *name, bool timers)
{
    const char *names[c->n_tasks + 1];
    size_t n = 0;
    for (size_t i = 0; i < c->n_tasks; i++)
        if ((c->tasks[i].kind == CONF_TIMER) == timers)
            names[n++] = c->tasks[i].name;
    return conf_nearest(name, names, n);
}

static void
check_declared(struct merging *m, const char *name, bool timers)
{
    struct conf *c = m->c;
    const struct conf_task *t = merge_find(c, name);
    const char *section = timers ? "timers" : "tasks", *sort = timers ? "timer" : "task";
    if (t && (t->kind == CONF_TIMER) != timers) {
        conf_problem(c, "%s: %s.%s: is declared as a %s (%s); move its options to %s.%s", c->path, section,
                     name, timers ? "task" : "timer", t->declared_at, conf_section_name(t->kind), name);
    } else if (!t && m->partly) {
        char *what = mem_printf("%s.%s", section, name);
        merge_unknown(m, what, nearest_declared(c, name, timers));
        free(what);
    } else if (!t) {
        const char *nearest = nearest_declared(c, name, timers);
        if (nearest)
            conf_problem(c, "%s: %s.%s: no module declares this %s; did you mean \"%s\"?", c->path, section,
                         name, sort, nearest);
        else
            conf_problem(
                c, "%s: %s.%s: no module declares this %s; remove it, or name its module in \"modules\"",
                c->path, section, name, sort);
    }
}

static void
check_names(struct merging *m)
{
    const char *name;
    json_t *section;
    json_object_foreach(json_object_get(m->c->file, "tasks"), name, section)
        check_declared(m, name, false);
    json_object_foreach(json_object_get(m->c->file, "timers"), name, section)
        check_declared(m, name, true);
}

static void
check_groups(struct conf *c)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        for (size_t j = i + 1; c->tasks[i].group && j < c->n_tasks; j++)
            if (c->tasks[j].group && strcmp(c->tasks[i].group, c->tasks[j].group) == 0)
                conf_problem(c, "%s: tasks.%s.group: \"%s\" is the group of %s too; each task needs its own",
                             c->path, c->tasks[j].name, c->tasks[j].group, c->tasks[i].name);
}

static void
check_intervals(struct conf *c)
{
    for (size_t i = 0; i < c->n_tasks; i++) {
        const struct conf_task *t = &c->tasks[i];
        if (t->kind == CONF_TIMER && !json_object_get(t->from, "interval"))
            conf_problem(
                c, "%s: timers.%s.interval: is missing; give it there, such as \"30s\", or in the code (%s)",
                c->path, t->name, t->declared_at);
    }
}

/* reads_topic says whether a topic option, a list or a ^pattern, takes the topic of that name. */
static bool
reads_topic(const char *option, const char *name)
{
    regex_t pattern;
    if (option[0] == '^') {
        bool read = regcomp(&pattern, option, REG_EXTENDED | REG_NOSUB) == 0;
        if (read) {
            read = regexec(&pattern, name, 0, NULL, 0) == 0;
            regfree(&pattern);
        }
        return read;
    }
    size_t length = strlen(name);
    for (const char *p = option; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == length && memcmp(p, name, n) == 0)
            return true;
        p += n;
    }
    return false;
}

/* A task that reads its own dead letters would write them again, for ever. */
static void
check_dead_letters(struct conf *c)
{
    for (size_t i = 0; i < c->n_tasks; i++) {
        const struct conf_task *t = &c->tasks[i];
        if (t->topic && t->on_failure == CONF_DEAD_LETTER && reads_topic(t->topic, t->dead_letter_topic))
            conf_problem(
                c,
                "%s: tasks.%s.dead_letter_topic: %s is among the topics that the task reads (\"%s\"); name "
                "another one",
                c->path, t->name, t->dead_letter_topic, t->topic);
    }
}

static int64_t
max_poll_ms(json_t *kafka)
{
    const char *text = json_string_value(json_object_get(kafka, "max.poll.interval.ms"));
    int64_t ms =
        text ? strtoll(text, NULL, 10) : 0; /* what is no number is noted where properties are tried */
    return ms > 0 ? ms : MAX_POLL_DEFAULT_MS;
}

static bool
check_drain(struct conf *c, const char *of, json_t *kafka)
{
    int64_t ms = max_poll_ms(kafka);
    if (c->drain_timeout < ms * NS_PER_MS)
        return true;
    char *drain = conf_show_duration(c->drain_timeout);
    conf_problem(
        c, "%s: drain_timeout: must be less than max.poll.interval.ms%s, which is %" PRId64 " ms, is %s",
        c->path, of, ms, drain);
    free(drain);
    return false;
}

static void
check_drains(struct conf *c)
{
    if (!check_drain(c, "", c->kafka))
        return;
    for (size_t i = 0; i < c->n_tasks; i++) {
        char *of = mem_printf(" of %s", c->tasks[i].name);
        if (c->tasks[i].kafka)
            check_drain(c, of, c->tasks[i].kafka);
        free(of);
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
check_counters(struct conf *c)
{
    if (c->n_counters > SCOREBOARD_COUNTERS)
        conf_problem(c, "%s: the modules declare more than %d counters; remove some", c->path,
                     SCOREBOARD_COUNTERS);
    if (c->n_counters > 0)
        qsort(c->counters, c->n_counters, sizeof *c->counters, by_name);
}

void
check_merged(struct merging *m)
{
    check_names(m);
    check_groups(m->c);
    check_dead_letters(m->c);
    check_intervals(m->c);
    check_drains(m->c);
    check_counters(m->c);
    users_settle(m->c);
}
