/* batch.c - records that are worked on together: hr_next_batch.
 *
 * Owns: the records of the batch, and the frames that they stand in.
 * Guarantees: while a batch is collected its records are WAITING, so the supervisor may take any of them back, and a stop ends
 *   it; they become ON together, when the body gets them (slot protocol rule 7). A frame is left only when the batch is over
 *   that has records of it, so no slot of it is used again before (rule 2).
 * Must not know: sockets, what becomes of a record that failed. */
#include "worker/batch.h"

#include <stdlib.h>

#include "shared/mem.h"
#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/record.h"
#include "worker/told.h"
#include "worker/verdict.h"

/* ---- collecting ---- */

static void
make_room(struct batch *b)
{
    if (b->n < b->room)
        return;
    size_t room = b->room > 0 ? b->room * 2 : 16;
    b->records = mem_grow(b->records, room, sizeof *b->records);
    b->seqs = mem_grow(b->seqs, room, sizeof *b->seqs);
    for (; b->room < room; b->room++)
        b->records[b->room] = mem_alloc(sizeof **b->records);
}

/* keep_frame keeps the open frame, if it was read to its end, until the batch is over. */
static void
keep_frame(struct hr_task *self)
{
    struct batch *b = &self->batch;
    b->frames = mem_grow(b->frames, b->n_frames + 1, sizeof *b->frames);
    b->n_frames += inbox_detach(self, &b->frames[b->n_frames].frame, &b->frames[b->n_frames].end);
}

static void
take_what_is_here(struct hr_task *self, size_t max)
{
    struct batch *b = &self->batch;
    while (b->n < max) {
        make_room(b);
        if (!inbox_read(self, b->records[b->n], &b->seqs[b->n]))
            break;
        b->n++;
    }
}

/* say_collecting lets the supervisor know that more is wanted: once in a batch, and only where that means waiting. */
static void
say_collecting(struct hr_task *self, bool *said)
{
    if (*said)
        return;
    *said = true;
    atomic_store_explicit(&self->sb->collecting, 1, memory_order_release);
    outbox_look(self);
}

/* collect fills the batch; false: told to stop. */
static bool
collect(struct hr_task *self, size_t max, double seconds)
{
    struct batch *b = &self->batch;
    mono_ns deadline = MONO_NEVER;
    enum peer_event event = PEER_FRAME;
    bool said = false;
    b->collecting = true;
    while (event == PEER_FRAME) {
        take_what_is_here(self, max);
        if (b->n > 0 && deadline == MONO_NEVER)
            deadline = clock_in(seconds);
        if (b->n == max)
            break;
        keep_frame(self);
        say_collecting(self, &said);
        event = inbox_more(self, deadline);
    }
    b->collecting = false;
    atomic_store_explicit(&self->sb->collecting, 0, memory_order_release);
    return event != PEER_TOLD;
}

/* leave gives back the frames of a batch that is over. */
static void
leave(struct hr_task *self)
{
    struct batch *b = &self->batch;
    if (b->n_frames > 0)
        turn_leave(&self->turn, b->frames[b->n_frames - 1].end);
    for (size_t i = 0; i < b->n_frames; i++)
        zmq_msg_close(&b->frames[i].frame);
    b->n_frames = b->n = 0;
}

/* begin begins what was collected; what was taken back meanwhile, or is barred, drops out. */
static bool
begin(struct hr_task *self)
{
    struct batch *b = &self->batch;
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct hr_record *record = b->records[i];
        if (!turn_join(&self->turn, b->seqs[i], record->view.r.lane, record->view.r.epoch))
            continue;
        record_renew(record);
        b->records[i] = b->records[n];
        b->records[n] = record;
        b->seqs[n++] = b->seqs[i];
    }
    b->n = n;
    b->on = n > 0;
    b->given = (hr_batch){n, b->records};
    b->began = clock_mono();
    return b->on;
}

const hr_batch *
hr_next_batch(hr_task *self, size_t max, double seconds)
{
    size_t most = self->turn.slots / 2;
    if (self->turn.on)
        inbox_end(self);
    else
        outbox_close(self);
    outbox_flush(self);
    if (self->kind != SELF_STREAM)
        return NULL;
    max = max < 1 ? 1 : max > most ? most : max;
    atomic_store_explicit(&self->sb->batch, (uint32_t)max, memory_order_relaxed);
    while (!told() && collect(self, max, seconds)) {
        if (begin(self))
            return &self->batch.given;
        keep_frame(self);
        leave(self);
        outbox_look(self);
    }
    outbox_look(self);
    return NULL;
}

/* ---- ending ---- */

static void
select_record(struct hr_task *self, size_t i)
{
    const struct hr_record *record = self->batch.records[i];
    turn_select(&self->turn, self->batch.seqs[i], record->view.r.lane, record->view.r.epoch);
}

void
batch_end(struct hr_task *self)
{
    struct batch *b = &self->batch;
    mono_ns busy = clock_mono() - b->began;
    size_t n = b->n;
    for (size_t i = 0; i < n; i++) {
        struct hr_record *record = b->records[i];
        select_record(self, i);
        if (record->verdict == VERDICT_NONE)
            turn_finish(&self->turn);
        else
            inbox_fail(self, record, verdict_kind(record->verdict), record->reason);
    }
    b->on = false;
    keep_frame(self);
    leave(self);
    outbox_left(self, busy, n);
    inbox_rest(self);
}

void
batch_returned(struct hr_task *self, const char *number)
{
    struct batch *b = &self->batch;
    bool one = b->n == 1;
    for (size_t i = 0; i < b->n; i++) {
        struct hr_record *record = b->records[i];
        select_record(self, i);
        if (record->verdict != VERDICT_NONE)
            inbox_fail(self, record, verdict_kind(record->verdict), record->reason);
        else if (one)
            inbox_fail(self, record, FAILURE_RETURNED, number);
    }
    b->on = false;
}

void
batch_hand_back(struct hr_task *self)
{
    struct batch *b = &self->batch;
    for (size_t i = b->n; i-- > 0;) { /* youngest first, as all that goes back */
        struct hr_record *record = b->records[i];
        select_record(self, i);
        if (record->verdict == VERDICT_NONE)
            turn_hand_back(&self->turn);
        else
            inbox_fail(self, record, verdict_kind(record->verdict), record->reason);
    }
    b->on = false;
}

const void *
hr_as_(hr_record *record, const hr_type *type)
{
    if (record_decode(record, type))
        return record->typed;
    record->verdict = VERDICT_DECODE;
    return NULL;
}

void
batch_close(struct hr_task *self)
{
    struct batch *b = &self->batch;
    for (size_t i = 0; i < b->n_frames; i++)
        zmq_msg_close(&b->frames[i].frame);
    for (size_t i = 0; i < b->room; i++) {
        record_close(b->records[i]);
        free(b->records[i]);
    }
    free(b->records);
    free(b->seqs);
    free(b->frames);
    *b = (struct batch){.n = 0};
}
