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
    w->told = w->doomed = w->inside = w->frozen = false;
    w->n_pipe = w->at = w->n_up = w->draft = 0;
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
    w->alive = false;
}

static enum sim_act
act_of(const struct sim_worker *w)
{
    uint32_t a = w->on_attempt - 1;
    return sim.part[w->on->p].rec[w->on_idx].act[a < SIM_ATTEMPTS ? a : SIM_ATTEMPTS - 1];
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
        if (fail(w, FAILURE_RETURNED, -1))
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
        work(w);
    else if (w->told)
        worker_ends(w);
    else if (w->inside && w->at == w->pipe[0].n)
        leave(w);
    else if (w->n_pipe > 0)
        begin(w);
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
