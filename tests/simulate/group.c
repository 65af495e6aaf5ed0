/* group.c - the group and its partitions: assign, revoke, lose, stop, die. Imitates supervisor/rebalance.c,
 * and leave.c, and the broker's half of them.
 *
 * Owns: who owns which partition as the group sees it (sim.part[].owner). */
#include <stdlib.h>
#include <string.h>

#include "tests/simulate/simulate.h"

static void
body_back(void *body)
{
    ((struct tenure *)body)->bodies--;
}

/* ---- assign ---- */

static bool
being_worked_on(const struct tenure *f)
{
    EACH_TENURE(t, f->sup)
    if (t->lost && t->p == f->p)
        return true;
    return false;
}

static void
open_where_free(struct sim_sup *s)
{
    EACH_TENURE(t, s)
    if (!t->lost && !t->leaving && !t->part.open && t->recovery == RECOVERY_DONE && !s->stopping &&
        !being_worked_on(t))
        t->part.open = true;
}

static void
assign(struct sim_sup *s, int p)
{
    static char topic[] = "records";
    struct sim_part *part = &sim.part[p];
    struct tenure *t = &sim.tenure[sim.n_tenures++];
    memset(t, 0, sizeof *t);
    sim_note("partition %d is assigned to supervisor %d from %lld", p, (int)(s - sim.sup),
             (long long)part->committed);
    t->sup = s;
    t->p = p;
    t->committed = part->committed;
    int64_t start = part->committed < 0 ? part->low : part->committed;
    while (t->first < part->n && part->rec[t->first].offset < start)
        t->first++;
    t->next = t->first;
    t->part.topic = topic;
    t->part.number = p;
    t->part.more = true;
    dispatch_add(&s->d, &t->part, body_back);
    ledger_reach(&t->part.led, part->committed);
    recovery_begin(t);
    part->owner = t;
}

void
group_assign(void)
{
    for (uint32_t p = 0; p < sim.n_parts; p++) {
        struct sim_sup *s = &sim.sup[sim_below(sim.n_sups)];
        if (!sim.part[p].owner && s->up && !s->stopping && !s->revoking && !s->lost_pending &&
            sim.n_tenures < SIM_TENURES)
            assign(s, (int)p);
    }
}

/* ---- giving up ---- */

static void
forget(struct sim_sup *s, struct tenure *t)
{
    truth_over(t);
    if (s->active == t)
        s->active = NULL;
    letters_forget(s, t);
    sends_forget(s, t);
    dispatch_remove(&s->d, &t->part);
    if (t->bodies != 0)
        sim_wrong("partition %d is given up, and %d bodies are left", t->p, t->bodies);
    t->over = true;
    if (sim.part[t->p].owner == t)
        sim.part[t->p].owner = NULL;
    sim_note("partition %d is given up by supervisor %d", t->p, (int)(s - sim.sup));
}

static void
close_one(struct sim_sup *s, struct tenure *t, bool lost)
{
    t->part.open = false;
    t->leaving = true;
    for (uint32_t i = 0; i < sim.n_workers; i++)
        if (s->worker[i].state != WORKER_DOWN)
            holding_withdraw(&s->worker[i].holding, &t->part);
    t->lost = t->lost || lost;
    t->left_at = sim.now;
}

void
group_revoke(struct sim_sup *s)
{
    bool any = false;
    if (!s->up || s->stopping || s->revoking || s->lost_pending)
        return;
    EACH_TENURE(t, s)
    if (!t->lost && sim_once_in(2)) {
        sim_note("partition %d is to be given up", t->p);
        close_one(s, t, false);
        any = true;
    }
    s->revoking = any;
    s->drain_deadline = sim.now + SIM_DRAIN;
    s->drain_forced = s->commit_failed = false;
}

/* group_lose: the group goes on without this supervisor, which hears of it later. */
void
group_lose(struct sim_sup *s)
{
    if (!s->up || s->lost_pending)
        return;
    sim_note("supervisor %d loses its assignment", (int)(s - sim.sup));
    for (uint32_t p = 0; p < sim.n_parts; p++)
        if (sim.part[p].owner && sim.part[p].owner->sup == s) {
            truth_broken((int)p);
            sim.part[p].owner = NULL;
        }
    s->lost_pending = true;
}

/* hear_of_loss: what was being revoked is lost with the rest. */
static void
hear_of_loss(struct sim_sup *s)
{
    s->lost_pending = s->revoking = false;
    EACH_TENURE(t, s)
    if (!t->lost)
        close_one(s, t, true);
}

static void
expend_holders(struct sim_sup *s, const struct tenure *t)
{
    for (uint32_t i = 0; i < sim.n_workers; i++)
        if (s->worker[i].state != WORKER_DOWN && holding_holds(&s->worker[i].holding, &t->part) > 0)
            keeper_expend(&s->worker[i]);
}

static void
forget_lost(struct sim_sup *s)
{
    EACH_TENURE(t, s)
    if (t->lost) {
        if (t->part.led.held == 0)
            forget(s, t);
        else if (sim.now >= t->left_at + SIM_DRAIN)
            expend_holders(s, t);
    }
    open_where_free(s);
}

