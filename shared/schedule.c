/* schedule.c - when a timer is due. Owns nothing.
 *
 * Guarantees: no step is fired twice or before its time, and each is either fired or counted as missed,
 * however late and however irregularly it is asked. Must not know: the clock, timers, tasks. */
#include "shared/schedule.h"

mono_ns
schedule_at(mono_ns start, mono_ns interval, uint64_t k)
{
    mono_ns since, at;
    if (__builtin_mul_overflow(interval, k, &since) || __builtin_add_overflow(start, since, &at))
        return MONO_NEVER;
    return at;
}

mono_ns
schedule_next(mono_ns start, mono_ns interval, uint64_t after)
{
    return after == UINT64_MAX ? MONO_NEVER : schedule_at(start, interval, after + 1);
}

bool
schedule_due(mono_ns start, mono_ns interval, uint64_t after, mono_ns now, uint64_t *step, uint64_t *missed)
{
    if (now < start)
        return false;
    uint64_t since = (uint64_t)now - (uint64_t)start; /* fits, whatever the signs */
    uint64_t newest = since / (uint64_t)interval;
    if (newest <= after)
        return false;
    *step = newest;
    *missed = newest - after - 1;
    return true;
}
