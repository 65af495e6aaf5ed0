/* attempts.c - what becomes of a record that failed.
 *
 * Owns nothing. Guarantees: no record is tried more than `attempts` times; waits lie between half of the doubled first
 * backoff and the longest one.
 * Knows nothing of: the clock, records, workers. */
#include "supervisor/attempts.h"

static mono_ns
doubled(mono_ns first, mono_ns longest, uint32_t times)
{
    mono_ns wait = first;
    while (times-- > 0 && wait > 0 && wait < longest) /* without backoff there is nothing to double */
        wait = wait > longest / 2 ? longest : wait * 2;
    return wait < longest ? wait : longest;
}

struct attempts_decision
attempts_decide(const struct attempts_policy *policy, uint32_t attempt, bool final, mono_ns asked,
                uint32_t random)
{
    if (final || attempt >= policy->attempts)
        return (struct attempts_decision){.again = false};
    if (asked >= 0)
        return (struct attempts_decision){.again = true, .wait = asked};
    mono_ns wait = doubled(policy->backoff_first, policy->backoff_longest, attempt - 1);
    mono_ns half = wait / 2;
    mono_ns spread = (mono_ns)((double)half * ((double)random / 4294967296.0));
    return (struct attempts_decision){.again = true, .wait = wait - spread};
}
