/* scoreboard.h - the shared memory between the supervisor and one worker, for one life of it.
 *
 * A memfd that both map. It is the truth about what the worker did: one state byte for each record that it
 * holds. The worker writes it, and the supervisor writes only slots it hands out or takes back, so the moves
 * are compare-and-swap where both may want the same slot:
 *
 *                 supervisor            worker
 *   (free) ──────▶ WAITING ──begin──▶ ON ──▶ FINISHED
 *                     │                ├───▶ SENT        (finished, and it sends: done only by the frame with that)
 *                     │                ├───▶ FAILED      (reason written before)
 *                  withdraw            └───▶ WAITING     (handed back: told to stop, body returned)
 *                     ▼
 *                 WITHDRAWN
 *
 * The records of a batch (hr_next_batch) are ON together, and end one after the other.
 *
 * Slots form a ring in the order of the frames. `passed` is the sequence number up to which the worker has left
 * its frames: a slot is used again only behind it (slot protocol rule 2).
 *
 * To the supervisor everything in here is untrusted: a task may have scribbled over it. Whoever writes over all of it,
 * from either end, writes over a mark before anything between them. */
#ifndef SHARED_SCOREBOARD_H
#define SHARED_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOREBOARD_SLOTS 16384 /* a power of two, at least twice the largest batch */
#define SCOREBOARD_COUNTERS 256
#define SCOREBOARD_REASONS 16
#define SCOREBOARD_BACKTRACE 8192
#define REASON_MAX 496

enum slot_state {
    SLOT_FREE, /* never used */
    SLOT_WAITING,
    SLOT_ON,
    SLOT_FINISHED,
    SLOT_FAILED,
    SLOT_WITHDRAWN,
    SLOT_SENT,
    SLOT_STATES
};
const char *slot_state_name(unsigned state);

enum failure_kind { FAILURE_FAILED, FAILURE_REJECTED, FAILURE_DECODE, FAILURE_RETURNED, FAILURE_KINDS };

enum worker_phase { PHASE_STARTING, PHASE_READY, PHASE_TOLD, PHASE_RETURNED, PHASE_SETUP_FAILED };

/* Why a record failed. Written before its slot becomes FAILED. */
struct reason {
    uint64_t seq;
    uint32_t kind;    /* enum failure_kind */
    uint32_t zero;
    int64_t retry_after_ns; /* FAILURE_FAILED: how long to wait before the next attempt; -1: as the policy says */
    char text[REASON_MAX]; /* one line, NUL-terminated, without the kind's prefix */
};

struct scoreboard {
    uint32_t slots; /* of this ring: a power of two; written before the worker is born */
    uint32_t mark;  /* any number, the same as behind the states: see scoreboard_intact */
    /* supervisor to worker: much of what was sent is not confirmed, so a body without records is not let on */
    _Atomic uint32_t hold_back;
    /* worker to supervisor */
    _Atomic uint32_t phase;    /* enum worker_phase */
    _Atomic int32_t returned;  /* PHASE_RETURNED: what the body returned */
    _Atomic uint32_t batch;    /* how many records one batch of hr_next_batch may have; 0: they are taken one by one */
    _Atomic uint32_t collecting; /* a batch is being collected: nothing is on, and more is wanted */
    _Atomic uint64_t taken;    /* sequence number behind the newest record begun or passed over */
    _Atomic uint64_t passed;   /* sequence number behind the newest frame left */
    _Atomic uint32_t failures; /* reasons written in this life; reason i stands at i % SCOREBOARD_REASONS */
    /* supervisor to worker: failures dealt with: the reason read, and the lane taken back. A worker with
     * SCOREBOARD_REASONS unread ones waits before it fails another; it may forget the bars of those read. */
    _Atomic uint32_t failures_read;
    char message[REASON_MAX];  /* PHASE_SETUP_FAILED: what went wrong; written before the phase */
    struct reason reasons[SCOREBOARD_REASONS];
    /* A worker that dies of a signal: where it was, innermost first, a line "PATH+0xOFFSET" (OFFSET from where
     * the file is loaded, PATH perhaps with " (deleted)") or "0xADDRESS" for each frame. Not touched before, so
     * that it takes no memory. The length is written after the text it counts. */
    _Atomic uint32_t backtrace_length;
    char backtrace[SCOREBOARD_BACKTRACE];
    _Atomic int64_t counters[SCOREBOARD_COUNTERS]; /* what this life added, by index in the boot document */
    _Atomic uint8_t state[];   /* enum slot_state, `slots` of them */
};

/* The totals of the counters: one segment for the app, written by the supervisor, mapped read-only by workers. */
struct totals {
    _Atomic int64_t counters[SCOREBOARD_COUNTERS];
};

static inline size_t
scoreboard_size(uint32_t slots)
{
    return sizeof(struct scoreboard) + ((slots + 7) & ~(size_t)7) + sizeof(uint64_t);
}

static inline uint32_t *
scoreboard_end_mark(struct scoreboard *sb, uint32_t slots)
{
    return (uint32_t *)(void *)((char *)sb + scoreboard_size(slots) - sizeof(uint64_t));
}

/* scoreboard_intact says whether both marks are as they were set; to be asked behind the look at what is to be believed. */
static inline bool
scoreboard_intact(struct scoreboard *sb, uint32_t slots, uint32_t mark)
{
    return __atomic_load_n(&sb->mark, __ATOMIC_ACQUIRE) == mark &&
           __atomic_load_n(scoreboard_end_mark(sb, slots), __ATOMIC_ACQUIRE) == mark;
}

static inline _Atomic uint8_t *
scoreboard_slot(struct scoreboard *sb, uint64_t seq, uint32_t slots)
{
    return &sb->state[seq & (slots - 1)];
}

/* slot_move moves a slot from one state to another if it is still in the first. */
static inline bool
slot_move(_Atomic uint8_t *slot, enum slot_state from, enum slot_state to)
{
    uint8_t expected = (uint8_t)from;
    return atomic_compare_exchange_strong_explicit(slot, &expected, (uint8_t)to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static inline void
slot_set(_Atomic uint8_t *slot, enum slot_state to)
{
    atomic_store_explicit(slot, (uint8_t)to, memory_order_release);
}

static inline unsigned
slot_get(_Atomic uint8_t *slot)
{
    return atomic_load_explicit(slot, memory_order_acquire);
}

#endif
