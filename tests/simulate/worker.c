/* worker.c - the process of a worker, as worker/inbox.c and a task body make it, over the real turn.c.
 *
 * Owns: what its next step is. A step is one call of turn.c, or its end. What records send waits in the
 * outbox, which is emptied at times, and always before the worker leaves its frame, publishes a failure, or
 * ends. */
#include <stdio.h>
#include <string.h>

#include "tests/simulate/simulate.h"

void
worker_born(struct sim_worker *w)
{
    w->alive = true;
    w->told = w->doomed = w->inside = w->frozen = w->begun = false;
    w->n_pipe = w->at = w->n_up = w->draft = w->n_batch = w->ended = 0;
    w->outbox.n = 0;
    w->on = NULL;
    turn_init(&w->turn, sim_scoreboard(w));
}

void
worker_dies(struct sim_worker *w)
{
    uint32_t before = w->n_up;
    w->n_up = sim_below(before + 1);
    sim_note("worker %d.%d dies; %u of %u frames of sends are lost", (int)(w->sup - sim.sup), w->number,
             before - w->n_up, before);
    w->alive = false;
}

/* flush makes a frame of what is to be sent. */
static void
flush(struct sim_worker *w)
{
    if (w->outbox.n == 0)
        return;
    if (w->n_up == SIM_UP)
        sim_wrong("more than %d frames of sends on a pipe", SIM_UP);
    sim_note("worker %d.%d empties its outbox of %u", (int)(w->sup - sim.sup), w->number, w->outbox.n);
    w->up[w->n_up++] = w->outbox;
    w->outbox.n = 0;
}

void
worker_ends(struct sim_worker *w)
{
    flush(w);
    sim_note("worker %d.%d ends", (int)(w->sup - sim.sup), w->number);
    truth_ended(w);
    w->alive = false;
}

static enum sim_act
act_at(const struct tenure *t, uint32_t idx, uint32_t attempt)
{
    uint32_t a = attempt - 1;
    return sim.part[t->p].rec[idx].act[a < SIM_ATTEMPTS ? a : SIM_ATTEMPTS - 1];
}

static enum sim_act
act_of(const struct sim_worker *w)
{
    return act_at(w->on, w->on_idx, w->on_attempt);
}

/* fail ends the record that is on, as inbox_fail does: only while a reason may be written. */
static bool
fail(struct sim_worker *w, enum failure_kind kind, mono_ns retry_after)
{
    char text[32];
    sprintf(text, "%d/%u/%u", w->on->p, w->on_idx, w->on_attempt);
    if (!turn_may_fail(&w->turn))
        turn_handled(&w->turn, sim_scoreboard(w)->failures_read);
    if (!turn_may_fail(&w->turn))
        return false;
    flush(w);
    w->draft = 0; /* what a failed attempt sends is dropped */
    turn_fail_after(&w->turn, kind, text, retry_after);
    return true;
}

static void
hand_back(struct sim_worker *w)
{
    flush(w);
    w->draft = 0;
    turn_hand_back(&w->turn);
    worker_ends(w);
}

static void
finish(struct sim_worker *w)
{
    struct sim_sends *out = &w->outbox;
    if (w->draft == 0) {
        turn_finish(&w->turn);
        return;
    }
    out->rec[out->n].seq = w->turn.seq;
    out->rec[out->n].t = w->on;
    out->rec[out->n].idx = w->on_idx;
    out->rec[out->n].run = w->draft;
    out->n++;
    w->draft = 0;
    turn_sent(&w->turn);
}

/* work: the record that is on ends as it is written for this attempt; a body that was told to stop may return
 * first. */
static void
work(struct sim_worker *w)
{
    if (w->told && sim_once_in(2)) {
        hand_back(w);
        return;
    }
    switch (act_of(w)) {
    case ACT_FINISH:
        finish(w);
        break;
    case ACT_FAIL:
        fail(w, FAILURE_FAILED, -1);
        break;
    case ACT_RETRY_AFTER:
        fail(w, FAILURE_FAILED, 700 * NS_PER_MS);
        break;
    case ACT_REJECT:
        fail(w, FAILURE_REJECTED, -1);
        break;
    case ACT_CRASH:
        worker_dies(w);
        break;
    case ACT_RETURN:
        if (w->told)
            hand_back(w);
        else if (fail(w, FAILURE_RETURNED, -1))
            worker_ends(w);
        break;
    case ACT_DOWN:
        w->sup->down = true;
        break;
    default:
        break; /* it hangs */
    }
}

static void
begin(struct sim_worker *w)
{
    const struct sim_frame *f = &w->pipe[0];
    if (!w->inside) {
        turn_handled(&w->turn, f->handled);
        w->inside = true;
        w->at = 0;
    }
    uint32_t i = w->at++;
    w->on = f->rec[i].t;
    w->on_idx = f->rec[i].idx;
    w->on_attempt = f->rec[i].attempt;
    w->on_frame = f->n;
    if (!turn_begin(&w->turn, f->first + i, f->rec[i].lane, f->rec[i].epoch))
        w->on = NULL;
    else if (sim.part[w->on->p].rec[w->on_idx].sends > 0)
        w->draft = w->on_run;
}

