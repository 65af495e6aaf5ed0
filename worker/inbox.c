/* inbox.c - frames in, records out: hr_next.
 *
 * Owns: the frame that is being worked off and those that came while the body slept.
 *
 * DESIGN: a call of hr_next ends the record before (one store on the scoreboard), and begins the next one of
 * the frame (one compare-and-swap, by turn.c). That is all while a frame lasts: no clock, no system call, no
 *   allocation (but in tasks that send: outbox.c). Clock and socket are used once for each frame. The supervisor
 * is told when a frame is left, and at once when a record failed, since its lane waits for that.
 *
 * Guarantees: records are begun in the order of the frames; a record that was withdrawn, or whose lane is
 * barred, is passed over; once told to stop, nothing more is begun; a frame that is not as it should be ends
 * the process between two records, so it is pinned on none. Must not know: Kafka, ZeroMQ sockets (peer.h
 * gives frames), modules. */
#include "worker/inbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "worker/batch.h"
#include "worker/outbox.h"
#include "worker/record.h"
#include "worker/told.h"
#include "worker/verdict.h"

/* refuse ends the process: what else the pipe holds cannot be trusted, and a new worker gets a new one. */
static _Noreturn void
refuse(const char *what, const char *why)
{
    log_error("bad frame from the supervisor", "frame=%s reason=\"%s\"", what, why);
    fflush(stdout);
    _exit(CHILD_EXIT_PROTOCOL);
}

/* type_of checks a frame as far as all frames are alike. */
static unsigned
type_of(const struct hr_task *self, zmq_msg_t *frame)
{
    unsigned type = 0;
    const char *wrong = wire_open(zmq_msg_data(frame), zmq_msg_size(frame), self->generation, &type);
    if (wrong)
        refuse("unknown", wrong);
    return type;
}

static bool
pop(struct inbox *in, zmq_msg_t *frame)
{
    struct parcel *first = in->queue;
    if (!first)
        return false;
    in->queue = first->next;
    zmq_msg_init(frame);
    zmq_msg_move(frame, &first->frame);
    zmq_msg_close(&first->frame);
    free(first);
    return true;
}

void
inbox_keep(struct hr_task *self)
{
    struct parcel *parcel = mem_alloc(sizeof *parcel);
    if (self->peer->receive(self->peer, &parcel->frame) != PEER_FRAME) {
        free(parcel);
        return;
    }
    if (type_of(self, &parcel->frame) == WIRE_STOP) {
        zmq_msg_close(&parcel->frame);
        free(parcel);
        told_by_frame();
        return;
    }
    struct parcel **end = &self->inbox.queue;
    while (*end)
        end = &(*end)->next;
    *end = parcel;
}

bool
inbox_take(struct hr_task *self, enum wire_type type, zmq_msg_t *frame)
{
    if (told())
        return false;
    if (!pop(&self->inbox, frame) && self->peer->receive(self->peer, frame) != PEER_FRAME)
        return false;
    unsigned its_type = type_of(self, frame);
    if (its_type == WIRE_STOP) {
        zmq_msg_close(frame);
        told_by_frame();
        return false;
    }
    if (its_type != type)
        refuse(wire_name(its_type), "a frame that this kind of task does not get");
    return true;
}

/* leave says that the frame is worked off. */
static void
leave(struct hr_task *self)
{
    struct inbox *in = &self->inbox;
    turn_leave(&self->turn, in->reader.batch.first + in->reader.batch.records);
    outbox_left(self, clock_mono() - in->began, in->begun);
    zmq_msg_close(&in->frame);
    memset(&in->reader, 0, sizeof in->reader);
    in->open = false;
}

/* open_frame makes the frame that was received the one that is worked off. */
static void
open_frame(struct hr_task *self)
{
    struct inbox *in = &self->inbox;
    const char *wrong = wire_read_begin(&in->reader, zmq_msg_data(&in->frame), zmq_msg_size(&in->frame));
    if (!wrong && in->reader.batch.records > self->turn.slots)
        wrong = "more records than slots";
    if (wrong)
        refuse("batch", wrong);
    turn_handled(&self->turn, in->reader.batch.handled);
    in->origins = mem_grow(in->origins, in->reader.batch.origins, sizeof *in->origins);
    memset(in->origins, 0, in->reader.batch.origins * sizeof *in->origins);
    in->began = clock_mono();
    in->begun = 0;
    in->open = true;
}

static bool
refill(struct hr_task *self)
{
    outbox_flush(self);
    if (self->inbox.open)
        leave(self);
    if (!inbox_take(self, WIRE_BATCH, &self->inbox.frame))
        return false;
    open_frame(self);
    return true;
}

