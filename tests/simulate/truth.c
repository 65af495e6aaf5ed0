/* truth.c - the model: which records there are, what each attempt really returned, and what follows from
 * that.
 *
 * Knows nothing of the ledger's states. What it checks:
 *   the commit point never passes a record that is not done;
 *   a lane is on one worker at a time, and goes in order;
 *   the number of an attempt, when it begins and when it is told, is that of the attempts that failed before;
 *   an ending is told once, and is what happened;
 *   what is done comes again only after an owner's bad end; a suspect travels alone, or with half as many as
 * before; what is tried again waits for its time; who was told to stop leaves no record on; a record that
 * sends is done when the broker has what it sends, and that only, all of it; what a worker's death lost is
 * repeated, with what its lane finished behind it; a partition's records are first seen in order in what is
 * sent; in the end each record is finished, or given up after the right number of attempts. */
#include "tests/simulate/simulate.h"

bool
truth_done(const struct sim_record *r)
{
    bool good = r->sends > 0 ? r->seen == r->sends : r->finished;
    return r->pass || good || r->skipped || r->letters > 0;
}

bool
truth_same(int p, uint32_t a, uint32_t b)
{
    const struct sim_record *rec = sim.part[p].rec;
    if (sim.order == DISPATCH_KEY)
        return rec[a].key == rec[b].key && rec[a].key > 0;
    return sim.order == DISPATCH_PARTITION;
}

struct sim_record *
truth_record(const struct tenure *t, uint32_t idx)
{
    return &sim.part[t->p].rec[idx];
}

bool
truth_owns(const struct tenure *t)
{
    return sim.part[t->p].owner == t;
}

/* on_at gives the records that a worker is on, one after the other; false: no more. */
static bool
on_at(const struct sim_worker *w, uint32_t i, const struct tenure **t, uint32_t *idx)
{
    if (sim.batches ? !w->turn.on || w->ended + i >= w->n_batch : i > 0 || !w->begun)
        return false;
    *t = sim.batches ? w->batch[w->ended + i].t : w->on;
    *idx = sim.batches ? w->batch[w->ended + i].idx : w->on_idx;
    return true;
}

static bool
is_on(const struct sim_worker *w, const struct tenure *of, uint32_t idx)
{
    const struct tenure *t;
    uint32_t k;
    for (uint32_t i = 0; on_at(w, i, &t, &k); i++)
        if (t == of && k == idx)
            return true;
    return false;
}

static void
check_beside(const struct sim_worker *w, const struct sim_worker *x)
{
    const struct tenure *t;
    uint32_t idx;
    for (uint32_t i = 0; on_at(x, i, &t, &idx); i++) {
        if (t->p != w->on->p || (idx != w->on_idx && !truth_same(w->on->p, idx, w->on_idx)))
            continue;
        if (x->sup == w->sup || (truth_owns(t) && truth_owns(w->on)))
            sim_wrong("record %d/%u begins on worker %d.%d while %d/%u is on worker %d.%d", w->on->p,
                      w->on_idx, (int)(w->sup - sim.sup), w->number, t->p, idx, (int)(x->sup - sim.sup),
                      x->number);
    }
}

static void
check_alone(const struct sim_worker *w)
{
    for (int s = 0; s < SIM_SUPS; s++)
        for (int i = 0; i < SIM_WORKERS; i++) {
            const struct sim_worker *x = &sim.sup[s].worker[i];
            if (x != w)
                check_beside(w, x);
        }
}

/* check_order: in a lane, all before it has ended, or is on with it (w; NULL: it is given up on, as they may
 * be with it). */
static void
check_order(const struct tenure *t, uint32_t idx, const struct sim_worker *w, const char *what)
{
    for (uint32_t i = t->first; i < idx; i++)
        if (truth_same(t->p, i, idx) && !t->truth[i].finished && !t->truth[i].given_up &&
            !truth_record(t, i)->pass && !(w ? is_on(w, t, i) : t->truth[i].giving_up))
            sim_wrong("record %d/%u %s before %d/%u has ended", t->p, idx, what, t->p, i);
}

