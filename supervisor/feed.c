/* feed.c - frames for workers: first what waits in the ledger, then what Kafka has.
 *
 * Owns: nothing between two calls.
 * Guarantees: a worker is given records only within its credit; a record's bytes are copied once from Kafka into the
 *   frame, and stay there until it is done.
 * Must not know: what order means (dispatch.c), what becomes of records (records.c).
 *
 * DESIGN
 * Workers with nothing go first, then those with one frame, so that nobody queues what another could begin. A frame may
 * hold records of several partitions: as many as the pace says, or as fit into FRAME_BYTES, but at least one. A suspect
 * travels alone. */
#include <stdlib.h>
#include <string.h>

#include "shared/wire.h"
#include "supervisor/emit.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define FRAME_BYTES (512 * 1024)
#define SENT_BYTES (1024 * 1024) /* what the records of one frame may send, by the average so far */
#define HELD_BYTES (1024 * 1024) /* credit of a worker: a second frame only while less than this is with it */

/* A frame being filled for one worker. */
struct feeding {
    struct task *task;
    struct holding *holding;
    struct holding_frame *frame;
    struct wire_builder builder;
    struct batch *batch;
    uint32_t want; /* records */
    uint64_t *held; /* bytes of records that the app holds */
    const struct partition *origin_of;
    uint32_t origin;
};

static uint32_t
origin_for(struct feeding *f, const struct partition *p)
{
    if (f->origin_of != p) {
        f->origin = wire_batch_origin(&f->builder, p->topic, p->number);
        f->origin_of = p;
    }
    return f->origin;
}

static void
put(struct feeding *f, struct partition *p, uint64_t pos, size_t at)
{
    struct entry *e = ledger_entry(&p->led, pos);
    if (e->body)
        batch_unref(e->body);
    e->body = batch_ref(f->batch);
    e->at = (uint32_t)at;
    holding_put(f->holding, f->frame, p, pos);
    source_handed(p);
}

/* put_waiting hands out entries again that came back; false where the next one must travel alone and cannot now. */
static bool
put_waiting(struct feeding *f, struct partition *p, mono_ns now)
{
    struct dispatch *d = &f->task->dispatch;
    while (f->frame->n < f->want && f->builder.size < FRAME_BYTES &&
           dispatch_supplies(d, p, f->holding, now) == SUPPLY_WAITING) {
        uint64_t pos = dispatch_waiting(d, p);
        const struct entry *e = ledger_entry(&p->led, pos);
        if (e->suspect && (f->frame->n > 0 || f->holding->n_frames > 0))
            return false;
        const unsigned char *from = ((const struct batch *)e->body)->data + e->at;
        size_t at = wire_batch_copy(&f->builder, from, origin_for(f, p), dispatch_lane(d, p), p->epoch, e->attempt);
        put(f, p, pos, at);
        if (f->holding->alone)
            return false;
    }
    return true;
}

static void
add_headers(struct wire_builder *b, size_t at, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(m, &headers))
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        wire_batch_header(b, at, name, (struct wire_bytes){value, size});
}

/* write_message copies a message into a frame; returns where it stands. */
static size_t
write_message(struct wire_builder *b, const rd_kafka_message_t *m, struct wire_record r)
{
    r.offset = m->offset;
    r.timestamp = rd_kafka_message_timestamp(m, NULL);
    size_t at = wire_batch_record(b, &r, (struct wire_bytes){m->key, m->key_len},
                                  (struct wire_bytes){m->payload, m->len});
    add_headers(b, at, m);
    wire_batch_end(b, at);
    return at;
}

/* keep puts a message into the ledger without handing it out: it stands in a frame of its own, which is sent to nobody. */
static uint64_t
keep(struct partition *p, const rd_kafka_message_t *m, uint32_t attempt)
{
    struct wire_builder b;
    struct batch *batch = batch_new();
    wire_batch_begin(&b, 256);
    struct wire_record r = {.origin = wire_batch_origin(&b, p->topic, p->number), .attempt = attempt};
    size_t at = write_message(&b, m, r);
    batch->data = wire_batch_finish(&b, 0, 0, 0, &batch->size);
    uint64_t pos = ledger_add(&p->led, m->offset, batch, (uint32_t)at, (uint32_t)batch->size);
    ledger_entry(&p->led, pos)->attempt = attempt;
    return pos;
}

