/* attempts.h - what becomes of a record that failed: again, and when, or given up.
 *
 * Pure: policy and numbers in, a decision out. */
#ifndef SUPERVISOR_ATTEMPTS_H
#define SUPERVISOR_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"

struct attempts_policy {
    uint32_t attempts;        /* how often a record is tried at most, at least 1 */
    mono_ns backoff_first;    /* the wait before the second attempt, */
    mono_ns backoff_longest;  /* doubling up to this */
};

struct attempts_decision {
    bool again;
    mono_ns wait; /* again: how long the record and its lane wait first */
};

/* attempts_decide: attempt number `attempt` (1 the first) has failed; `final` where no other may follow (rejected).
 * `asked` is the wait that the task asked for, -1 for the policy's. `random` is any 32 random bits: the wait is spread over its upper half, so that records which failed together do not
 * come back together. */
struct attempts_decision attempts_decide(const struct attempts_policy *policy, uint32_t attempt, bool final,
                                         mono_ns asked, uint32_t random);

#endif