/* Of a batch, several may be given up on at once. */
void
truth_given_up(struct tenure *t, uint32_t idx)
{
    t->truth[idx].giving_up = sim.batches;
    check_order(t, idx, NULL, "is given up on");
}

static void
check_repeat(const struct sim_worker *w)
{
    const struct sim_record *r = truth_record(w->on, w->on_idx);
    const struct sim_truth *truth = &w->on->truth[w->on_idx];
    if (truth->finished || truth->given_up || r->pass)
        sim_wrong("record %d/%u is done, and begins again", w->on->p, w->on_idx);
    if (truth_owns(w->on) && truth_done(r) && !r->repeat_ok)
        sim_wrong("record %d/%u is repeated, though no owner ended badly", w->on->p, w->on_idx);
}

/* noted is the record that a commit names as the one to be tried: the first one there. */
static struct sim_record *
noted(struct sim_part *part)
{
    for (uint32_t i = 0; i < part->n; i++)
        if (part->rec[i].offset >= part->committed)
            return &part->rec[i];
    return NULL;
}

/* check_parted: the record was on with others at a death. It comes with others of which the same is to be
 * said, and no more of them than are allowed. */
static void
check_parted(const struct sim_worker *w, uint32_t most)
{
    const struct sim_frame *f = &w->pipe[0];
    if (f->n > most)
        sim_wrong("record %d/%u was on at a death, and is handed out with %u others", w->on->p, w->on_idx,
                  f->n - 1);
    for (uint32_t i = 0; i < f->n; i++)
        if (f->rec[i].t->truth[f->rec[i].idx].most == 0)
            sim_wrong("record %d/%u was on at a death, and is handed out with %d/%u", w->on->p, w->on_idx,
                      f->rec[i].t->p, f->rec[i].idx);
}

static void
begins(struct sim_worker *w)
{
    const struct sim_truth *truth = &w->on->truth[w->on_idx];
    const struct sim_record *r = truth_record(w->on, w->on_idx);
    sim_note("worker %d.%d begins %d/%u attempt %u", (int)(w->sup - sim.sup), w->number, w->on->p, w->on_idx,
             w->on_attempt);
    if (w->on->over)
        sim_wrong("record %d/%u begins though its partition was given up", w->on->p, w->on_idx);
    if (w->on_attempt != 1u + w->on->base[w->on_idx] + truth->endings)
        sim_wrong("record %d/%u begins attempt %u after %u that failed", w->on->p, w->on_idx, w->on_attempt,
                  truth->endings);
    if (truth->crashes > 0 && w->on_frame > 1)
        sim_wrong("record %d/%u crashed a worker and does not travel alone", w->on->p, w->on_idx);
    if (truth->most > 0)
        check_parted(w, truth->most);
    if (sim.now < truth->due)
        sim_wrong("record %d/%u begins before its time has come", w->on->p, w->on_idx);
    if (w->on_attempt > 1 && r->failed + r->downs + 1 < w->on_attempt)
        sim_wrong("record %d/%u begins attempt %u: %u failed, %u ends of supervisors", w->on->p, w->on_idx,
                  w->on_attempt, r->failed, r->downs);
    if (truth_owns(w->on) && noted(&sim.part[w->on->p]) == r)
        sim.part[w->on->p].noted_begun = true;
    else if (truth_owns(w->on))
        sim.part[w->on->p].other_begun = true;
    w->begun = true;
    w->on_run = ++sim.n_runs;
    if (sim.n_runs == SIM_RUNS)
        sim_wrong("more than %d runs", SIM_RUNS);
    sim.run[w->on_run] = RUN_NONE;
    check_repeat(w);
    check_alone(w);
    check_order(w->on, w->on_idx, w, "begins");
}