/* read_record reads the next record of the frame, with where it is from. */
static void
read_record(struct inbox *in, struct hr_record *record)
{
    const char *wrong = wire_read_next(&in->reader, &record->view);
    if (wrong)
        refuse("batch", wrong);
    struct origin *origin = &in->origins[record->view.r.origin];
    if (!origin->topic) {
        wrong = wire_read_origin(&in->reader, record->view.r.origin, &origin->topic, &origin->partition);
        if (wrong)
            refuse("batch", wrong);
    }
    record->topic = origin->topic;
    record->partition = origin->partition;
}

bool
inbox_read(struct hr_task *self, struct hr_record *record, uint64_t *seq)
{
    struct inbox *in = &self->inbox;
    if (in->reader.taken >= in->reader.batch.records)
        return false;
    *seq = in->reader.batch.first + in->reader.taken;
    read_record(in, record);
    return true;
}

bool
inbox_detach(struct hr_task *self, zmq_msg_t *frame, uint64_t *end)
{
    struct inbox *in = &self->inbox;
    if (!in->open || in->reader.taken < in->reader.batch.records)
        return false;
    *end = in->reader.batch.first + in->reader.batch.records;
    zmq_msg_init(frame);
    zmq_msg_move(frame, &in->frame);
    zmq_msg_close(&in->frame);
    memset(&in->reader, 0, sizeof in->reader);
    in->open = false;
    return true;
}

enum peer_event
inbox_more(struct hr_task *self, mono_ns deadline)
{
    if (told())
        return PEER_TOLD;
    enum peer_event event = self->inbox.queue ? PEER_FRAME : self->peer->wait(self->peer, deadline);
    if (event != PEER_FRAME)
        return event;
    if (!inbox_take(self, WIRE_BATCH, &self->inbox.frame))
        return PEER_TOLD;
    open_frame(self);
    return PEER_FRAME;
}

void
inbox_rest(struct hr_task *self)
{
    self->inbox.began = clock_mono();
    self->inbox.begun = 0;
}

/* begin_next begins the next record of the frame that may be begun. */
static bool
begin_next(struct hr_task *self)
{
    struct inbox *in = &self->inbox;
    while (in->reader.taken < in->reader.batch.records) {
        uint64_t seq = in->reader.batch.first + in->reader.taken;
        read_record(in, &self->record);
        if (turn_begin(&self->turn, seq, self->record.view.r.lane, self->record.view.r.epoch)) {
            record_renew(&self->record);
            in->begun++;
            return true;
        }
    }
    return false;
}

/* await_room waits until a failure may be published. The supervisor counts a failure as read after it has
 * taken the lane back, so what it has read needs no bar any more; without this, a frame in which more lanes
 * fail than there are bars would wait for the next frame for ever. */
static void
await_room(struct hr_task *self)
{
    while (!turn_may_fail(&self->turn)) {
        turn_handled(&self->turn, atomic_load_explicit(&self->sb->failures_read, memory_order_acquire));
        if (!turn_may_fail(&self->turn))
            self->peer->pause(self->peer);
    }
}

void
inbox_fail(struct hr_task *self, const struct hr_record *record, enum failure_kind kind, const char *reason)
{
    outbox_discard(self);
    outbox_flush(self);
    await_room(self);
    turn_fail_after(&self->turn, kind, reason, kind == FAILURE_FAILED ? record->retry_after_ns : -1);
    outbox_look(self);
}

void
inbox_end(struct hr_task *self)
{
    struct hr_record *record = &self->record;
    if (batch_is_on(self))
        batch_end(self);
    else if (record->verdict == VERDICT_NONE)
        outbox_finish(self);
    else
        inbox_fail(self, record, verdict_kind(record->verdict), record->reason);
}

/* stopped is the end of hr_next when told: the last record may have ended just now, and the body may take its
 * time to return, so it is reported here. */
static hr_record *
stopped(struct hr_task *self, bool ended)
{
    outbox_flush(self);
    if (ended)
        outbox_look(self);
    return NULL;
}

hr_record *
hr_next(hr_task *self)
{
    bool ended = self->turn.on;
    if (ended)
        inbox_end(self);
    else
        outbox_close(self);
    outbox_tend(self);
    if (self->kind != SELF_STREAM) {
        outbox_await_room(self);
        return NULL;
    }
    while (!told()) {
        if (begin_next(self)) {
            outbox_begin(self);
            return &self->record;
        }
        ended = false; /* leaving the frame reports it */
        if (!refill(self))
            break;
    }
    return stopped(self, ended);
}

const void *
hr_next_as_(hr_task *self, const hr_type *type)
{
    while (hr_next(self)) {
        if (record_decode(&self->record, type))
            return self->record.typed;
        self->record.verdict = VERDICT_DECODE;
    }
    return NULL;
}

void
inbox_close(struct hr_task *self)
{
    struct inbox *in = &self->inbox;
    zmq_msg_t frame;
    if (in->open)
        zmq_msg_close(&in->frame);
    while (pop(in, &frame))
        zmq_msg_close(&frame);
    free(in->origins);
    in->origins = NULL;
    in->open = false;
}
