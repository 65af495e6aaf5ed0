/* apps.c - apps for tests: modules that exist only here, described as a worker would, and confs made with
 * them. */
#include "tests/unit/apps.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

char *apps_usage;

static const struct {
    const char *name, *description;
} modules[] = {
    {"logs.so",
     "{'tasks': [{'name': 'process_logs', 'topic': 'logs', 'concurrency': 2, 'order': null, 'file': "
     "'logs.c', 'line': 14},"
     " {'name': 'stats', 'topic': null, 'concurrency': 0, 'order': null, 'file': 'logs.c', 'line': 40}],"
     " 'timers': [{'name': 'dump_stats', 'interval': 30.0, 'file': 'logs.c', 'line': 30}],"
     " 'counters': ['logs_received', 'errors', 'logs_received'], 'problems': []}"},
    {"feeds.so", "{'tasks': [{'name': 'import_feeds', 'topic': 'feeds', 'concurrency': 100, 'order': 'none', "
                 "'file': 'feeds.c',"
                 " 'line': 9}], 'timers': [], 'counters': ['feeds_imported'], 'problems': []}"},
    {"again.so", "{'tasks': [{'name': 'process_logs', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': "
                 "'again.c', 'line': 3}],"
                 " 'timers': [], 'counters': [], 'problems': []}"},
    {"more.so", "{'tasks': [{'name': 'other', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': "
                "'more.c', 'line': 3}],"
                " 'timers': [], 'counters': [], 'problems': []}"},
    {"slow.so", "{'tasks': [], 'timers': [{'name': 'slow', 'interval': 0.0, 'file': 'slow.c', 'line': 5}], "
                "'counters': [],"
                " 'problems': []}"},
    {"nothing.so", "{'tasks': [], 'timers': [], 'counters': [], 'problems': []}"},
    {"wrong.so",
     "{'tasks': [{'name': 'many', 'topic': 'a', 'concurrency': 5000, 'order': null, 'file': 'wrong.c', "
     "'line': 1},"
     " {'name': 'spaced', 'topic': 'a b', 'concurrency': 0, 'order': null, 'file': 'wrong.c', 'line': 2},"
     " {'name': 'a/b', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': 'wrong.c', 'line': 3}],"
     " 'timers': [{'name': 'quick', 'interval': 1e-6, 'file': 'wrong.c', 'line': 4},"
     " {'name': 'back', 'interval': -1.0, 'file': 'wrong.c', 'line': 5}], 'counters': [], 'problems': []}"},
    {"complains.so",
     "{'tasks': [], 'timers': [], 'counters': [], 'problems': ['hr_setup returned 1', 'and\\nmore']}"},
};

static json_t *
parse(const char *text)
{
    char json[2048];
    ck_assert_uint_lt(strlen(text), sizeof json);
    strcpy(json, text);
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *description = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(description);
    return description;
}

/* counters256.so: as many counters as there may be, and a task so that it is not empty. */
static json_t *
many_counters(void)
{
    json_t *description = apps_module("more.so"), *counters = json_object_get(description, "counters");
    for (int i = 0; i < 256; i++)
        json_array_append_new(counters, json_sprintf("counter%d", i));
    return description;
}

json_t *
apps_module(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strcmp(name, "counters256.so") == 0)
        return many_counters();
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (strcmp(modules[i].name, name) == 0)
            return parse(modules[i].description);
    return NULL;
}

char *
apps_join(char **texts, size_t n)
{
    char *all = mem_string("");
    for (size_t i = 0; i < n; i++) {
        char *longer = mem_printf("%s%s\n", all, texts[i]);
        free(all);
        all = longer;
    }
    return all;
}

/* open_conf loads and merges, with the modules of apps.h. */
struct conf *
apps_open(const char *app, const struct conf_overrides *o)
{
    char **usage;
    size_t n_usage;
    struct conf *c = conf_load(app);
    json_t *descriptions[c->n_modules + 1];
    for (size_t i = 0; i < c->n_modules; i++)
        descriptions[i] = apps_module(c->modules[i]);
    conf_merge(c, descriptions, o, &usage, &n_usage);
    free(apps_usage);
    apps_usage = apps_join(usage, n_usage);
    for (size_t i = 0; i < n_usage; i++)
        free(usage[i]);
    free(usage);
    for (size_t i = 0; i < c->n_modules; i++)
        json_decref(descriptions[i]);
    return c;
}

/* open_text is open_conf of a file with this text. */
struct conf *
apps_open_text(const char *text, const struct conf_overrides *o)
{
    char path[] = "/tmp/headrace-conf-XXXXXX.json";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct conf *c = apps_open(path, o);
    unlink(path);
    return c;
}

void
apps_expect_good(const struct conf *c)
{
    char *all = apps_join(c->problems, c->n_problems);
    ck_assert_str_eq(all, "");
    ck_assert_str_eq(apps_usage, "");
    free(all);
}

void
apps_forget(void)
{
    free(apps_usage);
    apps_usage = NULL;
}
