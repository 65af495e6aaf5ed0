/* child.c - one process of ours and the pipe to it.
 *
 * Owns: the pid, its descriptor, the pipe.
 * Guarantees: only our own children are waited for; a death is told once, after what the child had written was read
 *   (rule 8: reap, read the pipe until it disconnects or 100 ms have gone, then the rest).
 * Must not know: workers, timers, records. */
#include "supervisor/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/wire.h"

#define HEAR_OUT (100 * NS_PER_MS) /* how long the pipe of a dead child is read at most */
#define HEAR_STEP (2 * NS_PER_MS)
#define LOOK_EVERY (10 * NS_PER_MS) /* where there is no descriptor of a process: under valgrind, or when they are used up */

static void
take_frame(void *arg, const void *frame, size_t size)
{
    struct child *c = arg;
    unsigned type = 0;
    const char *wrong = wire_open(frame, size, c->generation, &type);
    if (wrong)
        c->events->bad_frame(c, wrong);
    else
        c->events->frame(c, type, frame, size);
}

static void
reap(void *arg)
{
    struct child *c = arg;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    c->code = info.si_code;
    c->status = info.si_status;
    if (c->pidfd >= 0) {
        loop_remove(c->loop, &c->exit_watch);
        close(c->pidfd);
    }
    c->pidfd = -1;
    c->state = CHILD_REAPED;
    c->reaped_at = clock_mono();
}

void
child_init(struct child *c, struct loop *loop, const struct child_events *events, void *owner)
{
    *c = (struct child){.events = events, .owner = owner, .loop = loop, .pidfd = -1};
}

int
child_pipe(struct child *c, void *zmq, char *endpoint, bool others)
{
    c->generation++;
    return pipe_open(&c->pipe, zmq, c->loop, endpoint, others, take_frame, c);
}

int
child_start(struct child *c, const char *program, char *const argv[], char *const envp[], const struct spawn_fd *fds,
            size_t n_fds, const struct spawn_rights *rights)
{
    c->pid = spawn(program, argv, envp, fds, n_fds, rights, &c->pidfd);
    if (c->pid < 0) {
        int saved = errno;
        pipe_close(&c->pipe);
        errno = saved;
        return -1;
    }
    c->state = CHILD_ALIVE;
    c->started_at = clock_mono();
    c->exit_watch = (struct loop_watch){.fd = c->pidfd, .ready = reap, .arg = c};
    if (c->pidfd >= 0 && loop_add(c->loop, &c->exit_watch) < 0) {
        close(c->pidfd);
        c->pidfd = -1; /* it is looked at now and then instead */
    }
    return 0;
}

void
child_kill(struct child *c, int signal)
{
    if (c->state == CHILD_ALIVE)
        kill(c->pid, signal);
}

mono_ns
child_tick(struct child *c, mono_ns now)
{
    if (c->state == CHILD_ALIVE && c->pidfd < 0)
        reap(c);
    if (c->state != CHILD_REAPED)
        return c->state == CHILD_ALIVE && c->pidfd < 0 ? now + LOOK_EVERY : MONO_NEVER;
    pipe_drain(&c->pipe);
    if (pipe_connected(&c->pipe) && now < c->reaped_at + HEAR_OUT)
        return now + HEAR_STEP;
    c->events->died(c);
    pipe_close(&c->pipe);
    c->state = CHILD_NONE;
    return MONO_NEVER;
}

bool
child_crashed(const struct child *c)
{
    return c->code != CLD_EXITED || c->status != 0;
}

const char *
child_cause(const struct child *c, char *buffer, size_t size)
{
    if (c->code == CLD_EXITED)
        snprintf(buffer, size, "exit: %d", c->status);
    else if (sigabbrev_np(c->status))
        snprintf(buffer, size, "crash: SIG%s", sigabbrev_np(c->status));
    else
        snprintf(buffer, size, "crash: signal %d", c->status);
    return buffer;
}
