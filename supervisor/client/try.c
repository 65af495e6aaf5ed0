/* try.c - `headrace try APP TASK [FILE]`: one task over the lines of a file, or over one record that is
 * fetched from a broker, without a supervisor.
 *
 * DESIGN: this process becomes the worker (exec), so that a debugger or a test that starts it has the task in
 * its hands, with its environment and its user as in a real run.
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
#include "supervisor/client/debug.h"
#include "supervisor/client/try_record.h"
#include "supervisor/client/usage.h"
#include "supervisor/programs.h"
#include "supervisor/spawn.h"

#define COMMAND "try"

enum { OPTION_RECORD = 0x100, OPTION_DEBUG };

struct wish {
    struct app_options app_options;
    const char *app, *task, *file; /* file NULL: stdin */
    bool debug, one_record;
    struct try_record record; /* where one_record */
};

static int
take_option(struct wish *w, int opt, char **argv, const struct option *options)
{
    int taken = app_options_take(&w->app_options, opt, optarg);
    if (taken != 0)
        return taken < 0 ? EX_USAGE : 0;
    switch (opt) {
    case OPTION_RECORD:
        w->one_record = true;
        return try_record_read(optarg, &w->record)
                   ? 0
                   : usage_error(COMMAND, "--record takes TOPIC:PARTITION:OFFSET, as in logs:0:17, not '%s'",
                                 optarg);
    case OPTION_DEBUG:
        w->debug = true;
        return 0;
    default:
        if (opt == '?' && optopt == 'a')
            return usage_error(
                COMMAND, "-a NAME is for commands that ask a running app; name its brokers: -b HOST:PORT");
        return usage_option(COMMAND, argv, options, opt);
    }
}

/* take_arguments takes APP, TASK and FILE. */
static int
take_arguments(struct wish *w, int n, char **arguments)
{
    if (n < 2)
        return usage_error(COMMAND, "needs an APP (a configuration or a module) and the name of a TASK");
    if (n > 3)
        return usage_error(COMMAND, "takes APP, TASK and one FILE, but there is '%s' too", arguments[3]);
    w->app = arguments[0];
    w->task = arguments[1];
    w->file = n > 2 && strcmp(arguments[2], "-") != 0 ? arguments[2] : NULL;
    if (w->one_record && n > 2)
        return usage_error(COMMAND, "a FILE and --record both say what the records are; give one of them");
    if (w->debug && !w->one_record && !w->file && !isatty(STDIN_FILENO))
        return usage_error(COMMAND, "--debug needs a FILE or --record here: stdin is the debugger's");
    return 0;
}

static int
parse(struct wish *w, int argc, char **argv)
{
    static const struct option options[] = {
        APP_OPTIONS_LONG,
        {"record", required_argument, NULL, OPTION_RECORD},
        {"debug", no_argument, NULL, OPTION_DEBUG},
        {NULL, 0, NULL, 0},
    };
    int opt, code;
    while ((opt = getopt_long(argc, argv, ":" APP_OPTIONS_SHORT, options, NULL)) != -1)
        if ((code = take_option(w, opt, argv, options)) != 0)
            return code;
    return take_arguments(w, argc - optind, argv + optind);
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

/* set_user: as the worker's; only root has one to give, see conf/users.h. */
static void
set_user(const struct conf_user *user)
{
    setenv("HOME", user->home, 1);
    setenv("USER", user->name, 1);
    setenv("LOGNAME", user->name, 1);
    unsetenv("XDG_RUNTIME_DIR");
}

/* set_environment makes the environment that of the task's workers. */
static void
set_environment(const struct conf *c, const struct conf_task *t)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < c->n_secrets; i++)
        unsetenv(c->secrets[i]);
    if (t->user)
        set_user(t->user);
    json_object_foreach(t->environment, name, value)
        setenv(name, json_string_value(value), 1);
}

static int
become(const struct wish *w, const struct conf *c, const struct conf_task *t, char *const argv[])
{
    char *error = NULL;
    char *program = programs_find(CHILD_WORKER, &error);
    int code = EX_SOFTWARE;
    if (program) {
        set_environment(c, t);
        fflush(NULL);
        if (t->user && spawn_become(t->user) < 0)
            error = mem_printf("cannot become user %s: %s", t->user->name, strerror(errno));
        else if (w->debug)
            code = debug_become(COMMAND, t, program, argv);
        else if (execv(program, argv) < 0)
            error = mem_printf("%s: %s", program, strerror(errno));
    }
    if (error)
        code = command_error(COMMAND, EX_SOFTWARE, "%s", error);
    free(error);
    free(program);
    return code;
}

static int
try_lines(const struct wish *w, const struct conf *c, const struct conf_task *t)
{
    char *argv[] = {(char *)CHILD_WORKER,
                    (char *)"--try",
                    t->module,
                    t->name,
                    (char *)(uintptr_t)(w->file ? w->file : "-"),
                    t->topic,
                    NULL};
    return become(w, c, t, argv);
}

static int
try_one_record(const struct wish *w, const struct conf *c, const struct conf_task *t)
{
    int code;
    char number[16];
    if (t->kind != CONF_STREAM)
        return usage_error(COMMAND, "--record is for tasks with a topic, and %s has none", t->name);
    int fd = try_record_fetch(&w->record, t, &code);
    if (fd < 0)
        return code;
    snprintf(number, sizeof number, "%d", fd);
    char *argv[] = {(char *)CHILD_WORKER, (char *)"--try-record", t->module, t->name, number, NULL};
    code = become(w, c, t, argv);
    close(fd);
    return code;
}

int
try_main(int argc, char **argv)
{
    struct wish w = {.app_options.command = COMMAND};
    struct conf *c = NULL;
    int code = parse(&w, argc, argv);
    if (code == 0)
        c = app_open(w.app, &w.app_options.overrides, &code);
    if (c) {
        const struct conf_task *t = find_task(c, w.task);
        if (!t)
            code = EX_USAGE;
        else
            code = w.one_record ? try_one_record(&w, c, t) : try_lines(&w, c, t);
    }
    conf_free(&c);
    app_options_free(&w.app_options);
    return code;
}
