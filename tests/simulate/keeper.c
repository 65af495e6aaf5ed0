/* keeper.c - the supervisor and its workers: birth, settling, deadlines, death. Imitates supervisor/worker.c
 * and watch.c.
 *
 * Owns: the order of things at a death (rule 8): the process has ended, then its pipe is read to the end,
 * then the scoreboard is read, then a new life gets a new scoreboard. */
#include <string.h>

#include "tests/simulate/simulate.h"

void
keeper_start(struct sim_worker *w)
{
    if (w->state != WORKER_DOWN || w->alive || sim.now < w->start_at || w->sup->stopping)
        return;
    sim_note("worker %d.%d is born", (int)(w->sup - sim.sup), w->number);
    sim_scoreboard_new(w);
    holding_init(&w->holding, &w->sup->d, (uint32_t)w->number, sim_scoreboard(w), ending_told, w);
    w->holding.batch = sim.batches ? sim.slots / 2 : 0;
    w->state = WORKER_UP;
    w->expendable = w->killed = w->useful = false;
    w->watch_what = 0;
    w->watch_since = sim.now;
    worker_born(w);
}

void
keeper_stop(struct sim_worker *w)
{
    if (w->state != WORKER_UP)
        return;
    sim_note("worker %d.%d is told to stop", (int)(w->sup - sim.sup), w->number);
    holding_withdraw(&w->holding, NULL);
    w->state = WORKER_STOPPING;
    w->told = true;
}

/* keeper_expend: SIGKILL, which takes its time; what it is on is not its fault. */
void
keeper_expend(struct sim_worker *w)
{
    if (w->state == WORKER_DOWN || w->expendable)
        return;
    sim_note("worker %d.%d is killed for the drain", (int)(w->sup - sim.sup), w->number);
    w->expendable = true;
    w->doomed = true;
}

void
keeper_settle(struct sim_worker *w)
{
    if (w->state == WORKER_DOWN || !w->alive)
        return;
    const char *wrong = holding_settle(&w->holding);
    if (wrong)
        sim_wrong("worker %d.%d is said to break the protocol: %s", (int)(w->sup - sim.sup), w->number,
                  wrong);
}

/* keeper_receive takes the oldest frame of sends off the worker's pipe. */
void
keeper_receive(struct sim_worker *w)
{
    struct holding_sends got[SIM_SLOTS];
    if (w->state == WORKER_DOWN || w->n_up == 0)
        return;
    struct sim_sends frame = w->up[0];
    memmove(&w->up[0], &w->up[1], --w->n_up * sizeof frame);
    for (uint32_t i = 0; i < frame.n; i++)
        got[i] = (struct holding_sends){.seq = frame.rec[i].seq};
    const char *wrong = holding_received(&w->holding, got, frame.n);
    if (wrong)
        sim_wrong("worker %d.%d is said to break the protocol: %s", (int)(w->sup - sim.sup), w->number,
                  wrong);
    for (uint32_t i = 0; i < frame.n; i++) {
        struct tenure *t = frame.rec[i].t;
        if (got[i].part != &t->part || t->idx[got[i].pos] != frame.rec[i].idx)
            sim_wrong("what %d/%u sends is taken for another record's", t->p, frame.rec[i].idx);
        sends_given(w->sup, t, got[i].pos, frame.rec[i].run);
    }
}

static void
start_again(struct sim_worker *w, bool on_record)
{
    enum restart_death death = on_record                                      ? RESTART_ON_RECORD
                               : w->expendable || w->state == WORKER_STOPPING ? RESTART_ASKED
                                                                              : RESTART_RUNNING;
    struct restart_decision d = restart_died(&w->sup->restart, &w->restart, death, w->useful, sim.now);
    if (d.give_up)
        sim_wrong("a task is given up on after %u deaths", w->sup->restart.running.n);
    if (on_record && d.wait > 0)
        sim_wrong("a death on a record waits for %lld ns", (long long)d.wait);
    w->start_at = sim.now + d.wait;
    w->state = WORKER_DOWN;
}

void
keeper_bury(struct sim_worker *w)
{
    struct partition *p;
    uint64_t pos;
    if (w->state == WORKER_DOWN || w->alive)
        return;
    while (w->n_up > 0)
        keeper_receive(w);
    truth_lost(w);
    const char *wrong = holding_settle(&w->holding);
    if (wrong)
        sim_wrong("a dead worker is said to have broken the protocol: %s", wrong);
    bool on = holding_on(&w->holding, &p, &pos);
    sim_note("worker %d.%d is buried%s", (int)(w->sup - sim.sup), w->number,
             on ? ", it was on a record" : "");
    truth_died(w);
    holding_bury(&w->holding, !w->expendable);
    start_again(w, on && !w->expendable);
    holding_clear(&w->holding);
}

void
keeper_relieve(struct sim_worker *w)
{
    if (w->state == WORKER_DOWN || !w->alive || w->holding.n_frames == 0)
        return;
    uint64_t n = holding_relieve(&w->holding);
    if (n > 0)
        sim_note("worker %d.%d stands still, %u records are taken back", (int)(w->sup - sim.sup), w->number,
                 (unsigned)n);
}

void
keeper_watch(struct sim_worker *w)
{
    struct partition *p;
    uint64_t pos, what = sim_scoreboard(w)->taken;
    if (w->state == WORKER_DOWN || !w->alive)
        return;
    if (!holding_on(&w->holding, &p, &pos) || what != w->watch_what || w->frozen) {
        w->watch_what = what;
        w->watch_since = sim.now;
    } else if (sim.now - w->watch_since >= SIM_DEADLINE && !w->killed) {
        sim_note("worker %d.%d exceeds its deadline", (int)(w->sup - sim.sup), w->number);
        w->killed = w->doomed = true;
    }
}
