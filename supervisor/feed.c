/* feed.c - frames for workers: first what waits in the ledger, then what Kafka has.
 *
 * Owns: nothing between two calls.
 * Guarantees: a record's bytes are copied once from Kafka into the frame of the worker that is to have it,
 * or, where nobody may have it yet, into a batch that is kept. Must not know: what order means (dispatch.c),
 * what becomes of records (records.c), what a frame looks like (filling.c).
 *
 * DESIGN
 * Workers with nothing go first, then those with one frame, so that nobody queues what another could begin. Among these they
 * come in the order of their numbers: where few are enough, it is always the same few, whose memory is in the caches. A
 * frame may hold records of several partitions: as many as the pace says, or as fit into FRAME_BYTES, but at
 * least one. A suspect travels alone.
 *
 * With order key a record that is read for one worker can be for another one, which holds its lane. So the
 * frames of other workers may be open beside the one that is being filled; they are sent when their turn
 * comes, or at the end. What workers have finished since the call began is not known in it; so a call ends when it
 * has handed out much: else more and more lanes seem to be held, and what is read for them has to be kept. */
#include <string.h>

#include "supervisor/emit.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define CALL_RECORDS 2048        /* handed out in one call: then others have a turn, and what has ended is taken notice of */
#define SENT_BYTES (1024 * 1024) /* what the records of one frame may send, by the average so far */
#define KEPT_MANY 256            /* records kept for one frame: copying them twice costs more than the rest of it is worth */
#define KEPT_BYTES (64 * 1024)   /* of records kept that share a batch: one of them keeps the memory of all */

/* One call of feed_task. */
struct feeding {
    struct task *task;
    struct worker *worker; /* the one that is being fed */
    struct writing kept;   /* the batch of records that nobody may have yet */
    uint32_t n_kept;       /* records kept while this worker is being fed */
    uint32_t handed;       /* records put into frames in this call */
    uint64_t held;         /* bytes of records that the app holds */
    uint32_t share;        /* records for each worker that has nothing; no limit: UINT32_MAX */
    mono_ns now;
};

/* ---- records that are kept ---- */

static void
finish_kept(struct feeding *f)
{
    if (f->kept.batch)
        batch_unref(writing_finish(&f->kept, 0, 0, 0));
}

/* keep copies a message where nobody gets it; good to be read after finish_kept. */
static void
keep(struct feeding *f, struct partition *p, uint64_t pos, const struct message *m)
{
    if (!f->kept.batch)
        writing_begin(&f->kept, 256);
    struct writing_stamp stamp = {.attempt = ledger_entry(&p->led, pos)->attempt};
    size_t at = writing_message(&f->kept, p, m, stamp);
    ledger_body(&p->led, pos, batch_ref(f->kept.batch), (uint32_t)at, (uint32_t)(f->kept.builder.size - at));
    if (f->kept.builder.size >= KEPT_BYTES)
        finish_kept(f);
}

/* ---- who may be given how much ---- */

/* share_of: what is there is for all that have nothing, so that nobody queues what another could begin. */
static uint32_t
share_of(const struct task *t)
{
    uint64_t available = source_queued(t->source);
    uint32_t idle = 0;
    for (uint32_t i = 0; i < t->dispatch.n_parts; i++)
        available += ledger_in_flight(&t->dispatch.parts[i]->led) - t->dispatch.parts[i]->led.held;
    for (int i = 0; i < t->n_workers; i++)
        idle += worker_has_credit(&t->workers[i]) && t->workers[i].holding.n_frames == 0;
    return pace_share(&t->pace, available, idle);
}

/* wanted: how many records the next frame is to have; fewer where each of them sends much, more where it takes batches. */
static uint32_t
wanted(const struct feeding *f, const struct worker *w)
{
    const struct task *t = w->task;
    uint32_t paced = w->holding.n_frames == 0 && f->share < pace_records(&t->pace) ? f->share : pace_records(&t->pace);
    uint32_t batch = w->holding.batch < PACE_MAX ? w->holding.batch : PACE_MAX;
    paced = paced > batch ? paced : batch;
    size_t sends = t->sent_bytes > 0 ? SENT_BYTES / t->sent_bytes : paced;
    uint32_t want = sends < paced ? (uint32_t)sends : paced;
    return want > 0 ? want : 1;
}

/* may_have: a suspect can only go to a worker with nothing: one that has something is to become that. */
static bool
may_have(const struct feeding *f, const struct worker *w)
{
    return worker_has_credit(w) &&
           (w->holding.n_frames == 0 || !dispatch_has_suspect(&f->task->dispatch, &w->holding.seat, f->now));
}

/* is_open: there is room for another record in the frame of this worker, a new one if need be. */
static bool
is_open(struct feeding *f, struct worker *w)
{
    if (w->filling.frame && w != f->worker && filling_full(w))
        filling_send(w, f->now);
    if (w->filling.frame)
        return !filling_full(w);
    return may_have(f, w) && filling_open(w, wanted(f, w));
}

