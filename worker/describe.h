/* describe.h - `headrace-worker --describe MODULE`. */
#ifndef WORKER_DESCRIBE_H
#define WORKER_DESCRIBE_H

/* describe_write loads the module and writes its description (shared/children.h) to CHILD_FD_REPLY, or to
 * stdout where that is not open; returns the exit code. */
int describe_write(const char *module);

#endif
