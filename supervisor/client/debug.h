/* debug.h - a worker under gdb. */
#ifndef SUPERVISOR_CLIENT_DEBUG_H
#define SUPERVISOR_CLIENT_DEBUG_H

#include "conf/conf.h"

/* debug_become makes this process a gdb that runs `program` with `argv` (whose first is not used) up to the
 * task's body. It returns only where that fails: an exit code; what is wrong was then printed. */
int debug_become(const char *command, const struct conf_task *t, const char *program, char *const argv[]);

#endif
