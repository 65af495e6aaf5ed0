/* outbox.c - what a worker tells the supervisor, and what its records send.
 *
 * Owns: the messages of the record that is on, and those of finished records that have not left yet.
 *
 * DESIGN: the truth about records stands on the scoreboard; most frames in here only say when to look at it.
 * Sends are the exception: they travel in a frame, and a record that sends is done only when that has come.
 * One frame for each record would cost what the record costs, so groups are collected while records are
 * cheap: at most 64 records, or 10 ms, or 256 KB; where a record takes 100 us or more they leave at once
 * (slot protocol rule 5). The clock is read only in tasks that send.
 *
 * Guarantees: what a record sends leaves when it has finished, all of it, or not at all; groups leave in the
 * order of their records; nothing is kept while this process waits. Must not know: how frames travel, what
 * becomes of a message. */
#include "worker/outbox.h"

#include <string.h>
#include <unistd.h>

#include "worker/inbox.h"
#include "worker/told.h"

#define SLOW (100 * NS_PER_US) /* a record that takes so long does not wait for others */
#define OLD (10 * NS_PER_MS)
#define MANY 64             /* records */
#define LARGE (256u * 1024) /* bytes */

void
outbox_ready(struct hr_task *self)
{
    struct wire_ready ready = {.pid = getpid()};
    wire_fill(&ready.header, WIRE_READY, self->generation, sizeof ready);
    self->peer->send(self->peer, &ready, sizeof ready);
}

static void
progress(struct hr_task *self, uint64_t busy_ns, uint64_t records)
{
    struct wire_progress progress = {
        .passed = atomic_load_explicit(&self->sb->passed, memory_order_relaxed),
        .busy_ns = busy_ns,
        .records = records,
    };
    wire_fill(&progress.header, WIRE_PROGRESS, self->generation, sizeof progress);
    self->peer->send(self->peer, &progress, sizeof progress);
}

void
outbox_left(struct hr_task *self, mono_ns busy_ns, uint64_t records)
{
    progress(self, busy_ns > 0 ? (uint64_t)busy_ns : 1, records); /* 0 would say that no frame was left */
}

void
outbox_look(struct hr_task *self)
{
    progress(self, 0, 0);
}

void
outbox_triggered(struct hr_task *self, uint64_t number, int result)
{
    struct wire_triggered triggered = {.number = number, .result = result};
    wire_fill(&triggered.header, WIRE_TRIGGERED, self->generation, sizeof triggered);
    self->peer->send(self->peer, &triggered, sizeof triggered);
}

/* ---- what records send ---- */

static void
close_group(struct hr_task *self, uint64_t seq)
{
    struct outbox *ob = &self->outbox;
    if (ob->sends.groups == 0) {
        ob->since = clock_mono();
        ob->finished = 0;
    }
    wire_sends_close(&ob->sends, seq);
}

void
outbox_finish(struct hr_task *self)
{
    struct outbox *ob = &self->outbox;
    if (ob->sends.messages > 0) {
        close_group(self, self->turn.seq);
        ob->lane = self->turn.lane;
        turn_sent(&self->turn);
    } else {
        turn_finish(&self->turn);
    }
    ob->finished++;
}

void
outbox_discard(struct hr_task *self)
{
    wire_sends_discard(&self->outbox.sends);
}

void
outbox_close(struct hr_task *self)
{
    if (self->outbox.sends.messages > 0)
        close_group(self, WIRE_NO_RECORD);
}

void
outbox_flush(struct hr_task *self)
{
    struct outbox *ob = &self->outbox;
    if (ob->sends.groups == 0)
        return;
    size_t size = wire_sends_frame(&ob->sends, self->generation);
    self->peer->send(self->peer, ob->sends.data, size);
    wire_sends_left(&ob->sends);
}

void
outbox_tend(struct hr_task *self)
{
    struct outbox *ob = &self->outbox;
    if (ob->sends.groups == 0)
        return;
    mono_ns now = clock_mono();
    if (now - ob->began >= SLOW || now - ob->since >= OLD || ob->finished >= MANY ||
        ob->sends.closed >= LARGE)
        outbox_flush(self);
}

void
outbox_await_room(struct hr_task *self)
{
    while (atomic_load_explicit(&self->sb->hold_back, memory_order_acquire) && !told())
        if (self->peer->wait(self->peer, clock_mono() + NS_PER_MS) == PEER_FRAME)
            inbox_keep(self); /* it may be the word to stop */
}

void
outbox_begin(struct hr_task *self)
{
    struct outbox *ob = &self->outbox;
    if (ob->sends.groups > 0 && self->turn.lane != ob->lane)
        outbox_flush(self); /* no lane waits for a record of another one */
    if (ob->sends.data) /* it has sent before */
        ob->began = clock_mono();
}

void
outbox_free(struct hr_task *self)
{
    wire_sends_free(&self->outbox.sends);
}
