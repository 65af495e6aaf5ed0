/* child.h - one process of ours and the pipe to it: born, watched, reaped, heard to the end.
 *
 * Workers and the timer process are both children; what they do is not known here. */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/clock.h"
#include "supervisor/loop.h"
#include "supervisor/pipe.h"
#include "supervisor/spawn.h"

enum child_state {
    CHILD_NONE,  /* no process; another may be started */
    CHILD_ALIVE,
    CHILD_REAPED /* dead, its last frames still being read */
};

struct child;

struct child_events {
    void (*frame)(struct child *c, unsigned type, const void *frame, size_t size); /* checked by wire_open */
    void (*bad_frame)(struct child *c, const char *wrong);                         /* not dropped for its age */
    void (*died)(struct child *c); /* reaped and heard to the end; the state is CHILD_NONE when this returns */
};

struct child {
    const struct child_events *events;
    void *owner;
    struct loop *loop;
    enum child_state state;
    uint32_t generation; /* of the life now, counted from 1 */
    pid_t pid;
    int pidfd;
    struct loop_watch exit_watch;
    struct pipe pipe;
    int code, status;    /* CHILD_REAPED: si_code and si_status of waitid */
    mono_ns started_at, reaped_at;
};

void child_init(struct child *c, struct loop *loop, const struct child_events *events, void *owner);

/* child_pipe opens the pipe for the next life: the generation goes up. 0, or -1 with errno. Takes over endpoint;
 * `others` as for pipe_open. */
int child_pipe(struct child *c, void *zmq, char *endpoint, bool others);
/* child_start forks: 0, or -1 with errno, and the pipe is closed. */
int child_start(struct child *c, const char *program, char *const argv[], char *const envp[],
                const struct spawn_fd *fds, size_t n_fds, const struct spawn_rights *rights);
void child_kill(struct child *c, int signal);

/* child_tick deals with a reaped child whose pipe has run dry or has had its time; returns when it wants to be called again. */
mono_ns child_tick(struct child *c, mono_ns now);

/* child_cause describes how it died: "crash: SIGSEGV" or "exit: 3". */
const char *child_cause(const struct child *c, char *buffer, size_t size);
bool child_crashed(const struct child *c); /* by a signal, or with an exit code that is not 0 */

#endif
