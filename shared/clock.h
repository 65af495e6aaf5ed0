/* clock.h - the two kinds of time, and reading them.
 *
 * mono_ns is CLOCK_MONOTONIC in nanoseconds: the same in every process of the machine, never set, used for
 * intervals and deadlines. wall_ms is the time of day in milliseconds since 1970, used for what people read
 * and for Kafka's timestamps. The names keep the two from being mixed. */
#ifndef SHARED_CLOCK_H
#define SHARED_CLOCK_H

#include <stdint.h>

typedef int64_t mono_ns;
typedef int64_t wall_ms;

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define MONO_NEVER INT64_MAX /* a deadline that does not come */

mono_ns clock_mono(void);
/* clock_in is the time in so many seconds, rounded up: what is no positive number is now, and very long is never. */
mono_ns clock_in(double seconds);
wall_ms clock_wall(void);

static inline mono_ns
mono_earlier(mono_ns a, mono_ns b)
{
    return a < b ? a : b;
}

/* clock_ms_until returns how long epoll_wait and zmq_poll should sleep until `deadline`: milliseconds, rounded
 * up so that nobody wakes early, -1 for MONO_NEVER, 0 when it has passed. */
int clock_ms_until(mono_ns deadline, mono_ns now);

#endif
