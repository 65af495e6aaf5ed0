/* conf_modules.c - what the modules of the fixtures declare: descriptions as a worker would write them. */
#include "tests/unit/conf_modules.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *description;
} modules[] = {
    {"logs.so",
     "{'tasks': [{'name': 'process_logs', 'topic': 'logs', 'concurrency': 2, 'order': null, 'file': 'logs.c', 'line': 14},"
     " {'name': 'stats', 'topic': null, 'concurrency': 0, 'order': null, 'file': 'logs.c', 'line': 40}],"
     " 'timers': [{'name': 'dump_stats', 'interval': 30.0, 'file': 'logs.c', 'line': 30}],"
     " 'counters': ['logs_received', 'errors', 'logs_received'], 'problems': []}"},
    {"feeds.so",
     "{'tasks': [{'name': 'import_feeds', 'topic': 'feeds', 'concurrency': 100, 'order': 'none', 'file': 'feeds.c',"
     " 'line': 9}], 'timers': [], 'counters': ['feeds_imported'], 'problems': []}"},
    {"again.so",
     "{'tasks': [{'name': 'process_logs', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': 'again.c', 'line': 3}],"
     " 'timers': [], 'counters': [], 'problems': []}"},
    {"more.so",
     "{'tasks': [{'name': 'other', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': 'more.c', 'line': 3}],"
     " 'timers': [], 'counters': [], 'problems': []}"},
    {"slow.so",
     "{'tasks': [], 'timers': [{'name': 'slow', 'interval': 0.0, 'file': 'slow.c', 'line': 5}], 'counters': [],"
     " 'problems': []}"},
    {"nothing.so", "{'tasks': [], 'timers': [], 'counters': [], 'problems': []}"},
    {"wrong.so",
     "{'tasks': [{'name': 'many', 'topic': 'a', 'concurrency': 5000, 'order': null, 'file': 'wrong.c', 'line': 1},"
     " {'name': 'spaced', 'topic': 'a b', 'concurrency': 0, 'order': null, 'file': 'wrong.c', 'line': 2},"
     " {'name': 'a/b', 'topic': 'a', 'concurrency': 0, 'order': null, 'file': 'wrong.c', 'line': 3}],"
     " 'timers': [{'name': 'quick', 'interval': 1e-6, 'file': 'wrong.c', 'line': 4},"
     " {'name': 'back', 'interval': -1.0, 'file': 'wrong.c', 'line': 5}], 'counters': [], 'problems': []}"},
    {"complains.so", "{'tasks': [], 'timers': [], 'counters': [], 'problems': ['hr_setup returned 1', 'and\\nmore']}"},
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
    json_t *description = module_described("more.so"), *counters = json_object_get(description, "counters");
    for (int i = 0; i < 256; i++)
        json_array_append_new(counters, json_sprintf("counter%d", i));
    return description;
}

json_t *
module_described(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strcmp(name, "counters256.so") == 0)
        return many_counters();
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (strcmp(modules[i].name, name) == 0)
            return parse(modules[i].description);
    return NULL;
}
