/* backtrace.h - where this process was when a signal ended it, left on the scoreboard. */
#ifndef WORKER_BACKTRACE_H
#define WORKER_BACKTRACE_H

#include "shared/scoreboard.h"

#define BACKTRACE_FRAMES 48

/* backtrace_watch has SEGV, BUS, FPE, ILL and ABRT of this thread leave a backtrace on the scoreboard before
 * they do what they do by default. A signal that has a handler already keeps it. `outside` are the functions,
 * ended by NULL, that call the code of others: they and what called them are not part of it. */
void backtrace_watch(struct scoreboard *sb, const void *const *outside);

#endif
