/* pace.c - how many records a frame should have.
 *
 * Owns: one moving average. Guarantees: 1 to PACE_MAX; falls at once when records become slow, grows by doubling.
 * Knows nothing of: workers, the clock. */
#include "supervisor/pace.h"

void
pace_init(struct pace *p)
{
    *p = (struct pace){.limit = 1};
}

void
pace_measured(struct pace *p, uint64_t busy_ns, uint64_t records)
{
    if (records == 0)
        return;
    double ns = (double)busy_ns / (double)records;
    if (p->ns_per_record == 0 || ns > p->ns_per_record * 4)
        p->ns_per_record = ns;
    else
        p->ns_per_record = p->ns_per_record * 0.75 + ns * 0.25;
    ns = p->ns_per_record > 1 ? p->ns_per_record : 1;
    double wanted = (double)(ns * PACE_FEW > PACE_TARGET ? PACE_SLOW : PACE_TARGET) / ns;
    uint32_t fit = wanted > PACE_MAX ? PACE_MAX : wanted < 1 ? 1 : (uint32_t)wanted;
    uint32_t next = p->limit > PACE_MAX / 2 ? PACE_MAX : p->limit * 2;
    p->limit = fit < next ? fit : next;
}

uint32_t
pace_records(const struct pace *p)
{
    return p->limit;
}

uint32_t
pace_share(const struct pace *p, uint64_t available, uint32_t idle)
{
    uint64_t share = idle > 0 ? (available + idle - 1) / idle : p->limit;
    uint64_t least = p->ns_per_record > 0 ? (uint64_t)(PACE_LEAST / p->ns_per_record) : 1;
    share = share > least ? share : least;
    share = share > 0 ? share : 1;
    return share < p->limit ? (uint32_t)share : p->limit;
}