static void
ends(struct sim_worker *w, unsigned how)
{
    struct sim_truth *truth = &w->on->truth[w->on_idx];
    struct sim_record *r = truth_record(w->on, w->on_idx);
    sim_note("worker %d.%d: %d/%u is %s", (int)(w->sup - sim.sup), w->number, w->on->p, w->on_idx,
             slot_state_name(how));
    if (how == SLOT_FINISHED || how == SLOT_SENT) {
        truth->finished = r->finished = true;
        truth->unsent = how == SLOT_SENT ? w : NULL;
        truth->run = w->on_run;
        sim.run[w->on_run] = how == SLOT_SENT ? RUN_SENT : RUN_NONE;
        r->repeat_ok = !truth_owns(w->on);
    } else if (how == SLOT_FAILED) {
        enum sim_act act = r->act[w->on_attempt <= SIM_ATTEMPTS ? w->on_attempt - 1 : SIM_ATTEMPTS - 1];
        bool fails = act == ACT_FAIL || act == ACT_RETRY_AFTER || act == ACT_REJECT || act == ACT_RETURN;
        if (!fails)
            sim_wrong("record %d/%u counts as failed, and did not fail", w->on->p, w->on_idx);
        truth->endings++;
        r->failed++;
        truth->rejected = act == ACT_REJECT;
    }
    w->on = NULL;
    w->begun = false;
}

void
truth_saw(struct sim_worker *w, unsigned from, unsigned to)
{
    if (to == SLOT_ON && from == SLOT_WAITING)
        begins(w);
    else if (to != SLOT_ON && w->on)
        ends(w, to);
}

/* truth_died: a death costs the record that was on an attempt, but not where the supervisor itself wanted it;
 * nor where there were others with it, for which one it was is not known. */
void
truth_died(struct sim_worker *w)
{
    const struct tenure *t;
    uint32_t idx, n = 0;
    while (!w->expendable && on_at(w, n, &t, &idx))
        n++;
    for (uint32_t i = 0; i < n && on_at(w, i, &t, &idx); i++) {
        struct sim_truth *truth = &((struct tenure *)t)->truth[idx];
        truth->most = n > 1 ? n / 2 : 0;
        truth->endings += n == 1;
        truth->crashes += n == 1;
        truth_record(t, idx)->failed += n == 1;
    }
    w->on = NULL;
    w->begun = false;
    w->n_batch = w->ended = 0;
}

void
truth_ended(const struct sim_worker *w)
{
    if (w->told && w->turn.on)
        sim_wrong("worker %d.%d was told to stop, and leaves a record on", (int)(w->sup - sim.sup),
                  w->number);
}

static void
check_point(const struct tenure *t, int64_t point, const char *what)
{
    const struct sim_part *part = &sim.part[t->p];
    for (uint32_t i = 0; i < part->n; i++)
        if (part->rec[i].offset < point && !truth_done(&part->rec[i]))
            sim_wrong("%s %lld of partition %d passes record %u, which is not done", what, (long long)point,
                      t->p, i);
}

void
truth_commit(const struct tenure *t, int64_t offset)
{
    if (!truth_owns(t))
        sim_wrong("partition %d is committed by who does not own it", t->p);
    if (offset < sim.part[t->p].committed)
        sim_wrong("the commit of partition %d goes back to %lld", t->p, (long long)offset);
    check_point(t, offset, "the commit");
}

void
truth_letter(const struct sim_letter *l)
{
    const struct sim_truth *truth = &l->from->truth[l->idx];
    const struct sim_record *r = truth_record(l->from, l->idx);
    uint32_t made = l->from->base[l->idx] + truth->endings + truth->refused;
    if (l->attempts != made)
        sim_wrong("the letter of %d/%u tells %u attempts of %u", l->from->p, l->idx, l->attempts, made);
    if (!truth->rejected && !truth->refused && made != sim.policy.attempts)
        sim_wrong("record %d/%u is dead-lettered after %u attempts", l->from->p, l->idx, truth->endings);
    if (truth->finished && !truth->refused)
        sim_wrong("record %d/%u is finished, and dead-lettered", l->from->p, l->idx);
    if (truth_done(r) && !r->letter_ok && !r->repeat_ok && !truth->refused)
        sim_wrong("record %d/%u is done, and dead-lettered", l->from->p, l->idx);
}

