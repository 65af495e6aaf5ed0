/* caller.h - who calls a function of headrace.h: the thread that runs the body, or another one. */
#ifndef WORKER_CALLER_H
#define WORKER_CALLER_H

#include <stdbool.h>

/* This thread runs the body from now on. */
void caller_is_body(void);

/* caller_may says whether the body's own thread calls `function`; if not, errno is EPERM and a line of the log
 * says so, once in each process. */
bool caller_may(const char *function);

#endif
