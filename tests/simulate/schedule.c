/* schedule.c - what happens next: the steps of a schedule, and the time in which all must come to its end.
 *
 * Owns: how likely each step and each fault is. */
#include <stdio.h>

#include "tests/simulate/simulate.h"

#define CALM_ROUNDS 30000 /* many times what any schedule has needed */

static struct sim_sup *
some_sup(void)
{
    return &sim.sup[sim_below(sim.n_sups)];
}

static struct sim_worker *
some_worker(struct sim_sup *s)
{
    return &s->worker[sim_below(sim.n_workers)];
}

/* ---- one step of a supervisor ---- */

static void
supervise(struct sim_sup *s, uint32_t what)
{
    struct sim_worker *w = some_worker(s);
    if (!s->up || s->busy)
        return;
    s->busy = true;
    switch (what) {
    case 0:
        keeper_start(w);
        break;
    case 1:
        keeper_bury(w);
        break;
    case 2:
        keeper_watch(w);
        break;
    case 3:
        group_tick(s);
        break;
    case 4:
        commits_send(s);
        break;
    case 5:
        commits_answer(s);
        break;
    case 6:
        letters_send(s);
        break;
    case 7:
        letters_report(s);
        break;
    case 8:
    case 9:
        feed_all(s);
        break;
    case 10:
        keeper_relieve(w);
        break;
    case 11:
    case 12:
        keeper_receive(w);
        break;
    case 13:
        sends_deliver(s);
        break;
    case 14:
        sends_report(s);
        break;
    default:
        keeper_settle(w);
    }
    s->busy = false;
}

/* supervising makes it the supervisor who makes the accesses. */
static void
supervising(struct sim_sup *s, uint32_t what)
{
    struct sim_worker *before = sim_acting;
    sim_acting = NULL;
    sim_depth++;
    supervise(s, what);
    sim_depth--;
    sim_acting = before;
}

/* ---- in the middle of a step of the other side ---- */

void
sim_preempt_supervisor(struct sim_sup *s)
{
    worker_step(some_worker(s));
}

void
sim_preempt_worker(struct sim_worker *w)
{
    if (sim.faults > 0 && sim_once_in(16)) {
        sim.faults--;
        worker_dies(w);
    } else if (sim_depth < 2) {
        supervising(w->sup, 2 + sim_below(SIM_DUTIES - 2));
    }
}

/* ---- faults ---- */

static void
kill_worker(struct sim_worker *w)
{
    sim_note("worker %d.%d is killed from outside", (int)(w->sup - sim.sup), w->number);
    w->doomed = w->alive;
}

static void
fault_of_worker(struct sim_sup *s, struct sim_worker *w)
{
    switch (sim_below(4)) {
    case 0:
        kill_worker(w);
        break;
    case 1: /* recycled, or scaled down */
        if (s->up)
            keeper_stop(w);
        break;
    case 2: /* SIGTERM from outside */
        w->told = w->alive;
        break;
    default:
        w->frozen = !w->frozen;
    }
}

static void
fault(void)
{
    struct sim_sup *s = some_sup();
    sim.faults--;
    switch (sim_below(8)) {
    case 0:
        group_kill(s);
        break;
    case 1:
        group_stop(s);
        break;
    case 2:
        group_lose(s);
        break;
    case 3:
    case 4:
        group_revoke(s);
        break;
    default:
        fault_of_worker(s, some_worker(s));
    }
}

static void
pass_time(void)
{
    static const mono_ns steps[] = {NS_PER_MS, 50 * NS_PER_MS, 500 * NS_PER_MS, 3 * NS_PER_S};
    sim.now += steps[sim_below(4)];
}

/* fall: the supervisors that a record took down. */
static void
fall(void)
{
    for (uint32_t s = 0; s < sim.n_sups; s++)
        if (sim.sup[s].down)
            group_kill(&sim.sup[s]);
}

void
sim_step(void)
{
    uint32_t what = sim_below(32);
    if (what < 12)
        worker_step(some_worker(some_sup()));
    else if (what < 28)
        supervising(some_sup(), sim_below(SIM_DUTIES));
    else if (what == 28)
        pass_time();
    else if (what == 29)
        group_assign();
    else if (what == 30)
        group_start(some_sup());
    else if (sim.faults > 0)
        fault();
    fall();
    truth_check();
}

/* ---- the end ---- */

static bool
all_done(void)
{
    for (uint32_t p = 0; p < sim.n_parts; p++)
        if (sim.part[p].committed != sim.part[p].end)
            return false;
    for (uint32_t s = 0; s < sim.n_sups; s++)
        if (sim.sup[s].revoking || sim.sup[s].stopping || sim.sup[s].lost_pending)
            return false;
    return true;
}

/* check_drains: a partition that is given up, or lost, waits for its workers only so long (rule 9). */
static void
check_drains(mono_ns calm_since)
{
    for (uint32_t i = 0; i < sim.n_tenures; i++) {
        const struct tenure *t = &sim.tenure[i];
        mono_ns since = t->left_at > calm_since ? t->left_at : calm_since;
        if (!t->over && t->leaving && t->part.led.held > 0 && sim.now > since + SIM_DRAIN + NS_PER_S)
            sim_wrong("partition %d is held for %lld ms after it was to be given up", t->p,
                      (long long)((sim.now - since) / NS_PER_MS));
    }
}

static void
stuck(void)
{
    for (uint32_t i = 0; i < sim.n_tenures; i++) {
        const struct tenure *t = &sim.tenure[i];
        if (!t->over)
            fprintf(stderr,
                    "simulate: supervisor %d has partition %d to %lld of %lld:%s%s%s%s%s%s recovery %d, held "
                    "%u, sending %u, letters %u, "
                    "read %u of %u\n",
                    (int)(t->sup - sim.sup), t->p, (long long)ledger_commit_point(&t->part.led),
                    (long long)sim.part[t->p].end, t->part.open ? " open" : "", t->leaving ? " leaving" : "",
                    t->part.single ? " single" : "", t->sup->active == t ? " its-turn" : "",
                    t->part.permitted ? " permitted" : "", t->marking ? " marking" : "", t->recovery,
                    (unsigned)t->part.led.held, (unsigned)t->part.led.sending, (unsigned)t->part.led.letters,
                    t->next, sim.part[t->p].n);
    }
    sim_wrong("it does not come to its end");
}

static void
calm_round(void)
{
    for (uint32_t s = 0; s < sim.n_sups; s++) {
        group_start(&sim.sup[s]);
        for (uint32_t i = 0; i < sim.n_workers; i++) {
            sim.sup[s].worker[i].frozen = false;
            worker_step(&sim.sup[s].worker[i]);
            worker_step(&sim.sup[s].worker[i]);
            fall();
        }
        for (uint32_t what = 0; what < SIM_DUTIES; what++) {
            supervising(&sim.sup[s], what);
            fall();
        }
    }
    group_assign();
    sim.now += 20 * NS_PER_MS;
}

void
sim_settle_down(void)
{
    mono_ns calm_since = sim.now;
    sim.calm = true;
    sim.faults = 0;
    sim_note("now nothing goes wrong any more");
    for (uint32_t round = 0; !all_done(); round++) {
        if (round == CALM_ROUNDS)
            stuck();
        calm_round();
        check_drains(calm_since);
        truth_check();
    }
    truth_end();
}