/* truth_down: what was counted over the ends of supervisors is what failed, or was noted when one ended. */
void
truth_down(const struct tenure *t, uint32_t idx)
{
    const struct sim_record *r = truth_record(t, idx);
    if (r->failed + r->downs < sim.policy.attempts)
        sim_wrong("record %d/%u is given up on for the ends of supervisors: %u failed, %u ends", t->p, idx,
                  r->failed, r->downs);
}

/* blame: an attempt was noted when the owner ended. It is that of the record noted, if it was begun, or no
 * other was. Without order a record that waits for its next attempt is noted while another one is handed out,
 * and pays for it. */
static void
blame(struct sim_part *part)
{
    struct sim_record *r = noted(part);
    if (r && (sim.order != DISPATCH_PARTITION || part->noted_begun || !part->other_begun))
        r->downs++;
}

void
truth_again(int p, uint32_t idx)
{
    for (uint32_t i = idx; i < sim.part[p].n; i++)
        sim.part[p].rec[i].repeat_ok = sim.part[p].rec[i].letter_ok = true;
}

void
truth_broken(int p)
{
    struct sim_part *part = &sim.part[p];
    if (part->owner && part->running && part->attempt > 0)
        blame(part);
    for (uint32_t i = 0; i < part->n; i++)
        if (part->rec[i].offset >= part->committed)
            part->rec[i].repeat_ok = part->rec[i].letter_ok = true;
}

void
truth_over(const struct tenure *t)
{
    for (int i = 0; i < SIM_WORKERS; i++) {
        const struct sim_worker *w = &t->sup->worker[i];
        const struct tenure *on;
        uint32_t idx;
        for (uint32_t k = 0; w->alive && on_at(w, k, &on, &idx); k++)
            if (on == t)
                sim_wrong("partition %d is given up while %u of it is on worker %d", t->p, idx, i);
        if (w->state != WORKER_DOWN && holding_holds(&w->holding, &t->part) > 0)
            sim_wrong("partition %d is given up while worker %d holds of it", t->p, i);
    }
}

static void
check_tenure(struct tenure *t)
{
    uint64_t held = 0;
    for (int i = 0; i < SIM_WORKERS; i++)
        if (t->sup->worker[i].state != WORKER_DOWN)
            held += holding_holds(&t->sup->worker[i].holding, &t->part);
    if (held != t->part.led.held)
        sim_wrong("partition %d: the ledger says %u are held, the workers hold %u", t->p,
                  (unsigned)t->part.led.held, (unsigned)held);
    if (sends_of(t->sup, t) != t->part.led.sending)
        sim_wrong("partition %d: the ledger says %u are being sent, the producer has %u", t->p,
                  (unsigned)t->part.led.sending, sends_of(t->sup, t));
    check_point(t, ledger_commit_point(&t->part.led), "the commit point");
}

void
truth_check(void)
{
    for (uint32_t i = 0; i < sim.n_tenures; i++)
        if (!sim.tenure[i].over)
            check_tenure(&sim.tenure[i]);
}

static void
check_record(int p, uint32_t i)
{
    const struct sim_record *r = &sim.part[p].rec[i];
    if (!truth_done(r))
        sim_wrong("record %d/%u is lost", p, i);
    if (r->letters > 1 && !r->letter_ok)
        sim_wrong("record %d/%u has %u letters", p, i, r->letters);
    if (r->finished && r->letters > 0 && !r->letter_ok && !r->refused)
        sim_wrong("record %d/%u is finished, and has a letter", p, i);
}

void
truth_end(void)
{
    for (uint32_t p = 0; p < sim.n_parts; p++) {
        if (sim.part[p].committed != sim.part[p].end)
            sim_wrong("partition %u ends at %lld, and is committed to %lld", p, (long long)sim.part[p].end,
                      (long long)sim.part[p].committed);
        for (uint32_t i = 0; i < sim.part[p].n; i++)
            check_record((int)p, i);
    }
}
