/* check.c - `headrace check APP`: everything that can be known before the start. */
#include "supervisor/client/app_options.h"
#include "supervisor/client/usage.h"

#include <stdio.h>

#include "supervisor/app.h"
#include "supervisor/client/commands.h"

static const struct option options[] = {APP_OPTIONS_LONG, {NULL, 0, NULL, 0}};

static void
print_ok(const struct conf *c)
{
    size_t timers = 0;
    for (size_t i = 0; i < c->n_tasks; i++)
        timers += c->tasks[i].kind == CONF_TIMER;
    size_t tasks = c->n_tasks - timers;
    printf("%s: ok: %zu task%s, %zu timer%s\n", c->path, tasks, tasks == 1 ? "" : "s", timers,
           timers == 1 ? "" : "s");
}

int
check_main(int argc, char **argv)
{
    struct app_options a = {.command = argv[0]};
    int opt, code = 0, taken = 1;
    while (taken > 0 && (opt = getopt_long(argc, argv, ":" APP_OPTIONS_SHORT, options, NULL)) != -1) {
        taken = app_options_take(&a, opt, optarg);
        if (taken <= 0)
            code = taken < 0 ? EX_USAGE : usage_option(argv[0], argv, options, opt);
    }
    if (code == 0 && argc - optind != 1)
        code = usage_error(argv[0],
                           argc == optind ? "needs an APP: a configuration or a module" : "takes one APP");
    struct conf *c = code == 0 ? app_open(argv[optind], &a.overrides, &code) : NULL;
    if (c)
        print_ok(c);
    else if (code == EX_CONFIG)
        printf("%s: not ok\n", argv[optind]);
    conf_free(&c);
    app_options_free(&a);
    return code;
}