/* ---- batches ---- */

/* select_on makes a record of the batch the one at hand. */
static void
select_on(struct sim_worker *w, const struct sim_on *one)
{
    w->on = one->t;
    w->on_idx = one->idx;
    w->on_attempt = one->attempt;
    w->on_run = one->run;
    turn_select(&w->turn, one->seq, one->lane, one->epoch);
}

static void
begin_batch(struct sim_worker *w)
{
    const struct sim_frame *f = &w->pipe[0];
    if (!w->inside) {
        turn_handled(&w->turn, f->handled);
        w->inside = true;
        w->at = 0;
    }
    w->n_batch = w->ended = 0;
    for (uint32_t n = 1 + sim_below(f->n - w->at); n > 0; n--) {
        uint32_t i = w->at++;
        struct sim_on one = {.t = f->rec[i].t, .idx = f->rec[i].idx, .attempt = f->rec[i].attempt,
                             .lane = f->rec[i].lane, .epoch = f->rec[i].epoch, .seq = f->first + i};
        w->on = one.t;
        w->on_idx = one.idx;
        w->on_attempt = one.attempt;
        w->on_frame = f->n;
        if (turn_join(&w->turn, one.seq, one.lane, one.epoch)) {
            one.run = w->on_run;
            w->batch[w->n_batch++] = one;
        }
    }
    w->on = NULL;
}

/* spoils says whether a record does to the whole batch what it does, and what. */
static enum sim_act
spoils(const struct sim_worker *w)
{
    for (uint32_t i = 0; i < w->n_batch; i++) {
        enum sim_act act = act_at(w->batch[i].t, w->batch[i].idx, w->batch[i].attempt);
        if (act == ACT_CRASH || act == ACT_HANG || act == ACT_DOWN || (act == ACT_RETURN && w->n_batch > 1))
            return act;
    }
    return ACT_FINISH;
}

/* end_one ends the oldest record that is on; false: it has to wait. */
static bool
end_one(struct sim_worker *w)
{
    select_on(w, &w->batch[w->ended]);
    enum sim_act act = act_of(w);
    bool ended = true;
    if (act == ACT_FINISH)
        turn_finish(&w->turn);
    else if (act == ACT_REJECT)
        ended = fail(w, FAILURE_REJECTED, -1);
    else
        ended = fail(w, act == ACT_RETURN ? FAILURE_RETURNED : FAILURE_FAILED,
                     act == ACT_RETRY_AFTER ? 700 * NS_PER_MS : -1);
    w->ended += ended;
    return ended;
}

static void
hand_back_batch(struct sim_worker *w)
{
    while (w->n_batch > w->ended) {
        select_on(w, &w->batch[w->n_batch - 1]);
        turn_hand_back(&w->turn);
        w->n_batch--;
    }
    worker_ends(w);
}

static void
work_batch(struct sim_worker *w)
{
    enum sim_act act = w->ended == 0 ? spoils(w) : ACT_FINISH;
    if (w->told && w->ended == 0 && (act == ACT_RETURN || sim_once_in(2)))
        hand_back_batch(w);
    else if (act == ACT_CRASH)
        worker_dies(w);
    else if (act == ACT_RETURN) /* which one is to blame is not known */
        worker_ends(w);
    else if (act == ACT_DOWN)
        w->sup->down = true;
    else if (act == ACT_FINISH && end_one(w) && w->ended == w->n_batch)
        w->on = NULL;
}

static void
leave(struct sim_worker *w)
{
    flush(w);
    turn_leave(&w->turn, w->pipe[0].first + w->pipe[0].n);
    w->n_pipe--;
    memmove(&w->pipe[0], &w->pipe[1], w->n_pipe * sizeof w->pipe[0]);
    w->inside = false;
}

static void
one_step(struct sim_worker *w)
{
    if (w->doomed && sim_once_in(2))
        worker_dies(w);
    else if (w->outbox.n > 0 && sim_once_in(3))
        flush(w);
    else if (w->turn.on)
        sim.batches ? work_batch(w) : work(w);
    else if (w->told)
        worker_ends(w);
    else if (w->inside && w->at == w->pipe[0].n)
        leave(w);
    else if (w->n_pipe > 0)
        sim.batches ? begin_batch(w) : begin(w);
}

void
worker_step(struct sim_worker *w)
{
    struct sim_worker *before = sim_acting;
    int depth = sim_depth;
    if (!w->alive || w->busy || (w->frozen && !w->doomed))
        return;
    sim_acting = w;
    sim_depth = depth + 1;
    w->busy = true;
    if (setjmp(w->died) == 0)
        one_step(w);
    w->busy = false;
    sim_acting = before;
    sim_depth = depth;
}
