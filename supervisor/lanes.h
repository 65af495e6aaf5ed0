/* lanes.h - the lanes of order `key`: found by their key, forgotten when nothing of theirs is left.
 *
 * Pure. Only lanes with records between Kafka and their commit are here, so their number is bounded by the
 * windows and not by the number of keys. dispatch.c decides what they may do. */
#ifndef SUPERVISOR_LANES_H
#define SUPERVISOR_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct partition;
struct seat;

#define LANE_NONE UINT64_MAX /* as a position: nothing of the lane waits */

/* Where a lane with waiting records stands. */
enum lane_place {
    LANE_ASIDE, /* nowhere: nothing of it may be handed out */
    LANE_FREE,  /* in its partition's list for any worker */
    LANE_SEAT,  /* in its partition's list for the worker that holds records of it */
    LANE_REDO   /* its next record waits for a time: in its partition's heap */
};

/* One lane. With order partition each partition has one of its own, of which only the first part is in use.
 * What each record looks at comes before what is seldom looked at: there may be many lanes, and a look at one
 * is a look into cold memory. */
struct lane {
    const struct seat *holder; /* who holds records of it; NULL while nothing is held */
    uint64_t next;             /* position of its first record that waits to be handed out */
    uint32_t held, letters;    /* records with a worker, and records whose dead letter is on its way */
    uint32_t number;           /* never 0; no two lanes of a task have the same at a time */
    uint32_t epoch;            /* never twice the same with the same number */
    bool waits;                /* until nothing is held: what failed comes before what is held behind it */
    /* order key */
    uint8_t place; /* enum lane_place */
    uint32_t live; /* records that are not done */
    uint64_t hash; /* of its key: keys with the same one share the lane, which costs speed and no order */
    struct partition *part;
    uint64_t newest;        /* position of its last record */
    uint32_t chain;         /* the next one in its bucket */
    uint32_t before, after; /* in the list that it stands in, */
    uint32_t seat;          /* LANE_SEAT: that of the worker with this number */
    uint64_t redo;          /* LANE_REDO: the position that stands in the heap */
};

/* A list of lanes by number, 0: none. */
struct lane_list {
    uint32_t first, last;
};

struct lanes {
    struct lane *at; /* by number; at[0] is not used. It moves when it grows */
    uint32_t n, room;
    uint32_t unused; /* a chain of numbers that may be used again */
    uint32_t live;
    uint32_t *buckets; /* n_buckets, a power of two */
    uint32_t n_buckets;
    uint64_t seed;
};

/* lanes_init: `seed` keeps strangers from choosing keys that collide. */
void lanes_init(struct lanes *l, uint64_t seed);
void lanes_clear(struct lanes *l);

/* lanes_take finds the lane of a key in a partition, or begins it with nothing in it; its number. */
uint32_t lanes_take(struct lanes *l, struct partition *p, const void *key, size_t size);
/* lanes_forget: nothing of it is left, and it stands in no list. */
void lanes_forget(struct lanes *l, uint32_t number);

void lanes_append(struct lanes *l, struct lane_list *list, uint32_t number);
void lanes_prepend(struct lanes *l, struct lane_list *list, uint32_t number);
void lanes_unlink(struct lanes *l, struct lane_list *list, uint32_t number);

#endif
