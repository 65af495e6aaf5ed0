/* pace.h - how many records a frame should have: many where they are cheap, one where they are slow.
 *
 * Pure. The measure is the time that workers spent in the frames they left. */
#ifndef SUPERVISOR_PACE_H
#define SUPERVISOR_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"

#define PACE_MAX 4096                /* records in a frame */
#define PACE_TARGET (20 * NS_PER_MS) /* of work in a frame, */
#define PACE_SLOW (10 * NS_PER_MS)   /* or so much where that is less than PACE_FEW records: others may want one of them */
#define PACE_FEW 10
#define PACE_LEAST (50 * NS_PER_US) /* of work that is worth a frame of its own, with all the waking that it costs */

struct pace {
    double ns_per_record; /* 0: nothing measured yet */
    uint32_t limit;       /* grows by doubling, so that one lucky frame does not set it */
};

void pace_init(struct pace *p);
void pace_measured(struct pace *p, uint64_t busy_ns, uint64_t records);
uint32_t pace_records(const struct pace *p);
/* pace_share says how many to give to each of `idle` workers where `available` records are there for all of them. */
uint32_t pace_share(const struct pace *p, uint64_t available, uint32_t idle);
/* pace_shares says whether that can be less than pace_records at all. */
static inline bool
pace_shares(const struct pace *p)
{
    return p->limit > 1 && p->ns_per_record * PACE_MAX > PACE_TARGET;
}

#endif
