/* dispatch.h - which worker gets which record: order, lanes, turns.
 *
 * Pure: no Kafka handle, socket, process or clock. One dispatch for each stream task, over the partitions that are
 * assigned to it. A worker is named here by its `struct holding` only, as an address to compare. */
#ifndef SUPERVISOR_DISPATCH_H
#define SUPERVISOR_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/ledger.h"

struct holding;

enum dispatch_order {
    DISPATCH_PARTITION, /* a partition is one lane */
    DISPATCH_NONE       /* each record is its own lane */
};

/* One assigned partition of one task. Its memory is the source's. */
struct partition {
    char *topic;
    int32_t number;
    bool open;      /* records may be handed out; false while it drains, and before it is ready */
    bool more;      /* the source may have records that are not in the ledger yet */
    bool confirms;  /* `confirmed` is kept up */
    uint64_t confirmed; /* position up to which the commits are confirmed: the window is counted from there */
    struct ledger led;
    bool single;    /* one record at a time, each with a permit (recovery.c) */
    bool permitted; /* single: the next one may go */
    /* the lane, with order partition */
    uint32_t lane;  /* never 0, unique within the task */
    uint32_t epoch; /* raised when the whole lane was taken back after a failure */
    uint64_t next;  /* position of the first entry not handed out */
    const struct holding *holder; /* who holds entries of the lane; NULL while nothing is held */
    /* with order none: the entries that came back, a heap by (due, position) */
    uint64_t *redo;
    uint32_t n_redo, redo_room;
};

struct dispatch {
    enum dispatch_order order;
    uint64_t window, window_bytes;
    bool full;          /* the app holds as many bytes as it may: nothing is read into a ledger that holds something */
    struct partition **parts;
    uint32_t n_parts;
    uint32_t turn;      /* whose turn it is, round robin */
    uint32_t last_lane;
};

void dispatch_init(struct dispatch *d, enum dispatch_order order, uint64_t window, uint64_t window_bytes);
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

/* dispatch_pick returns the next partition that may give records to this worker now, in turn, and what kind; NULL: none. */
struct partition *dispatch_pick(struct dispatch *d, const struct holding *h, mono_ns now,
                                enum dispatch_supply *supply);
/* dispatch_bytes sums up what the ledgers hold. */
uint64_t dispatch_bytes(const struct dispatch *d);
/* dispatch_has says whether dispatch_pick would find one, without taking the turn; dispatch_has_suspect whether a record
 * that must travel alone waits for a worker such as this one. */
bool dispatch_has(const struct dispatch *d, const struct holding *h, mono_ns now);
bool dispatch_has_suspect(const struct dispatch *d, const struct holding *h, mono_ns now);
/* dispatch_supplies says what this one partition may give to the worker now. */
enum dispatch_supply dispatch_supplies(const struct dispatch *d, const struct partition *p, const struct holding *h,
                                       mono_ns now);
/* dispatch_waiting returns the position of the entry to hand out next (SUPPLY_WAITING). */
uint64_t dispatch_waiting(const struct dispatch *d, const struct partition *p);
/* dispatch_lane is what the record is to carry: 0 where a record is its own lane. */
uint32_t dispatch_lane(const struct dispatch *d, const struct partition *p);

/* What happened to an entry. */
void dispatch_handed(struct dispatch *d, struct partition *p, uint64_t pos, const struct holding *h);
void dispatch_kept(struct dispatch *d, struct partition *p, uint64_t pos); /* read, and not handed out at once */
void dispatch_returned(struct dispatch *d, struct partition *p, uint64_t pos);
void dispatch_retry(struct dispatch *d, struct partition *p, uint64_t pos, mono_ns due);
void dispatch_letter(struct dispatch *d, struct partition *p, uint64_t pos); /* its lane waits for the letter */
void dispatch_sending(struct dispatch *d, struct partition *p, uint64_t pos); /* finished; its lane goes on */
void dispatch_done(struct dispatch *d, struct partition *p, uint64_t pos);
/* dispatch_goes_back says whether something before this entry in its lane waits to be handed out (again): what of the lane
 * was finished behind that is to be repeated, too (slot protocol rule 4). */
bool dispatch_goes_back(const struct dispatch *d, const struct partition *p, uint64_t pos);
/* dispatch_lane_returned: after a failure the whole lane was taken back. */
void dispatch_lane_returned(struct partition *p);

/* dispatch_due is when the next waiting record becomes due; MONO_NEVER: none waits for a time. */
mono_ns dispatch_due(const struct dispatch *d, mono_ns now);

#endif
