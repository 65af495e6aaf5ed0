/* tasks.c - `headrace tasks APP`: the tasks and timers, their options, and where each option came from.
 *
 * For people, a block for each task; with --json one document:
 *   {"app", "tasks": [{"name", "kind", "module", "declared_at", "options": {key: {"value", "from"}}}]} */
#include "supervisor/client/app_options.h"
#include "supervisor/client/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/app.h"
#include "supervisor/client/commands.h"

static const struct option options[] = {
    APP_OPTIONS_LONG, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};

static json_t *
task_document(const struct conf_task *t)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", t->name, "kind", conf_kind_name(t->kind), "module",
                     t->module, "declared_at", t->declared_at, "options", conf_task_options(t));
}

static int
print_json(const struct conf *c)
{
    json_t *tasks = json_array();
    for (size_t i = 0; i < c->n_tasks; i++)
        json_array_append_new(tasks, task_document(&c->tasks[i]));
    json_t *document = json_pack("{s:s, s:o}", "app", c->app, "tasks", tasks);
    int failed = json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
    return failed || fflush(stdout) ? EX_IOERR : 0;
}

/* value_text returns a value as people read it: text without quotes. The caller frees it. */
static char *
value_text(json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    return json_dumps(value, JSON_ENCODE_ANY);
}

static void
print_task(const struct conf_task *t, int key_width, int value_width)
{
    json_t *all = conf_task_options(t), *one;
    const char *key;
    printf("%s: %s%s, declared in %s (%s)\n", t->name, conf_kind_name(t->kind),
           t->kind == CONF_TIMER ? "" : " task", t->declared_at, t->module);
    json_object_foreach(all, key, one) {
        char *text = value_text(json_object_get(one, "value"));
        const char *from = json_string_value(json_object_get(one, "from"));
        printf("    %-*s  %-*s  %s\n", key_width, key, value_width, text, from ? from : "");
        free(text);
    }
    json_decref(all);
}

/* widen makes the columns wide enough for a task's options. */
static void
widen(const struct conf_task *t, int *key_width, int *value_width)
{
    json_t *all = conf_task_options(t), *one;
    const char *key;
    json_object_foreach(all, key, one) {
        char *text = value_text(json_object_get(one, "value"));
        int k = (int)strlen(key), v = (int)strlen(text);
        *key_width = k > *key_width ? k : *key_width;
        *value_width = v > *value_width && v <= 40 ? v : *value_width; /* one long value does not widen all */
        free(text);
    }
    json_decref(all);
}

static int
print_blocks(const struct conf *c)
{
    int key_width = 0, value_width = 0;
    for (size_t i = 0; i < c->n_tasks; i++)
        widen(&c->tasks[i], &key_width, &value_width);
    for (size_t i = 0; i < c->n_tasks; i++) {
        if (i > 0)
            putchar('\n');
        print_task(&c->tasks[i], key_width, value_width);
    }
    return fflush(stdout) ? EX_IOERR : 0;
}

int
tasks_main(int argc, char **argv)
{
    struct app_options a = {.command = argv[0]};
    int opt, code = 0;
    bool json = false;
    while (code == 0 && (opt = getopt_long(argc, argv, ":" APP_OPTIONS_SHORT, options, NULL)) != -1) {
        int taken = app_options_take(&a, opt, optarg);
        if (opt == 'j')
            json = true;
        else if (taken <= 0)
            code = taken < 0 ? EX_USAGE : usage_option(argv[0], argv, options, opt);
    }
    if (code == 0 && argc - optind != 1)
        code = usage_error(argv[0],
                           argc == optind ? "needs an APP: a configuration or a module" : "takes one APP");
    struct conf *c = code == 0 ? app_open(argv[optind], &a.overrides, &code) : NULL;
    if (c)
        code = json ? print_json(c) : print_blocks(c);
    conf_free(&c);
    app_options_free(&a);
    return code;
}