/* give_up_unread: the record has had all its attempts in lives of the supervisor before this one. */
static void
give_up_unread(struct feeding *f, struct partition *p, const rd_kafka_message_t *m)
{
    records_took_supervisor_down(f->task, p, keep(p, m, f->task->policy.attempts));
    source_handed(p); /* its turn is over */
}

/* for_another_group: a letter was sent back for another group (headrace.for), so it is nothing to this one. */
static bool
for_another_group(const struct task *t, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    return !rd_kafka_message_headers(m, &headers) &&
           !rd_kafka_header_get_last(headers, "headrace.for", &value, &size) && value &&
           (size != strlen(t->conf->group) || memcmp(value, t->conf->group, size) != 0);
}

static void
put_message(struct feeding *f, struct partition *p, const rd_kafka_message_t *m)
{
    uint32_t attempt = source_first_attempt(p);
    if (for_another_group(f->task, m)) {
        dispatch_done(&f->task->dispatch, p, ledger_add(&p->led, m->offset, NULL, 0, 0));
        source_handed(p);
        return;
    }
    if (attempt > f->task->policy.attempts) {
        give_up_unread(f, p, m);
        return;
    }
    struct wire_record r = {.origin = origin_for(f, p),
                            .lane = dispatch_lane(&f->task->dispatch, p),
                            .epoch = p->epoch,
                            .attempt = attempt};
    size_t at = write_message(&f->builder, m, r);
    uint64_t pos = ledger_add(&p->led, m->offset, NULL, 0, (uint32_t)(f->builder.size - at));
    ledger_entry(&p->led, pos)->attempt = attempt;
    put(f, p, pos, at);
}

/* fresh_limit: how many records to read so that neither the frame nor the window overflows; bytes are only guessed here,
 * and counted while reading. */
static uint32_t
fresh_limit(const struct feeding *f, const struct partition *p)
{
    const struct task *t = f->task;
    uint64_t past = p->led.head - p->confirmed; /* the commit point that Kafka knows of */
    uint64_t window = t->dispatch.window > past ? t->dispatch.window - past : 1;
    uint64_t limit = p->single ? 1 : f->want - f->frame->n;
    uint64_t fit = (FRAME_BYTES - f->builder.size) / (t->record_bytes > 64 ? t->record_bytes : 64);
    limit = limit < window ? limit : window;
    limit = limit < fit ? limit : fit;
    return limit > 0 ? (uint32_t)limit : 1;
}

/* take_fresh puts one record that was read into the frame, and counts it. */
static void
take_fresh(struct feeding *f, struct partition *p, const rd_kafka_message_t *m)
{
    uint64_t before = p->led.bytes;
    put_message(f, p, m);
    *f->held += p->led.bytes - before;
    f->task->dispatch.full = *f->held >= (uint64_t)f->task->app->conf->memory;
}

/* may_read_on: SPEC 5.6, also within one frame. */
static bool
may_read_on(const struct feeding *f, const struct partition *p)
{
    const struct dispatch *d = &f->task->dispatch;
    return !d->full && ledger_admits(&p->led, d->window, d->window_bytes);
}

static void
put_fresh(struct feeding *f, struct partition *p)
{
    const rd_kafka_message_t *m;
    rd_kafka_event_t *event;
    size_t before = f->builder.size;
    uint32_t n = 0;
    for (uint32_t limit = fresh_limit(f, p);
         n < limit && (n == 0 || may_read_on(f, p)) && (event = source_take(f->task->source, p, &m)); n++) {
        take_fresh(f, p, m);
        rd_kafka_event_destroy(event);
        if (p->led.letters > 0 && f->task->dispatch.order == DISPATCH_PARTITION)
            break; /* it was given up unread: its lane waits for the letter */
    }
    if (n > 0)
        f->task->record_bytes = (f->task->record_bytes * 3 + (f->builder.size - before) / n) / 4;
}

