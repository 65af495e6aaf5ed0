/* told.c - whether this process was told to stop.
 *
 * Owns: the flag, the eventfd that wakes whoever waits, the handler of TERM.
 * Guarantees: everything that the handler does is async-signal-safe; the scoreboard says PHASE_TOLD before a
 * body can see that it was told, so a body that then returns is never taken for one that returned of itself;
 * a child that a body forked, and that gets TERM, dies of it. Must not know: frames, tasks. */
#include "worker/told.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/log.h"

_Atomic bool told_flag;
static _Atomic bool by_signal;
static struct scoreboard *board;
static int wake_fd = -1;

/* publish leaves the phases that end a life as they are. */
static void
publish(void)
{
    uint32_t phase = atomic_load(&board->phase);
    while (phase < PHASE_TOLD && !atomic_compare_exchange_weak(&board->phase, &phase, PHASE_TOLD))
        ;
}

static void
tell(void)
{
    uint64_t one = 1;
    publish();
    atomic_store(&told_flag, true);
    ssize_t ignored = write(wake_fd, &one, sizeof one);
    (void)ignored; /* it fails only when it is readable anyway */
}

static void
on_signal(int signal)
{
    (void)signal;
    int saved = errno;
    atomic_store(&by_signal, true);
    tell();
    errno = saved;
}

/* A forked child shares the eventfd, and has no scoreboard. */
static void
forget_in_child(void)
{
    signal(SIGTERM, SIG_DFL);
}

void
told_open(struct scoreboard *sb)
{
    board = sb;
    if (wake_fd >= 0) /* another life in this process: only tests do that */
        return;
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        fatal(70, "no eventfd: %s", strerror(errno));
    pthread_atfork(NULL, NULL, forget_in_child);
}

void
told_on(int signal)
{
    /* a second Ctrl-C ends a body that does not look */
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = SA_RESTART | (signal == SIGINT ? (int)SA_RESETHAND : 0)};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void
told_by_frame(void)
{
    tell();
}

bool
told_by_signal(void)
{
    return atomic_load(&by_signal);
}

int
told_fd(void)
{
    return wake_fd;
}