/* finish_revoke: rule 9's promise is that nothing done is repeated; without order, and behind a record of a batch that
 * waits for its next attempt, that holds for what is committed only. */
static void
finish_revoke(struct sim_sup *s)
{
    EACH_TENURE(t, s)
    if (t->leaving && !t->lost) {
        if (s->commit_failed || sim.order != DISPATCH_PARTITION || sim.batches || t->part.led.sending > 0)
            truth_broken(t->p);
        forget(s, t);
    }
    s->revoking = s->commit_failed = false;
}

static void
step_revoke(struct sim_sup *s)
{
    uint64_t held = 0, confirming = 0;
    EACH_TENURE(t, s)
    if (t->leaving && !t->lost) {
        held += t->part.led.held;
        confirming += ledger_confirming(&t->part.led);
    }
    if (held > 0) {
        if (sim.now < s->drain_deadline || s->drain_forced)
            return;
        s->drain_forced = true;
        EACH_TENURE(t, s)
        if (t->leaving && !t->lost)
            expend_holders(s, t);
        return;
    }
    if ((confirming > 0 && sim.now < s->drain_deadline) || s->commit_in_flight)
        return;
    if (commits_pending(s) && !s->commit_failed)
        commits_send(s);
    else
        finish_revoke(s);
}

/* ---- the ends of a supervisor ---- */

static void
clear(struct sim_sup *s)
{
    EACH_TENURE(t, s)
    {
        letters_forget(s, t);
        sends_forget(s, t);
        t->part.led.held = 0; /* whoever holds them ends, too */
        dispatch_remove(&s->d, &t->part);
        t->over = true;
        if (sim.part[t->p].owner == t)
            sim.part[t->p].owner = NULL;
    }
    for (uint32_t i = 0; i < SIM_WORKERS; i++) {
        s->worker[i].alive = s->worker[i].begun = false;
        s->worker[i].on = NULL;
        s->worker[i].n_batch = s->worker[i].ended = 0;
        if (s->worker[i].state != WORKER_DOWN)
            holding_clear(&s->worker[i].holding);
        s->worker[i].state = WORKER_DOWN;
    }
    memset(s->letter, 0, sizeof s->letter);
    sends_end(s);
    dispatch_clear(&s->d);
    restart_clear(&s->restart);
    s->up = false;
}

/* group_kill: SIGKILL of the supervisor; its workers end with it. A commit, a letter, or what a record sends
 * arrives, or does not. */
void
group_kill(struct sim_sup *s)
{
    if (!s->up)
        return;
    sim_note("supervisor %d is killed", (int)(s - sim.sup));
    if (s->commit_in_flight && !s->commit_applied && sim_once_in(2))
        commits_apply(s);
    EACH_TENURE(t, s)
    if (sim.part[t->p].owner == t)
        truth_broken(t->p);
    clear(s);
}

void
group_start(struct sim_sup *s)
{
    if (s->up)
        return;
    sim_note("supervisor %d starts", (int)(s - sim.sup));
    memset(s, 0, sizeof *s);
    dispatch_init(&s->d, sim.order, sim.window, sim.window_bytes, sim.seed);
    pace_init(&s->pace);
    restart_init(&s->restart, 1 << 20, NS_PER_S, sim.n_workers);
    for (int i = 0; i < SIM_WORKERS; i++) {
        s->worker[i].sup = s;
        s->worker[i].number = i;
    }
    s->up = true;
}

void
group_stop(struct sim_sup *s)
{
    if (!s->up || s->stopping)
        return;
    sim_note("supervisor %d stops", (int)(s - sim.sup));
    s->stopping = true;
    s->stop_deadline = sim.now + SIM_DRAIN;
    EACH_TENURE(t, s)
    t->part.open = false;
    for (uint32_t i = 0; i < sim.n_workers; i++)
        keeper_stop(&s->worker[i]);
}

/* in_hand counts what the stop waits for; sends and dead letters not past its deadline. */
static uint64_t
in_hand(const struct sim_sup *s)
{
    uint64_t n = 0;
    EACH_TENURE(t, s)
    n += t->part.led.held + (sim.now < s->stop_deadline ? ledger_confirming(&t->part.led) : 0);
    for (uint32_t i = 0; i < sim.n_workers; i++)
        n += s->worker[i].state != WORKER_DOWN;
    return n;
}

static void
step_stop(struct sim_sup *s)
{
    if (sim.now >= s->stop_deadline)
        for (uint32_t i = 0; i < sim.n_workers; i++)
            keeper_expend(&s->worker[i]);
    if (s->revoking || s->lost_pending || s->commit_in_flight || in_hand(s) > 0)
        return;
    if (commits_pending(s) && !s->commit_failed) {
        commits_send(s);
        return;
    }
    EACH_TENURE(t, s)
    {
        if (s->commit_failed || sim.order != DISPATCH_PARTITION || sim.batches || t->part.led.sending > 0)
            truth_broken(t->p);
        forget(s, t);
    }
    clear(s);
}

void
group_tick(struct sim_sup *s)
{
    recovery_tick(s);
    if (s->lost_pending && (sim.calm || sim_once_in(3)))
        hear_of_loss(s);
    forget_lost(s);
    if (s->revoking)
        step_revoke(s);
    if (s->stopping)
        step_stop(s);
}
