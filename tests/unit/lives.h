/* lives.h - the world of the long random runs of holding.c: three workers, over segments that may be
 * scribbled over.
 *
 * The supervisor is test_holding_random.c, a worker lives_worker.c. */
#ifndef TESTS_UNIT_LIVES_H
#define TESTS_UNIT_LIVES_H

#include "worker/turn.h"

#include "tests/unit/scribbled.h"

#define PARTS 4
#define WORKERS SCRIBBLED
#define SLOTS SCRIBBLED_SLOTS
#define FRAME 16
#define RECORDS 60
#define UP 40 /* frames of sends on a pipe */

struct message {
    uint64_t first;
    uint32_t n, handled;
    struct {
        uint32_t part, lane, epoch;
        uint64_t pos;
    } records[FRAME];
};

/* A frame of sends on its way to the supervisor. */
struct sends {
    struct holding_sends item[SLOTS];
    uint32_t n;
};

struct life {
    struct scoreboard *sb;
    struct holding h;
    struct turn turn;
    struct message pipe[HOLDING_FRAMES + 1]; /* more would be a fault of holding_room */
    uint32_t n_pipe, at;
    bool inside, doomed;
    struct sends outbox, up[UP]; /* up: on the pipe */
    uint32_t n_up;
};

/* What really happened to a record, while nobody scribbles. */
struct record {
    int on; /* 1 + worker */
    bool finished, given_up;
    int unsent; /* 1 + worker: what it sends has not been received */
    bool told;  /* the supervisor takes it for finished, or sending, */
    bool lied;  /* and that when something scribbled stood somewhere */
};

extern struct life lives[WORKERS];
extern struct record lives_records[PARTS][RECORDS];
extern struct dispatch lives_d;

/* life_key is the key of a record, of one letter, NULL: none. Two of a partition keep their order where life_same says so. */
static inline const char *
life_key(uint64_t pos)
{
    static const char keys[] = "abcaadbea";
    return pos % 7 == 6 ? NULL : &keys[pos * 5 % (sizeof keys - 1)];
}

static inline bool
life_same(uint64_t a, uint64_t b)
{
    const char *key = life_key(a), *other = life_key(b);
    return lives_d.order == DISPATCH_PARTITION || (lives_d.order == DISPATCH_KEY && key && other && *key == *other);
}

/* life_work makes the worker's next step. */
void life_work(struct life *life);

#endif
