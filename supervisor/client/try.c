/* try.c - `headrace try APP TASK [FILE]`: one task over the lines of a file, without a broker or a
 * supervisor.
 *
 * DESIGN: this process becomes the worker (exec), so that a debugger or a test that starts it has the task in
 * its hands, with its environment as in a real run.
 *
 * Must not know: how the worker reads lines (worker/try.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/mem.h"
#include "supervisor/app.h"
#include "supervisor/client/app_options.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/usage.h"
#include "supervisor/programs.h"

#define COMMAND "try"

static int
parse(struct app_options *a, int argc, char **argv)
{
    static const struct option options[] = {APP_OPTIONS_LONG, {NULL, 0, NULL, 0}};
    int opt;
    while ((opt = getopt_long(argc, argv, ":" APP_OPTIONS_SHORT, options, NULL)) != -1) {
        int taken = app_options_take(a, opt, optarg);
        if (taken <= 0)
            return taken < 0 ? EX_USAGE : usage_option(COMMAND, argv, options, opt);
    }
    if (argc - optind < 2)
        return usage_error(COMMAND, "needs an APP (a configuration or a module) and the name of a TASK");
    if (argc - optind > 3)
        return usage_error(COMMAND, "takes APP, TASK and one FILE, but there is '%s' too", argv[optind + 3]);
    return 0;
}

static const struct conf_task *
find_task(const struct conf *c, const char *name)
{
    const char **known = mem_array(c->n_tasks, sizeof *known);
    const struct conf_task *found = NULL;
    for (size_t i = 0; i < c->n_tasks; i++) {
        known[i] = c->tasks[i].name;
        if (strcmp(known[i], name) == 0)
            found = &c->tasks[i];
    }
    const char *nearest = found ? NULL : conf_nearest(name, known, c->n_tasks);
    if (nearest)
        usage_error(COMMAND, "%s has no task '%s'; did you mean %s?", c->path, name, nearest);
    else if (!found)
        usage_error(COMMAND, "%s has no task '%s'; `headrace tasks %s` lists them", c->path, name, c->path);
    free(known);
    return found;
}

/* set_environment makes the environment that of the task's workers. */
static void
set_environment(const struct conf *c, const struct conf_task *t)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < c->n_secrets; i++)
        unsetenv(c->secrets[i]);
    json_object_foreach(t->environment, name, value) setenv(name, json_string_value(value), 1);
}

static int
become_worker(const struct conf *c, const struct conf_task *t, const char *file)
{
    char *error = NULL;
    char *program = programs_find(CHILD_WORKER, &error);
    if (program) {
        char *argv[] = {
            (char *)CHILD_WORKER,          (char *)"--try", t->module, t->name,
            (char *)(uintptr_t)(file ? file : "-"), t->topic, NULL};
        set_environment(c, t);
        fflush(NULL);
        execv(program, argv);
        error = mem_printf("%s: %s", program, strerror(errno));
    }
    int code = command_error(COMMAND, EX_SOFTWARE, "%s", error);
    free(error);
    free(program);
    return code;
}

int
try_main(int argc, char **argv)
{
    struct app_options a = {.command = COMMAND};
    struct conf *c = NULL;
    int code = parse(&a, argc, argv);
    if (code == 0)
        c = app_open(argv[optind], &a.overrides, &code);
    if (c) {
        const struct conf_task *t = find_task(c, argv[optind + 1]);
        const char *file = argv[optind + 2];
        if (file && strcmp(file, "-") == 0)
            file = NULL;
        code = t ? become_worker(c, t, file) : EX_USAGE;
    }
    conf_free(&c);
    app_options_free(&a);
    return code;
}
