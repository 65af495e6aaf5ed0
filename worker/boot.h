/* boot.h - what a worker is told at its birth: the boot document and the shared memory (shared/children.h).
 */
#ifndef WORKER_BOOT_H
#define WORKER_BOOT_H

#include <jansson.h>

#include "shared/log.h"
#include "shared/scoreboard.h"
#include "worker/self.h"

struct boot {
    json_t *document; /* the strings below belong to it */
    const char *task, *module, *endpoint;
    enum self_kind kind;
    int instance, concurrency;
    uint32_t generation;
    enum log_level level;
    const char **counters;
    unsigned n_counters;
    struct scoreboard *sb;
    const struct totals *totals;
};

/* boot_read reads and maps everything, and closes the descriptors but CHILD_FD_LIFELINE. NULL, or what is
 * wrong (to be freed): then this process was not started by a supervisor. */
char *boot_read(struct boot *boot);

#endif
