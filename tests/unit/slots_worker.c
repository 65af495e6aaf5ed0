/* slots_worker.c - a worker of the slot protocol's check: turn.c, driven.
 *
 * Owns: the worker's operations and when each may happen. It takes frames from its pipe in order and begins
 * their records in order, as worker/inbox.c and the task loop do. Its outbox is emptied at any time, and
 * always before it leaves its frame, publishes a failure, or ends when told. */
#include "tests/unit/slots_access.h"

#include "worker/turn.c"

void
slots_worker_birth(uint32_t w)
{
    struct slots_worker *worker = &slots_now.worker[w];
    memset(worker, 0, sizeof *worker);
    turn_init(&worker->turn, slots_scoreboard(w));
}

static void
begin(struct slots_worker *worker)
{
    struct slots_message *m = &worker->pipe[0];
    if (!worker->inside) {
        turn_handled(&worker->turn, m->handled);
        worker->inside = true;
        worker->at = 0;
    }
    worker->current = (uint8_t)worker->at;
    turn_begin(&worker->turn, m->first + worker->at, m->records[worker->at].lane,
               m->records[worker->at].epoch);
    worker->at++;
}

/* begin_batch begins some records together: what was taken back, or is barred, drops out. */
static void
begin_batch(struct slots_worker *worker, uint32_t n)
{
    struct slots_message *m = &worker->pipe[0];
    if (!worker->inside) {
        turn_handled(&worker->turn, m->handled);
        worker->inside = true;
        worker->at = 0;
    }
    worker->n_batch = worker->ended = 0;
    worker->handing_back = false;
    for (; n > 0; n--, worker->at++) {
        const uint32_t i = worker->at;
        worker->current = (uint8_t)i;
        if (turn_join(&worker->turn, m->first + i, m->records[i].lane, m->records[i].epoch))
            worker->batch[worker->n_batch++] = (uint8_t)i;
    }
}

/* choose takes the record whose end comes next: the oldest one; of those handed back the youngest. */
static void
choose(struct slots_worker *worker)
{
    const struct slots_message *m = &worker->pipe[0];
    uint32_t i = worker->at - 1;
    if (slots_setup->batches) {
        i = worker->handing_back ? worker->batch[worker->n_batch - 1 - worker->ended] : worker->batch[worker->ended];
        worker->ended++;
    }
    worker->current = (uint8_t)i;
    turn_select(&worker->turn, m->first + i, m->records[i].lane, m->records[i].epoch);
}

static void
finish_and_send(struct slots_worker *worker)
{
    const struct slots_message *m = &worker->pipe[0];
    const uint32_t i = worker->current, n = worker->outbox.n++;
    worker->outbox.records[n].seq = (uint8_t)worker->turn.seq;
    worker->outbox.records[n].lane = m->records[i].part;
    worker->outbox.records[n].pos = m->records[i].pos;
    turn_sent(&worker->turn);
}

static void
fail(struct slots_worker *worker)
{
    const struct slots_message *m = &worker->pipe[0];
    if (!turn_may_fail(&worker->turn))
        return;
    choose(worker);
    const uint32_t i = worker->current;
    char text[8] = {(char)('0' + m->records[i].part), '/', (char)('0' + m->records[i].pos), 0};
    turn_fail(&worker->turn, FAILURE_FAILED, text);
}

static void
leave(struct slots_worker *worker)
{
    struct slots_message *m = &worker->pipe[0];
    turn_leave(&worker->turn, m->first + m->n);
    worker->n_pipe--;
    memmove(m, m + 1, worker->n_pipe * sizeof *m);
    memset(&worker->pipe[worker->n_pipe], 0, sizeof *m);
    worker->inside = false;
    worker->at = 0;
}

void
slots_worker_run(const struct slots_action *action)
{
    struct slots_worker *worker = &slots_now.worker[action->worker];
    switch (action->kind) {
    case SLOTS_BEGIN:
        slots_setup->batches ? begin_batch(worker, action->a) : begin(worker);
        break;
    case SLOTS_FINISH:
        choose(worker);
        turn_finish(&worker->turn);
        break;
    case SLOTS_SEND:
        choose(worker);
        finish_and_send(worker);
        break;
    case SLOTS_FAIL:
        fail(worker);
        break;
    case SLOTS_HAND_BACK:
        worker->handing_back = true;
        choose(worker);
        turn_hand_back(&worker->turn);
        break;
    case SLOTS_LEAVE:
        leave(worker);
        break;
    }
}

uint32_t
slots_worker_actions(uint32_t w, struct slots_action *out)
{
    const struct slots_worker *worker = &slots_now.worker[w];
    uint32_t n = 0;
    bool flushed = worker->outbox.n == 0;
    if (!flushed)
        out[n++] = (struct slots_action){SLOTS_FLUSH, (uint8_t)w, 0, 0};
    if (worker->turn.on && worker->handing_back) {
        out[n++] = (struct slots_action){SLOTS_HAND_BACK, (uint8_t)w, 0, 0};
    } else if (worker->turn.on) {
        out[n++] = (struct slots_action){SLOTS_FINISH, (uint8_t)w, 0, 0};
        if (slots_now.sends > 0)
            out[n++] = (struct slots_action){SLOTS_SEND, (uint8_t)w, 0, 0};
        if (slots_now.failures > 0 && flushed)
            out[n++] = (struct slots_action){SLOTS_FAIL, (uint8_t)w, 0, 0};
        if (slots_now.told[w] && flushed && (!slots_setup->batches || worker->ended == 0))
            out[n++] = (struct slots_action){SLOTS_HAND_BACK, (uint8_t)w, 0, 0};
    } else if (slots_now.told[w]) {
        if (flushed)
            out[n++] = (struct slots_action){SLOTS_EXIT, (uint8_t)w, 0, 0};
    } else if (worker->inside && worker->at == worker->pipe[0].n) {
        if (flushed)
            out[n++] = (struct slots_action){SLOTS_LEAVE, (uint8_t)w, 0, 0};
    } else if (worker->n_pipe > 0) {
        uint32_t left = worker->pipe[0].n - (worker->inside ? worker->at : 0);
        for (uint32_t a = 1; a <= (slots_setup->batches ? left : 1); a++)
            out[n++] = (struct slots_action){SLOTS_BEGIN, (uint8_t)w, (uint8_t)a, 0};
    }
    return n;
}
