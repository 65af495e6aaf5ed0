/* stop.c - `headrace stop`: asks a running app to stop and waits until it is gone.
 *
 * DESIGN: the process is held by a pidfd from before the question on, and the lock of the runtime directory
 * is looked at after the pidfd was opened: so a pid that has been given to another process meanwhile is not
 * waited for. Where there is no such process (the app runs in another pid namespace) the lock alone says when
 * it is gone.
 *
 * Must not know: how the app stops. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "conf/conf.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "supervisor/client/ask.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/usage.h"

#define COMMAND "stop"
#define LOOK_AGAIN_MS 20 /* at the lock, where there is no process to wait for */

enum { OPTION_RUNTIME_DIR = 0x100, OPTION_TIMEOUT }; /* without a short form */

struct wish {
    struct ask_target target;
    mono_ns timeout;
};

static int
take_timeout(struct wish *w, const char *arg)
{
    int64_t seconds;
    if (usage_number(arg, 0, 1000000, &seconds))
        w->timeout = seconds * NS_PER_S;
    else if (!conf_parse_duration(arg, &w->timeout))
        return usage_error(COMMAND, "--timeout takes seconds, or a duration like 90s or 2m, not '%s'", arg);
    return 0;
}

static int
parse(struct wish *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'a'},
        {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {NULL, 0, NULL, 0},
    };
    int opt, code;
    while ((opt = getopt_long(argc, argv, ":a:", options, NULL)) != -1) {
        if (opt == 'a')
            w->target.app = optarg;
        else if (opt == OPTION_RUNTIME_DIR)
            w->target.runtime_dir = optarg;
        else if (opt != OPTION_TIMEOUT)
            return usage_option(COMMAND, argv, options, opt);
        else if ((code = take_timeout(w, optarg)) != 0)
            return code;
    }
    if (optind < argc)
        return usage_error(COMMAND, "takes no argument, but there is '%s'; an app is chosen by -a NAME",
                           argv[optind]);
    return 0;
}

/* is_gone says whether the app has let go of its directory. */
static bool
is_gone(const struct ask_target *t)
{
    struct rundir_owner now;
    return !rundir_used(t->path, &now) || now.pid != t->owner.pid;
}

/* wait_gone waits for the end of the process: true if it came in time. */
static bool
wait_gone(const struct ask_target *t, int pidfd, mono_ns timeout)
{
    mono_ns deadline = clock_mono() + timeout;
    for (;;) {
        struct pollfd ended = {.fd = pidfd, .events = POLLIN};
        int left = clock_ms_until(deadline, clock_mono());
        if (pidfd >= 0 && poll(&ended, 1, left) > 0)
            return true;
        if (pidfd < 0 && is_gone(t))
            return true;
        if (left == 0)
            return false;
        if (pidfd < 0)
            poll(NULL, 0, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
    }
}

static int
stop_and_wait(const struct wish *w, int pidfd)
{
    const struct ask_target *t = &w->target;
    char *error = NULL;
    json_t *reply = ask(t->path, "stop", ASK_TIMEOUT_MS, &error);
    bool asked = reply != NULL;
    json_decref(reply);
    if (!asked && !is_gone(t)) {
        int code =
            command_error(COMMAND, EX_UNAVAILABLE, "%s, pid %d: %s", t->owner.app, (int)t->owner.pid, error);
        free(error);
        return code;
    }
    free(error);
    if (!wait_gone(t, pidfd, w->timeout))
        return command_error(COMMAND, 1,
                             "%s, pid %d: was asked to stop and is still there after %g s; kill -QUIT %d "
                             "ends it at once",
                             t->owner.app, (int)t->owner.pid, (double)w->timeout / NS_PER_S,
                             (int)t->owner.pid);
    printf("%s, pid %d: stopped\n", t->owner.app, (int)t->owner.pid);
    return 0;
}

int
stop_main(int argc, char **argv)
{
    struct wish w = {.timeout = 60 * NS_PER_S};
    int code = parse(&w, argc, argv);
    if (code == 0)
        code = ask_find(&w.target, COMMAND);
    if (code == 0) {
        int pidfd = w.target.owner.pid > 0 ? pidfd_open(w.target.owner.pid, 0) : -1;
        if (is_gone(&w.target))
            printf("%s, pid %d: stopped\n", w.target.owner.app, (int)w.target.owner.pid);
        else
            code = stop_and_wait(&w, pidfd);
        if (pidfd >= 0)
            close(pidfd);
    }
    free(w.target.path);
    return code;
}