/* ---- from the ledger ---- */

/* put_waiting hands out entries again that came back; false where the next one must travel alone and cannot
 * now. */
static bool
put_waiting(struct feeding *f, struct partition *p)
{
    struct dispatch *d = &f->task->dispatch;
    struct worker *w = f->worker;
    finish_kept(f);
    while (!filling_full(w) && dispatch_supplies(d, p, &w->holding.seat, f->now) == SUPPLY_WAITING) {
        uint64_t pos = dispatch_waiting(d, p, &w->holding.seat, f->now);
        if (!holding_admits(&w->holding, w->filling.frame, ledger_entry(&p->led, pos)))
            return false;
        filling_entry(w, p, pos);
        f->handed++;
    }
    return true;
}

/* ---- from Kafka ---- */

/* for_another_group: a letter was sent back for another group (headrace.for), so it is nothing to this one.
 */
static bool
for_another_group(const struct task *t, const struct message *m)
{
    const void *value;
    size_t size;
    return m->headers && !rd_kafka_header_get_last(m->headers, "headrace.for", &value, &size) && value &&
           (size != strlen(t->conf->group) || memcmp(value, t->conf->group, size) != 0);
}

/* give_up_unread: the record has had all its attempts in lives of the supervisor before this one. */
static void
give_up_unread(struct feeding *f, struct partition *p, uint64_t pos, const struct message *m)
{
    ledger_entry(&p->led, pos)->attempt = f->task->policy.attempts; /* of which all were made */
    keep(f, p, pos, m);
    finish_kept(f);
    records_took_supervisor_down(f->task, p, pos);
    source_handed(p); /* its turn is over */
}

/* enter puts a message that was just read into the ledger, without its bytes; its position. */
static uint64_t
enter(struct task *t, struct partition *p, const struct message *m, uint32_t attempt)
{
    uint64_t pos = ledger_add(&p->led, m->kafka->offset, NULL, 0, 0);
    ledger_entry(&p->led, pos)->attempt = attempt;
    dispatch_entered(&t->dispatch, p, pos, m->kafka->key, m->kafka->key_len);
    return pos;
}

static struct worker *
worker_at(const struct seat *s)
{
    return s ? (struct worker *)((char *)s - offsetof(struct worker, holding.seat)) : NULL;
}

static void
put_message(struct feeding *f, struct partition *p, const struct message *m)
{
    struct dispatch *d = &f->task->dispatch;
    uint32_t attempt = source_first_attempt(p);
    uint64_t pos = enter(f->task, p, m, attempt);
    if (for_another_group(f->task, m)) {
        dispatch_done(d, p, pos);
        source_handed(p);
        return;
    }
    if (attempt > f->task->policy.attempts) {
        give_up_unread(f, p, pos, m);
        return;
    }
    struct worker *taker = worker_at(dispatch_taker(d, p, pos, &f->worker->holding.seat));
    if (taker && is_open(f, taker) && holding_takes_fresh(&taker->holding)) {
        filling_message(taker, p, pos, m);
        f->handed++;
    } else {
        keep(f, p, pos, m);
        dispatch_kept(d, p, pos);
        f->n_kept++;
    }
}

/* fresh_limit: how many records to read so that neither the frame nor the window overflows; bytes are only
 * guessed here, and counted while reading. */
static uint32_t
fresh_limit(const struct feeding *f, const struct partition *p)
{
    const struct task *t = f->task;
    const struct filling *o = &f->worker->filling;
    uint64_t past = p->led.head - p->confirmed; /* the commit point that Kafka knows of */
    uint64_t window = t->dispatch.window > past ? t->dispatch.window - past : 1;
    uint64_t limit = p->single ? 1 : o->want - o->frame->n;
    uint64_t fit = (FRAME_BYTES - o->writing.builder.size) / (t->record_bytes > 64 ? t->record_bytes : 64);
    limit = limit < window ? limit : window;
    limit = limit < fit ? limit : fit;
    return limit > 0 ? (uint32_t)limit : 1;
}

/* take_fresh puts one record that was read where it belongs, and counts it; returns its bytes. */
static uint64_t
take_fresh(struct feeding *f, struct partition *p, const struct message *m)
{
    uint64_t before = p->led.bytes;
    put_message(f, p, m);
    uint64_t bytes = p->led.bytes - before;
    f->held += bytes;
    f->task->dispatch.full = f->held >= (uint64_t)f->task->app->conf->memory;
    return bytes;
}

/* may_read_on: SPEC 5.6, also within one frame; and a record that was given up unread holds up a partition
 * that is a lane. */
