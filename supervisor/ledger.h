/* ledger.h - every record of one partition between Kafka and its commit.
 *
 * Pure: no Kafka handle, socket, process or clock. An entry is named by its position, which counts up from 0
 * over the whole assignment and is not its offset, for offsets have gaps. Misuse (a move that the state does
 * not allow) panics. */
#ifndef SUPERVISOR_LEDGER_H
#define SUPERVISOR_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/clock.h"

enum entry_state {
    ENTRY_WAITING, /* read; to be handed out, for the first time or again */
    ENTRY_HELD,    /* with a worker */
    ENTRY_SENDING, /* finished; what it sends is not confirmed yet */
    ENTRY_LETTER,  /* given up on; its dead letter is not confirmed yet */
    ENTRY_DONE     /* finished, or given up on */
};

struct entry {
    int64_t offset;
    void *body;       /* the memory its bytes stand in; one reference, given back by ledger.release */
    uint32_t at;      /* where in the body */
    uint32_t bytes;   /* what it counts for in windows */
    uint32_t attempt; /* the attempt that is being made or comes next, 1 the first time */
    uint8_t state;    /* enum entry_state */
    bool lettered;    /* ENTRY_DONE: by its dead letter */
    uint16_t suspect; /* it was on a worker that died: hand it out with suspects only, at most so many in all; 0: it is none */
    mono_ns due;      /* ENTRY_WAITING: not before */
};

struct ledger {
    struct entry *ring;
    uint64_t size;       /* of the ring, a power of two */
    uint64_t base, head; /* positions: first not done, and behind the newest */
    uint64_t held;       /* entries with workers */
    uint64_t sending;    /* entries in ENTRY_SENDING */
    uint64_t letters;    /* entries in ENTRY_LETTER */
    uint64_t lettered; /* position behind the last record, of those before base, that was done by a letter; 0:
                          none */
    uint64_t bytes;    /* of all entries from base to head that are not done */
    int64_t position; /* the next offset to be read: behind the newest record, or where Kafka said the end is;
                         -1: not known */
    void (*release)(void *body);
};

void ledger_init(struct ledger *led, void (*release)(void *body));
/* ledger_clear releases everything; entries may be in any state. */
void ledger_clear(struct ledger *led);

/* ledger_add takes a record just read, in the order in which Kafka gave it. Takes over one reference to body.
 */
uint64_t ledger_add(struct ledger *led, int64_t offset, void *body, uint32_t at, uint32_t bytes);
/* ledger_body says where the bytes of a record are (now), and what they count for. Takes over one reference
 * to body. */
void ledger_body(struct ledger *led, uint64_t pos, void *body, uint32_t at, uint32_t bytes);
/* ledger_reach notes that there is nothing to read below `position` any more (end of partition, gaps). */
void ledger_reach(struct ledger *led, int64_t position);

struct entry *ledger_entry(struct ledger *led, uint64_t pos);

void ledger_hand(struct ledger *led, uint64_t pos); /* waiting -> held */
/* ledger_take_back: no attempt is counted: held -> waiting; also sending -> waiting, where it cannot be sent
 * and stays */
void ledger_take_back(struct ledger *led, uint64_t pos);
void ledger_sending(struct ledger *led, uint64_t pos); /* held -> sending */
/* ledger_retry counts an attempt and lets the record wait until `due`: held -> waiting */
void ledger_retry(struct ledger *led, uint64_t pos, mono_ns due);
void ledger_letter(struct ledger *led, uint64_t pos); /* held, sending or waiting -> letter */
void ledger_done(struct ledger *led, uint64_t pos);   /* any but done -> done */

/* ledger_commit_point is the offset to commit: the first one not done, or the position where all are; -1: not
 * known yet. */
int64_t ledger_commit_point(const struct ledger *led);
/* ledger_admits says whether another record may be read: within both windows, or nothing is held at all (rule
 * 12). */
bool ledger_admits(const struct ledger *led, uint64_t window, uint64_t window_bytes);

/* ledger_confirming counts the entries that wait for the broker alone: nothing more is done with them here.
 */
static inline uint64_t
ledger_confirming(const struct ledger *led)
{
    return led->sending + led->letters;
}

static inline uint64_t
ledger_in_flight(const struct ledger *led)
{
    return led->head - led->base;
}

#endif
