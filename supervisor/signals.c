/* signals.c - what the supervisor is told by signals.
 *
 * Owns: the signalfd. Guarantees: no handler runs in the supervisor, so nothing is ever interrupted half-way.
 * Must not know: how a stop is done. */
#include "supervisor/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

#define ONE_CTRL_C (300 * NS_PER_MS)

static const int handled[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
static const int ignored[] = {SIGPIPE, SIGTTIN, SIGTTOU, SIGXFSZ}; /* a log at its limit is a failed write */

static void
ready(void *app)
{
    signals_serve(app);
}

void
signals_open(struct app *a)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++)
        sigaddset(&set, handled[i]);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (a->signal_fd < 0)
        fatal(70, "signalfd: %s", strerror(errno));
    a->signal_watch = (struct loop_watch){.fd = a->signal_fd, .ready = ready, .arg = a};
    loop_must_add(&a->loop, &a->signal_watch);
}

void
signals_close(struct app *a)
{
    if (a->signal_fd < 0)
        return;
    loop_remove(&a->loop, &a->signal_watch);
    close(a->signal_fd);
}

static void
write_state(struct app *a)
{
    json_t *status = status_json(a);
    char *text = status ? json_dumps(status, JSON_COMPACT) : NULL;
    log_info("state", "%s", text ? text : "not to be had");
    free(text);
    json_decref(status);
}

/* interrupt: wrappers pass a Ctrl-C on that the terminal has sent already, so two that come together are one. */
static void
interrupt(struct app *a)
{
    mono_ns now = clock_mono();
    if (a->interrupted_at == 0) {
        a->interrupted_at = now;
        drain_begin(a, "SIGINT");
    } else if (now - a->interrupted_at > ONE_CTRL_C) {
        drain_at_once(a, "second SIGINT");
    }
}

static void
take(struct app *a, int signal)
{
    switch (signal) {
    case SIGINT:
        interrupt(a);
        break;
    case SIGQUIT:
        drain_at_once(a, "SIGQUIT");
        break;
    case SIGTERM:
        drain_begin(a, "SIGTERM");
        break;
    case SIGHUP: /* the terminal is gone */
        drain_begin(a, "SIGHUP");
        break;
    case SIGUSR2:
        write_state(a);
        break;
    default:
        break;
    }
}

void
signals_serve(struct app *a)
{
    struct signalfd_siginfo info;
    while (read(a->signal_fd, &info, sizeof info) == sizeof info)
        take(a, (int)info.ssi_signo);
}
