/* told.h - whether this process was told to stop. Once told, for ever told. */
#ifndef WORKER_TOLD_H
#define WORKER_TOLD_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "shared/scoreboard.h"

extern _Atomic bool told_flag; /* read it with told() */

static inline bool
told(void)
{
    return atomic_load_explicit(&told_flag, memory_order_relaxed);
}

/* told_open makes the descriptor, and from now on publishes PHASE_TOLD on the scoreboard. */
void told_open(struct scoreboard *sb);
/* told_on lets a signal tell. */
void told_on(int signal);
/* told_by_frame: the supervisor said so. */
void told_by_frame(void);
/* told_by_signal says whether it was a signal that told. */
bool told_by_signal(void);
/* told_fd is readable for ever once told. */
int told_fd(void);

#endif
