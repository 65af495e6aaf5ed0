/* truth_sends.c - the model: what records send. What a worker's death lost is repeated, with what its lane
 * finished behind it; nothing is given to the producer but by a run that finished, and once; a lane's
 * messages are first seen in order. */
#include "tests/simulate/simulate.h"

/* lost: it was finished for nothing. */
static void
lost(struct tenure *t, uint32_t idx)
{
    struct sim_truth *truth = &t->truth[idx];
    struct sim_record *r = truth_record(t, idx);
    sim_note("record %d/%u is to be repeated", t->p, idx);
    if (truth->told_finished)
        sim_wrong("record %d/%u counts as finished, and what its lane sends before it is lost", t->p, idx);
    sim.run[truth->run] = RUN_NONE;
    truth->finished = false;
    truth->unsent = NULL;
    r->finished = r->finished && !truth_owns(t);
    r->repeat_ok = true;
}

/* is_behind: what it sends, or one before it in its lane, is with this worker. */
static bool
is_behind(const struct tenure *t, uint32_t idx, const struct sim_worker *w)
{
    for (uint32_t i = t->first; i <= idx; i++)
        if (t->truth[i].unsent == w && (i == idx || truth_same(t->p, i, idx)))
            return true;
    return false;
}

void
truth_lost(struct sim_worker *w)
{
    EACH_TENURE(t, w->sup)
    {
        for (uint32_t i = sim.part[t->p].n; i-- > t->first;) /* what decides about one stands before it */
            if (t->truth[i].finished && is_behind(t, i, w))
                lost(t, i);
    }
}

void
truth_given(struct tenure *t, uint32_t idx, uint32_t run)
{
    struct sim_truth *truth = &t->truth[idx];
    if (sim.run[run] != RUN_SENT || truth->run != run)
        sim_wrong("what %d/%u sends is given to the producer %s", t->p, idx,
                  sim.run[run] == RUN_GIVEN ? "twice" : "from a run that did not finish");
    sim.run[run] = RUN_GIVEN;
    truth->unsent = NULL;
}

/* check_sent_order: what comes before it in its lane, and sends, has been seen, unless it never will be. */
static void
check_sent_order(int p, uint32_t idx)
{
    for (uint32_t i = 0; i < idx; i++) {
        const struct sim_record *r = &sim.part[p].rec[i];
        if (truth_same(p, i, idx) && r->seen < r->sends && !r->refused && !r->skipped && r->letters == 0)
            sim_wrong("what %d/%u sends is written before what %d/%u sends", p, idx, p, i);
    }
}

void
truth_message(int p, uint32_t idx, uint32_t message, uint32_t run)
{
    struct sim_record *r = &sim.part[p].rec[idx];
    if (sim.run[run] != RUN_GIVEN)
        sim_wrong("what %d/%u sends is written, and was not given to the producer", p, idx);
    if (message < r->seen)
        return;
    check_sent_order(p, idx);
    if (message == r->seen)
        r->seen++;
}
