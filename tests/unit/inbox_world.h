/* inbox_world.h - what a body runs in, in memory: a scoreboard, and a peer that plays the supervisor.
 *
 * The tests make the frames, take records back and handle failures. */
#ifndef TESTS_UNIT_INBOX_WORLD_H
#define TESTS_UNIT_INBOX_WORLD_H

#include "worker/self.h"

enum { SLOTS = 1024, FRAMES = 64, GENERATION = 3 };

extern struct inbox_world {
    struct hr_task self;
    struct scoreboard *sb;
    struct wire_builder builder; /* the frame that is being made */
    uint64_t built;              /* sequence number behind what was made */
    uint64_t first;              /* of the frame that is being made */
    struct {
        unsigned char *data;
        size_t size;
    } frames[FRAMES]; /* made and not received yet, oldest first */
    unsigned n_frames;
    unsigned asleep;      /* frames that come while the body sleeps */
    unsigned looks, left; /* WIRE_PROGRESS without and with a frame that was left */
    uint64_t reported;    /* records in those */
    int triggered, result;
    char sent[400]; /* what came in WIRE_SENDS: a group is "SEQ:TOPIC=VALUE,TOPIC=VALUE ", a frame ends with "| " */
} world;

/* world_open and world_close are the fixture: a stream task that is ready. */
void world_open(void);
void world_close(void);

/* A frame is begun, records are put into it, and it is ended: then the peer has it. Offsets are sequence
 * numbers. */
void world_begin_frame(void);
void world_put(const char *value, uint32_t lane, uint32_t epoch);
void world_end_frame(uint32_t handled);

/* world_push_plain gives the peer a frame that has nothing but its header to say. */
void world_push_plain(enum wire_type type, size_t size);

unsigned world_state(uint64_t seq);

#endif
