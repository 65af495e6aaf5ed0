/* clock.c - reading the clocks. Owns nothing. */
#include "shared/clock.h"

#include <limits.h>
#include <time.h>

static int64_t
read_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

mono_ns
clock_mono(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

wall_ms
clock_wall(void)
{
    return read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

int
clock_ms_until(mono_ns deadline, mono_ns now)
{
    if (deadline == MONO_NEVER)
        return -1;
    if (deadline <= now)
        return 0;
    int64_t ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

mono_ns
clock_in(double seconds)
{
    mono_ns now = clock_mono();
    double ns = seconds > 0 ? seconds * (double)NS_PER_S : 0; /* also not a number */
    if (ns >= (double)(MONO_NEVER - now) - 1)
        return MONO_NEVER;
    mono_ns whole = (mono_ns)ns;
    return now + whole + ((double)whole < ns);
}