static void
fill(struct feeding *f, mono_ns now)
{
    enum dispatch_supply supply;
    struct partition *p;
    while (f->frame->n < f->want && f->builder.size < FRAME_BYTES &&
           (p = dispatch_pick(&f->task->dispatch, f->holding, now, &supply))) {
        if (supply == SUPPLY_FRESH)
            put_fresh(f, p);
        else if (!put_waiting(f, p, now))
            break;
    }
}

static void
send_frame(struct feeding *f, struct worker *w, mono_ns now)
{
    unsigned char *data = wire_batch_finish(&f->builder, w->child.generation, f->frame->first, f->holding->handled,
                                            &f->batch->size);
    f->batch->data = data;
    holding_close(f->holding, f->frame, f->batch->size);
    /* The reference of batch_new is libzmq's now. Where sending fails, the worker is just ending (or has to, see
     * worker_tick): its burial gives the records back. */
    if (pipe_send_owned(&w->child.pipe, data, f->batch->size, batch_sent, f->batch) < 0)
        w->cut_off_at = now;
}

/* wanted: how many records the next frame is to have; fewer where each of them sends much. */
static uint32_t
wanted(const struct task *t, uint32_t room)
{
    uint32_t paced = pace_records(&t->pace);
    size_t sends = t->sent_bytes > 0 ? SENT_BYTES / t->sent_bytes : paced;
    uint32_t want = sends < paced ? (uint32_t)sends : paced;
    want = want < room ? want : room;
    return want > 0 ? want : 1;
}

/* feed_worker gives one frame to a worker that has credit; false if there was nothing for it. */
static bool
feed_worker(struct task *t, struct worker *w, uint64_t *held, mono_ns now)
{
    uint32_t room = holding_room(&w->holding, HELD_BYTES);
    if (room == 0 || !dispatch_has(&t->dispatch, &w->holding, now))
        return false;
    if (w->holding.n_frames > 0 && dispatch_has_suspect(&t->dispatch, &w->holding, now))
        return false; /* it can only go to a worker with nothing: let this one become that */
    struct feeding f = {.task = t, .holding = &w->holding, .want = wanted(t, room), .held = held};
    f.frame = holding_open(&w->holding, f.want);
    f.batch = batch_new();
    wire_batch_begin(&f.builder, f.want * (t->record_bytes + 64));
    fill(&f, now);
    if (f.frame->n > 0) {
        send_frame(&f, w, now);
        return true;
    }
    holding_drop(&w->holding, f.frame);
    wire_batch_abandon(&f.builder);
    batch_unref(f.batch);
    return false;
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
    uint64_t held = held_by_app(t->app);
    t->hungry = false;
    t->dispatch.full = held >= (uint64_t)t->app->conf->memory;
    if (sending_bytes(t) >= (uint64_t)t->app->conf->memory)
        return; /* slot protocol rule 11; each confirmation makes the task hungry again */
    for (uint32_t load = 0; load < HOLDING_FRAMES; load++)
        for (int i = 0; i < t->n_workers; i++) {
            struct worker *w = &t->workers[(t->first_fed + i) % t->n_workers];
            if (worker_has_credit(w) && w->holding.n_frames == load)
                feed_worker(t, w, &held, now);
        }
    t->first_fed = (t->first_fed + 1) % t->n_workers;
}

void
feed_peek(struct task *t, struct partition *p)
{
    const rd_kafka_message_t *m;
    rd_kafka_event_t *event = source_take(t->source, p, &m);
    if (!event)
        return;
    if (for_another_group(t, m))
        ledger_reach(&p->led, m->offset + 1);
    else
        dispatch_kept(&t->dispatch, p, keep(p, m, 1));
    rd_kafka_event_destroy(event);
}