static bool
may_read_on(const struct feeding *f, const struct partition *p)
{
    const struct dispatch *d = &f->task->dispatch;
    return !d->full && ledger_admits(&p->led, d->window, d->window_bytes) &&
           (d->order != DISPATCH_PARTITION || p->lane.letters == 0);
}

/* has_enough: much of what comes is for workers that have no room for it. This one has something, and its frame is sent as it
 * is; where it has nothing, it is read on until something comes. */
static bool
has_enough(const struct feeding *f)
{
    return f->n_kept >= KEPT_MANY && f->worker->filling.frame->n > 0;
}

/* What is read of one partition in one go. */
struct fresh {
    struct feeding *feeding;
    struct partition *part;
    uint32_t n, limit;
    uint64_t bytes;
};

static bool
read_fresh(void *fresh, const struct message *m)
{
    struct fresh *r = fresh;
    r->bytes += take_fresh(r->feeding, r->part, m);
    return ++r->n < r->limit && may_read_on(r->feeding, r->part) && !has_enough(r->feeding);
}

/* put_fresh is false where the frame has suspects, which nothing that is read now may join. */
static bool
put_fresh(struct feeding *f, struct partition *p)
{
    if (!holding_takes_fresh(&f->worker->holding))
        return false;
    struct fresh r = {.feeding = f, .part = p, .limit = fresh_limit(f, p)};
    if (source_read(f->task->source, p, read_fresh, &r) > 0)
        f->task->record_bytes = (f->task->record_bytes * 3 + r.bytes / r.n) / 4;
    return true;
}

/* ---- in turn ---- */

static void
fill(struct feeding *f)
{
    enum dispatch_supply supply;
    struct partition *p;
    f->n_kept = 0;
    while (!filling_full(f->worker) && !has_enough(f) &&
           (p = dispatch_pick(&f->task->dispatch, &f->worker->holding.seat, f->now, &supply))) {
        if (!(supply == SUPPLY_FRESH ? put_fresh(f, p) : put_waiting(f, p)))
            break;
    }
}

/* feed_worker gives one frame to a worker that has credit. */
static void
feed_worker(struct feeding *f, struct worker *w)
{
    f->worker = w;
    worker_hear(w);
    if (!w->filling.frame && !dispatch_has(&f->task->dispatch, &w->holding.seat, f->now))
        return;
    if (is_open(f, w))
        fill(f);
    filling_send(w, f->now);
}

/* feed_workers goes through them until none has room or the call has handed out enough. */
static void
feed_workers(struct feeding *f)
{
    struct task *t = f->task;
    for (uint32_t load = 0; load < HOLDING_FRAMES; load++)
        for (int i = 0; i < t->n_workers && f->handed < CALL_RECORDS; i++) {
            struct worker *w = &t->workers[i];
            if (worker_has_credit(w) && (w->holding.n_frames == load || (w->holding.collecting && load > 0)))
                feed_worker(f, w);
        }
}

static uint64_t
sending_bytes(const struct task *t)
{
    return t->emitter ? emit_bytes(t->emitter) : 0;
}

/* held_by_app: SPEC 5.6, the bytes of records that the app holds in all, and of what they send. */
static uint64_t
held_by_app(const struct app *a)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < a->n_tasks; i++)
        bytes += dispatch_bytes(&a->tasks[i].dispatch) + sending_bytes(&a->tasks[i]);
    return bytes;
}

void
feed_task(struct task *t, mono_ns now)
{
    struct feeding f = {.task = t, .held = held_by_app(t->app), .share = UINT32_MAX, .now = now};
    t->hungry = false;
    t->dispatch.full = f.held >= (uint64_t)t->app->conf->memory;
    if (sending_bytes(t) >= (uint64_t)t->app->conf->memory)
        return; /* slot protocol rule 11; each confirmation makes the task hungry again */
    if (t->n_workers > 1 && pace_shares(&t->pace))
        f.share = share_of(t);
    feed_workers(&f);
    if (f.handed >= CALL_RECORDS)
        t->hungry = true;
    for (int i = 0; i < t->n_workers; i++)
        filling_send(&t->workers[i], now);
    finish_kept(&f);
}

static bool
read_peeked(void *fresh, const struct message *m)
{
    struct fresh *r = fresh;
    struct task *t = r->feeding->task;
    if (for_another_group(t, m)) {
        ledger_reach(&r->part->led, m->kafka->offset + 1);
    } else {
        uint64_t pos = enter(t, r->part, m, 1);
        keep(r->feeding, r->part, pos, m);
        finish_kept(r->feeding);
        dispatch_kept(&t->dispatch, r->part, pos);
    }
    return false;
}

void
feed_peek(struct task *t, struct partition *p)
{
    struct feeding f = {.task = t};
    struct fresh r = {.feeding = &f, .part = p};
    source_read(t->source, p, read_peeked, &r);
}
