/* holding.h - what one worker holds: the supervisor's half of the slot protocol.
 *
 * Pure but for the scoreboard's memory: no socket, process, Kafka handle or clock. One holding for each life
 * of a worker: a new life has a new scoreboard and a new holding. The worker's half is worker/turn.h;
 * DESIGN.md lists the rules; tests/unit runs both halves against each other through every interleaving. */
#ifndef SUPERVISOR_HOLDING_H
#define SUPERVISOR_HOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/scoreboard.h"
#include "supervisor/dispatch.h"

#define HOLDING_FRAMES 2 /* one being worked on, one behind it so that the worker never waits for us */

struct holding_item {
    struct partition *part; /* NULL: settled, nothing is known of it any more */
    uint64_t pos;
};

/* A frame as it was sent: records `first` to `first + n`, in slot order. */
struct holding_frame {
    struct holding_frame *next;
    uint64_t first;
    uint32_t n, room;
    uint32_t settled; /* of its items */
    uint32_t scanned; /* all items before this one are settled */
    size_t bytes;
    struct holding_item items[];
};

/* How a record ended that was with a worker. */
enum ending {
    ENDING_FINISHED,
    ENDING_FAILED,  /* the task or the decoder said so: `reason` is set */
    ENDING_CRASHED, /* it was on when its worker died */
    ENDING_SENT,    /* finished, and what it sends is here: the entry is in ENTRY_SENDING right after */
};

/* Called once for each ending, while the entry still is held. FINISHED: it becomes done right after. FAILED
 * and CRASHED: the callee decides, and calls dispatch_retry, dispatch_letter or dispatch_done. Where
 * dispatch_goes_back, the lane is repeated from a record before it on: it is not given up on, but goes back
 * (dispatch_returned). Else a stop that comes in between would commit before it, and it would be given up on
 * twice. `reason` is a copy, its text NUL-terminated; only FAILED has one. */
typedef void holding_ended(void *arg, struct partition *p, uint64_t pos, enum ending ending,
                           const struct reason *reason);

/* A record whose sends came from the worker: in the order of the sequence numbers. */
struct holding_sends {
    uint64_t seq;
    struct partition *part; /* set when its slot was settled: what it sends may leave; NULL: it may not */
    uint64_t pos;
};

struct holding {
    struct dispatch *dispatch;
    struct seat seat; /* what the dispatch knows it by */
    struct scoreboard *sb;
    uint32_t slots, mark;
    uint64_t tail, head; /* sequence numbers: first not released, next to be given */
    struct holding_frame *oldest, *newest;
    uint32_t n_frames;
    uint64_t unsettled;          /* items not settled: what a death would give back */
    size_t bytes;                /* of all frames */
    uint32_t handled;            /* failures of this life that were dealt with */
    struct holding_sends *sends; /* those being received: n_sends of them are still to be settled */
    uint32_t n_sends;
    uint32_t alone; /* it holds suspects, of which it may have so many, and nothing else may join them; 0: none */
    /* What the worker says of itself, set by the caller before it asks for anything here: */
    uint32_t batch;  /* how many records it takes at a time; 0: one */
    bool collecting; /* it waits for more of them before it begins */
    uint64_t seen_taken, seen_head; /* at the last look of holding_relieve */
    bool stuck; /* it stood still between the last two: it gets nothing until it goes on */
    holding_ended *ended;
    void *arg;
};

/* holding_init: `number` is the worker's, for its seat. */
void holding_init(struct holding *h, struct dispatch *d, uint32_t number, struct scoreboard *sb,
                  holding_ended *ended, void *arg);
void holding_clear(struct holding *h);

/* holding_room says how many records the next frame may have: 0 without credit. `bytes` bounds what may be
 * with the worker; one frame is always admitted to an empty worker. One that collects a batch has credit for
 * two of them, in any number of frames. */
uint32_t holding_room(const struct holding *h, size_t bytes);

/* A frame is opened with room for at most `room` records, filled with holding_put, and closed with its size
 * in bytes (then send it) or, when nothing was put, dropped. holding_put marks the slot WAITING and the entry
 * as held. */
struct holding_frame *holding_open(struct holding *h, uint32_t room);
/* holding_admits says whether an entry may join the frame: one that is suspect only those that are, and no more than it says. */
bool holding_admits(const struct holding *h, const struct holding_frame *f, const struct entry *e);
/* holding_takes_fresh says whether a record that is no suspect may join the frame that is being filled. */
static inline bool
holding_takes_fresh(const struct holding *h)
{
    return h->alone == 0;
}
/* holding_full: nothing more may join it, be it suspect or not. */
bool holding_full(const struct holding *h, const struct holding_frame *f);
void holding_put(struct holding *h, struct holding_frame *f, struct partition *p, uint64_t pos);
void holding_close(struct holding *h, struct holding_frame *f, size_t bytes);
void holding_drop(struct holding *h, struct holding_frame *f);

/* holding_settle reads the scoreboard and deals with what has ended since. NULL, or what on the scoreboard
 * cannot be (the worker is to be killed; nothing of it is lost: holding_bury takes the rest). */
const char *holding_settle(struct holding *h);

/* holding_received takes notice that what these records send is here, and settles. NULL, or what cannot be,
 * as holding_settle; those whose `part` is set are in ENTRY_SENDING in either case. */
const char *holding_received(struct holding *h, struct holding_sends *sends, uint32_t n);

/* holding_withdraw takes back what was not begun: of one partition, or of all (NULL); returns how many. */
uint64_t holding_withdraw(struct holding *h, const struct partition *p);

/* holding_relieve is a look at whether the worker goes on. Where it has begun nothing since the last look,
 * and was given nothing either, all that it has not begun is taken back for others to do (rule 14), and it
 * has no room until it goes on. The caller looks every 20 ms or so. Returns how many records came back. */
uint64_t holding_relieve(struct holding *h);

/* holding_bury settles everything after the worker was reaped (rule 8). A record that was on has crashed if
 * `pinned`, else it goes back without an attempt (rules 9 and 10). Of a batch that was on, none has crashed
 * yet: all of it is suspect, and is handed out in halves (rule 7). Returns how many records went back to be
 * handed out again. */
uint64_t holding_bury(struct holding *h, bool pinned);

/* holding_intact says whether the segment can be believed: nothing was written over all of it. */
bool holding_intact(const struct holding *h);

/* holding_alone finds the one record that a worker holds which got a suspect, and so nothing beside it. */
bool holding_alone(const struct holding *h, struct partition **p, uint64_t *pos);

/* holding_accuse is for a dead worker whose segment cannot be believed, before holding_bury: it may have been
 * on any of what it held. All of that is suspect, and will be handed out one by one; a suspect that it held
 * alone has crashed. False: it held nothing. */
bool holding_accuse(struct holding *h);

/* holding_on finds the record the worker is on, of a batch the first one: false if none. holding_n_on counts them. */
bool holding_on(const struct holding *h, struct partition **p, uint64_t *pos);
uint32_t holding_n_on(const struct holding *h);

/* holding_holds counts the records of one partition that the worker holds (begun or not). */
uint64_t holding_holds(const struct holding *h, const struct partition *p);

#endif
