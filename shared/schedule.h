/* schedule.h - when a timer is due.
 *
 * Pure: `now` is passed in. The steps k = 1, 2, ... of a timer stand at start + k * interval, for ever,
 * whatever happens in between; so nothing drifts. Exact in integers; an interval is at least one nanosecond.
 */
#ifndef SHARED_SCHEDULE_H
#define SHARED_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"

/* schedule_at returns the time of step k, MONO_NEVER where it is past the end of time. */
mono_ns schedule_at(mono_ns start, mono_ns interval, uint64_t k);

/* schedule_next returns the time of the step after `after`, the last one that was fired (0: none was). */
mono_ns schedule_next(mono_ns start, mono_ns interval, uint64_t after);

/* schedule_due says whether a step later than `after` is due at `now`. Then *step is the newest such step,
 * and *missed counts those between the two, which are not fired any more. */
bool schedule_due(mono_ns start, mono_ns interval, uint64_t after, mono_ns now, uint64_t *step,
                  uint64_t *missed);

#endif
