/* grid.h - the timers of the app and where each stands. */
#ifndef WORKER_TIMER_GRID_H
#define WORKER_TIMER_GRID_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"

struct grid_timer {
    const char *name; /* belongs to the document */
    mono_ns start, interval;
    uint64_t after; /* the last step that was fired */
};

struct grid {
    struct grid_timer *timers;
    uint32_t n;
};

/* What is to be fired. */
struct grid_fire {
    uint32_t timer;
    uint64_t step, missed;
    mono_ns lateness;
};

/* grid_read reads the "timers" of the boot document (shared/children.h), which must stay as long as the grid.
 * NULL, or what is wrong (to be freed). */
char *grid_read(struct grid *g, const json_t *timers);

/* grid_next returns when the next step of any timer is due; MONO_NEVER without timers. */
mono_ns grid_next(const struct grid *g);

/* grid_due takes the next step that is due at `now`; false: none is. */
bool grid_due(struct grid *g, mono_ns now, struct grid_fire *fire);

#endif
