/* pace.h - how many records a frame should have: many where they are cheap, one where they are slow.
 *
 * Pure. The measure is the time that workers spent in the frames they left. */
#ifndef SUPERVISOR_PACE_H
#define SUPERVISOR_PACE_H

#include <stdint.h>

#include "shared/clock.h"

#define PACE_MAX 4096                 /* records in a frame */
#define PACE_TARGET (10 * NS_PER_MS)  /* of work in a frame */

struct pace {
    double ns_per_record; /* 0: nothing measured yet */
    uint32_t limit;       /* grows by doubling, so that one lucky frame does not set it */
};

void pace_init(struct pace *p);
void pace_measured(struct pace *p, uint64_t busy_ns, uint64_t records);
uint32_t pace_records(const struct pace *p);

#endif
