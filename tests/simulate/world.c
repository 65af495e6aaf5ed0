/* world.c - the beginning and the end of a schedule: what there is, as the seed has it. */
#include <stddef.h>
#include <string.h>

#include "tests/simulate/simulate.h"

static void
make_record(struct sim_record *r, int64_t *offset, uint32_t kinds, bool sending)
{
    *offset += sim_once_in(4) ? 1 + sim_below(3) : 0;
    r->offset = (*offset)++;
    r->bytes = 1 + sim_below(sim_once_in(6) ? 60 : 10);
    r->pass = sim_once_in(20);
    r->key = (uint8_t)sim_below(4);
    r->sends = sending && !r->pass && sim_once_in(2) ? 1 + sim_below(2) : 0;
    bool bad = sim_once_in(3);
    for (int i = 0; i < SIM_ATTEMPTS; i++)
        r->act[i] = bad && !sim_once_in(4) ? (uint8_t)(1 + sim_below(kinds - 1)) : ACT_FINISH;
}

static void
make_part(struct sim_part *part)
{
    uint32_t kinds = sim_once_in(8) ? ACT_KINDS : ACT_DOWN; /* what takes the supervisor down is rare */
    bool sending = sim_once_in(2) && !sim.batches;
    int64_t offset = part->low = sim_below(3);
    part->n = sim_below(SIM_RECORDS + 1);
    for (uint32_t i = 0; i < part->n; i++)
        make_record(&part->rec[i], &offset, kinds, sending);
    part->end = offset + (sim_once_in(3) ? sim_below(3) : 0);
    part->committed = sim_once_in(2) ? -1 : part->low;
}

void
world_make(void)
{
    static const enum dispatch_order orders[] = {DISPATCH_PARTITION, DISPATCH_PARTITION, DISPATCH_KEY, DISPATCH_NONE};
    static const uint64_t windows[] = {0, 1, 3, 1000};
    uint64_t seed = sim.seed;
    memset(&sim, 0, offsetof(struct sim_world, tenure));
    sim.seed = seed;
    sim.n_parts = 1 + sim_below(SIM_PARTS);
    sim.n_sups = 1 + sim_below(SIM_SUPS);
    sim.n_workers = 1 + sim_below(SIM_WORKERS);
    sim.slots = 2u << sim_below(3);
    sim.order = orders[sim_below(4)];
    sim.policy =
        (struct attempts_policy){1 + sim_below(SIM_ATTEMPTS), sim_below(2) * 100 * NS_PER_MS, NS_PER_S};
    sim.window = windows[sim_below(4)];
    sim.window_bytes = sim_once_in(2) ? sim_below(30) : 1000;
    sim.memory = sim_once_in(3) ? sim_below(40) : 1000;
    sim.credit = sim_once_in(3) ? sim_below(30) : 1000;
    sim.frame_bytes = sim_once_in(3) ? 1 + sim_below(30) : 1000;
    sim.singly = 2 + sim_below(20);
    sim.skip = sim_once_in(4);
    sim.refusing = sim_once_in(3);
    sim.preempt = sim_once_in(3) ? 0 : 2 + sim_below(8);
    sim.faults = sim_below(6);
    sim.now = NS_PER_S;
    sim.batches = sim_once_in(4);
    for (uint32_t p = 0; p < sim.n_parts; p++)
        make_part(&sim.part[p]);
    for (uint32_t s = 0; s < sim.n_sups; s++)
        group_start(&sim.sup[s]);
}

void
world_end(void)
{
    for (uint32_t s = 0; s < sim.n_sups; s++)
        group_kill(&sim.sup[s]);
}
