/* counter.c - HR_COUNTER, hr_count, hr_total.
 *
 * Owns: which counter counts where.
 * DESIGN: hr_counter.slot holds the index in the scoreboard's counters plus one, NULL while it is not bound.
 * The base is kept apart, so that a child that a body forks, which has no scoreboard, counts into a dummy and
 * not into memory that is not there. Guarantees: a counter can be used at any time, from any thread. Must not
 * know: who adds the counts up. */
#include "worker/counter.h"

#include <pthread.h>
#include <string.h>

#include "shared/log.h"
#include "shared/scoreboard.h"
#include "worker/headrace.h"
#include "worker/registry.h"

static _Atomic int64_t dummy[SCOREBOARD_COUNTERS];
static _Atomic int64_t *counts = dummy;
static const _Atomic int64_t *totals = dummy;

/* The totals stay: their segment is inherited. */
static void
forget_in_child(void)
{
    counts = dummy;
}

static void *
place_of(const char *name, const char *const *names, unsigned n)
{
    for (unsigned i = 0; i < n && i < SCOREBOARD_COUNTERS; i++)
        if (strcmp(names[i], name) == 0)
            return (void *)(uintptr_t)(i + 1);
    return NULL;
}

void
counter_bind(const char *const *names, unsigned n_names, _Atomic int64_t *to, const _Atomic int64_t *from)
{
    counts = to;
    totals = from;
    for (size_t i = 0; i < registry_n_counters(); i++) {
        hr_counter *counter = registry_counter(i);
        counter->slot = place_of(counter->name, names, n_names);
        if (!counter->slot)
            log_warn("counter is not counted", "counter=%s reason=\"unknown to the app\"", counter->name);
    }
    pthread_atfork(NULL, NULL, forget_in_child);
}

void
hr_count(hr_counter *counter, long long n)
{
    uintptr_t place = (uintptr_t)counter->slot;
    if (place)
        atomic_fetch_add_explicit(&counts[place - 1], n, memory_order_relaxed);
}

long long
hr_total(const hr_counter *counter)
{
    uintptr_t place = (uintptr_t)counter->slot;
    return place ? atomic_load_explicit(&totals[place - 1], memory_order_relaxed) : 0;
}
