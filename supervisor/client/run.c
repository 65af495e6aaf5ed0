/* run.c - `headrace run APP`: from the command line to the supervisor.
 *
 * Owns: the options of run.
 * Must not know: what the supervisor does (supervisor/run.c). */
#include <signal.h>
#include <stdlib.h>

#include "supervisor/app.h"
#include "supervisor/client/app_options.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/usage.h"
#include "supervisor/run.h"

#define COMMAND "run"

enum { OPTION_EMBEDDED = 0x100, OPTION_UNTIL_END, OPTION_RUNTIME_DIR, OPTION_LOG_LEVEL };

static int
take_level(struct run_options *o, const char *name)
{
    int level = log_level_of(name);
    if (level < 0)
        return usage_error(COMMAND, "--log-level takes error, warn, info or debug, not '%s'", name);
    o->level = (enum log_level)level;
    return 0;
}

/* take takes one option: 0, or 64 after the usage error. */
static int
take(struct app_options *a, struct run_options *o, int opt, char **argv, const struct option *options)
{
    int taken = app_options_take(a, opt, optarg);
    if (taken != 0)
        return taken < 0 ? EX_USAGE : 0;
    switch (opt) {
    case OPTION_EMBEDDED:
        o->embedded = a->overrides.plain = true;
        return 0;
    case OPTION_UNTIL_END:
        o->until_end = true;
        return 0;
    case OPTION_RUNTIME_DIR:
        o->runtime_dir = optarg;
        return 0;
    case OPTION_LOG_LEVEL:
        return take_level(o, optarg);
    default:
        return usage_option(COMMAND, argv, options, opt);
    }
}

static int
parse(struct app_options *a, struct run_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        APP_OPTIONS_LONG,
        {"embedded", no_argument, NULL, OPTION_EMBEDDED},
        {"until-end", no_argument, NULL, OPTION_UNTIL_END},
        {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {NULL, 0, NULL, 0},
    };
    int opt, code;
    while ((opt = getopt_long(argc, argv, ":" APP_OPTIONS_SHORT, options, NULL)) != -1)
        if ((code = take(a, o, opt, argv, options)) != 0)
            return code;
    if (o->embedded && a->overrides.brokers)
        return usage_error(COMMAND, "-b and --embedded both name a broker; give one of them");
    if (optind == argc)
        return usage_error(COMMAND, "needs an APP: a configuration (conf/logs.json) or a module (logs.so)");
    if (argc - optind > 1)
        return usage_error(COMMAND, "takes one APP, but there is '%s' too", argv[optind + 1]);
    return 0;
}

int
run_main(int argc, char **argv)
{
    struct app_options a = {.command = COMMAND};
    struct run_options o = {.level = LOG_LEVEL_INFO};
    struct conf *c = NULL;
    int code = parse(&a, &o, argc, argv);
    if (code == 0) {
        signal(SIGPIPE, SIG_IGN); /* a child that is gone is an error of a write */
        log_init("supervisor", o.level);
        c = app_open(argv[optind], &a.overrides, &code);
    }
    app_options_free(&a);
    if (c)
        code = run(c, &o);
    conf_free(&c);
    return code;
}
