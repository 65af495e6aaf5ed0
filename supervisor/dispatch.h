/* dispatch.h - which worker gets which record: order, lanes, turns.
 *
 * Pure: no Kafka handle, socket, process or clock. One dispatch for each stream task, over the partitions
 * that are assigned to it. A worker is known here by its seat only. */
#ifndef SUPERVISOR_DISPATCH_H
#define SUPERVISOR_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/lanes.h"
#include "supervisor/ledger.h"
#include "supervisor/redo.h"

/* A worker as dispatch knows it, for as long as it holds anything. Its address says which life, its number
 * which place. */
struct seat {
    uint32_t number; /* from 0, no two workers of a task have the same */
};

enum dispatch_order {
    DISPATCH_PARTITION, /* a partition is one lane */
    DISPATCH_NONE,      /* each record is its own lane */
    DISPATCH_KEY        /* the records of a partition with one key are a lane; one without a key is its own */
};

/* One assigned partition of one task. Its memory is the source's. */
struct partition {
    char *topic;
    int32_t number;
    bool open;          /* records may be handed out; false while it drains, and before it is ready */
    bool more;          /* the source may have records that are not in the ledger yet */
    bool confirms;      /* `confirmed` is kept up */
    uint64_t confirmed; /* position up to which the commits are confirmed: the window is counted from there */
    struct ledger led;
    bool single;      /* one record at a time, each with a permit (recovery.c) */
    bool permitted;   /* single: the next one may go */
    struct lane lane; /* with order partition */
    struct redo redo; /* records that came back and may go out of turn: without a lane, or the next of one
                         that waits */
    /* with order key */
    struct lane_link { /* by position, as the ledger's ring: the lane, 0: none, and how far ahead the next of
                          it is, 0: last */
        uint32_t lane, ahead;
    } * links;
    uint64_t n_links;
    struct lane_list free;   /* lanes that any worker may go on with, */
    struct lane_list *seats; /* and those that the worker with this number may */
    uint32_t n_seats;
};

struct dispatch {
    enum dispatch_order order;
    uint64_t window, window_bytes;
    bool full; /* the app holds as many bytes as it may: nothing is read into a ledger that holds something */
    struct partition **parts;
    uint32_t n_parts;
    uint32_t turn;      /* whose turn it is, round robin */
    uint32_t last_lane; /* order partition */
    struct lanes lanes; /* order key */
};

/* dispatch_init: `seed` is a random number, see lanes_init. */
void dispatch_init(struct dispatch *d, enum dispatch_order order, uint64_t window, uint64_t window_bytes,
                   uint64_t seed);
void dispatch_clear(struct dispatch *d);

/* dispatch_add sets up the partition's lane; topic and number are set, everything else is zero. */
void dispatch_add(struct dispatch *d, struct partition *p, void (*release)(void *body));
/* dispatch_remove forgets it and clears its ledger; nothing of it may be held. */
void dispatch_remove(struct dispatch *d, struct partition *p);

enum dispatch_supply {
    SUPPLY_NOTHING,
    SUPPLY_WAITING, /* dispatch_waiting has an entry for this worker */
    SUPPLY_FRESH    /* the source may be read for it */
};

/* dispatch_pick returns the next partition that may give records to this worker now, in turn, and what kind;
 * NULL: none. */
struct partition *dispatch_pick(struct dispatch *d, const struct seat *s, mono_ns now,
                                enum dispatch_supply *supply);
/* dispatch_bytes sums up what the ledgers hold. */
uint64_t dispatch_bytes(const struct dispatch *d);
/* dispatch_has says whether dispatch_pick would find one, without taking the turn; dispatch_has_suspect
 * whether a record that must travel alone waits for a worker such as this one. */
bool dispatch_has(const struct dispatch *d, const struct seat *s, mono_ns now);
bool dispatch_has_suspect(const struct dispatch *d, const struct seat *s, mono_ns now);
/* dispatch_supplies says what this one partition may give to the worker now. With order key a fresh record
 * may turn out to be for another worker, or for none now: dispatch_taker tells. */
enum dispatch_supply dispatch_supplies(const struct dispatch *d, const struct partition *p,
                                       const struct seat *s, mono_ns now);
/* dispatch_waiting returns the position of the entry to hand out next to this worker (SUPPLY_WAITING). */
uint64_t dispatch_waiting(const struct dispatch *d, const struct partition *p, const struct seat *s,
                          mono_ns now);
/* dispatch_lane is the lane of an entry; NULL: it has none. Good until the next entry is added. */
struct lane *dispatch_lane(const struct dispatch *d, const struct partition *p, uint64_t pos);
/* dispatch_stamp is what a record carries of that to its worker. */
void dispatch_stamp(const struct dispatch *d, const struct partition *p, uint64_t pos, uint32_t *lane,
                    uint32_t *epoch);
/* dispatch_same says whether two entries of a partition are in one lane. */
bool dispatch_same(const struct dispatch *d, const struct partition *p, uint64_t a, uint64_t b);

/* dispatch_entered finds the lane of an entry that was just added to the ledger, by its key (NULL: it has
 * none). Next it is handed, kept, given up on or done. */
void dispatch_entered(struct dispatch *d, struct partition *p, uint64_t pos, const void *key, size_t size);
/* dispatch_taker is the worker that an entry just entered may be handed to: `asking`, or the one that holds
 * its lane; NULL: it has to be kept. */
const struct seat *dispatch_taker(const struct dispatch *d, const struct partition *p, uint64_t pos,
                                  const struct seat *asking);

/* What happened to an entry. */
void dispatch_handed(struct dispatch *d, struct partition *p, uint64_t pos, const struct seat *s);
void dispatch_kept(struct dispatch *d, struct partition *p,
                   uint64_t pos); /* read, and not handed out at once */
void dispatch_returned(struct dispatch *d, struct partition *p, uint64_t pos);
void dispatch_retry(struct dispatch *d, struct partition *p, uint64_t pos, mono_ns due);
void dispatch_letter(struct dispatch *d, struct partition *p,
                     uint64_t pos); /* its lane waits for the letter */
void dispatch_sending(struct dispatch *d, struct partition *p, uint64_t pos); /* finished; its lane goes on */
void dispatch_done(struct dispatch *d, struct partition *p, uint64_t pos);
/* dispatch_goes_back says whether something before this entry in its lane waits to be handed out (again):
 * what of the lane was finished behind that is to be repeated, too (slot protocol rule 4). */
bool dispatch_goes_back(const struct dispatch *d, const struct partition *p, uint64_t pos);
/* dispatch_lane_returned: after the failure of this entry its whole lane was taken back. */
void dispatch_lane_returned(struct dispatch *d, struct partition *p, uint64_t pos);

/* dispatch_lane_waits: this entry failed, and what its worker has begun behind it in its lane, in the same batch, has not
 * ended. The lane goes on when that has. */
void dispatch_lane_waits(struct dispatch *d, struct partition *p, uint64_t pos);

/* dispatch_due is when the next waiting record becomes due; MONO_NEVER: none waits for a time. */
mono_ns dispatch_due(const struct dispatch *d, mono_ns now);

#endif
