/* inbox_world.c - what a body runs in, in memory. */
#include "tests/unit/inbox_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/caller.h"
#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/record.h"
#include "worker/told.h"

struct inbox_world world;

/* ---- the peer ---- */

static void
push(unsigned char *data, size_t size)
{
    ck_assert_uint_lt(world.n_frames, FRAMES);
    world.frames[world.n_frames].data = data;
    world.frames[world.n_frames++].size = size;
}

void
world_push_plain(enum wire_type type, size_t size)
{
    unsigned char *frame = mem_alloc(size);
    wire_fill((struct wire_header *)frame, type, GENERATION, size);
    push(frame, size);
}

static enum peer_event
receive(struct peer *peer, zmq_msg_t *frame)
{
    (void)peer;
    if (world.n_frames == 0)
        world_push_plain(WIRE_STOP, sizeof(struct wire_stop));
    zmq_msg_init_size(frame, world.frames[0].size);
    memcpy(zmq_msg_data(frame), world.frames[0].data, world.frames[0].size);
    free(world.frames[0].data);
    memmove(world.frames, world.frames + 1, --world.n_frames * sizeof world.frames[0]);
    return PEER_FRAME;
}

static enum peer_event
wait_(struct peer *peer, mono_ns deadline)
{
    (void)peer;
    (void)deadline;
    if (told())
        return PEER_TOLD;
    return world.asleep > 0 && world.n_frames > 0 && world.asleep-- ? PEER_FRAME : PEER_TIME;
}

static void
pause_(struct peer *peer)
{
    (void)peer;
    atomic_store(&world.sb->failures_read, atomic_load(&world.sb->failures));
}

static void
note_sends(const void *frame, size_t size)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    struct wire_message_view m;
    char *at = world.sent + strlen(world.sent), *end = world.sent + sizeof world.sent;
    ck_assert_pstr_eq(wire_sends_check(frame, size), NULL);
    wire_sends_walk(&walk, frame);
    while (wire_sends_group(&walk, &group)) {
        at += snprintf(at, (size_t)(end - at), "%lld:", (long long)group.seq);
        while (wire_sends_next(&walk, &m))
            at += snprintf(at, (size_t)(end - at), "%s=%s%s", m.topic, m.value, walk.messages ? "," : " ");
    }
    snprintf(at, (size_t)(end - at), "| ");
}

static void
send_(struct peer *peer, const void *frame, size_t size)
{
    (void)peer;
    unsigned type;
    ck_assert_ptr_null(wire_open(frame, size, GENERATION, &type));
    if (type == WIRE_TRIGGERED) {
        world.triggered++;
        world.result = ((const struct wire_triggered *)frame)->result;
        return;
    }
    if (type == WIRE_SENDS) {
        note_sends(frame, size);
        return;
    }
    ck_assert_uint_eq(type, WIRE_PROGRESS);
    const struct wire_progress *progress = frame;
    world.looks += progress->busy_ns == 0;
    world.left += progress->busy_ns != 0;
    world.reported += progress->records;
}

static struct peer peer = {receive, wait_, pause_, send_};

/* ---- frames ---- */

void
world_begin_frame(void)
{
    wire_batch_begin(&world.builder, 0);
    wire_batch_origin(&world.builder, "first", 4);
    wire_batch_origin(&world.builder, "second", 5);
    world.first = world.built;
}

void
world_put(const char *value, uint32_t lane, uint32_t epoch)
{
    struct wire_record r = {
        .offset = (int64_t)world.built, .timestamp = 77, .attempt = 2, .lane = lane, .epoch = epoch};
    r.origin = world.built % 2;
    size_t at = wire_batch_record(&world.builder, &r, (struct wire_bytes){NULL, 0},
                                  (struct wire_bytes){value, value ? strlen(value) : 0});
    wire_batch_header(&world.builder, at, "h", (struct wire_bytes){"1", 1});
    wire_batch_end(&world.builder, at);
    slot_set(scoreboard_slot(world.sb, world.built++, SLOTS), SLOT_WAITING);
}

void
world_end_frame(uint32_t handled)
{
    size_t size;
    unsigned char *data = wire_batch_finish(&world.builder, GENERATION, world.first, handled, &size);
    push(data, size);
}

unsigned
world_state(uint64_t seq)
{
    return slot_get(scoreboard_slot(world.sb, seq, SLOTS));
}

void
world_open(void)
{
    memset(&world, 0, sizeof world);
    world.sb = mem_alloc(scoreboard_size(SLOTS));
    world.sb->slots = SLOTS;
    atomic_store(&world.sb->phase, PHASE_READY);
    atomic_store(&told_flag, false);
    told_open(world.sb);
    world.self.name = "t";
    world.self.kind = SELF_STREAM;
    world.self.generation = GENERATION;
    world.self.sb = world.sb;
    world.self.peer = &peer;
    turn_init(&world.self.turn, world.sb);
    caller_is_body();
}

void
world_close(void)
{
    inbox_close(&world.self);
    outbox_free(&world.self);
    record_close(&world.self.record);
    for (unsigned i = 0; i < world.n_frames; i++)
        free(world.frames[i].data);
    free(world.sb);
}
