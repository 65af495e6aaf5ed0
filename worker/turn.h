/* turn.h - whose turn it is: the worker's half of the slot protocol.
 *
 * Pure but for the scoreboard's memory: no socket, no process, no clock. The supervisor's half is
 * supervisor/holding.h; tests/unit runs both against each other through every interleaving. */
#ifndef WORKER_TURN_H
#define WORKER_TURN_H

#include "shared/scoreboard.h"

#define TURN_BARS 64

struct turn_bar {
    uint32_t lane, epoch;
    uint32_t failure; /* which failure of this life set it */
};

struct turn {
    struct scoreboard *sb;
    uint32_t slots, mark;
    bool on;          /* a record is being worked on, */
    uint32_t others;  /* and so many others with it, in a batch */
    uint64_t seq;     /* its sequence number, or that of the one that turn_select chose, */
    uint32_t lane, epoch; /* and its lane */
    uint32_t failures;    /* of this life */
    uint32_t n_bars;
    struct turn_bar bars[TURN_BARS]; /* never more than reasons can be unread, see turn_may_fail */
};

void turn_init(struct turn *t, struct scoreboard *sb);

/* turn_begin tries to begin the record `seq`: false if it was withdrawn or its lane is barred; it is then passed
 * over. No record may be on. */
bool turn_begin(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch);

/* turn_join begins a record beside those that are on (rule 7). turn_select says which of them the next ending is about. */
bool turn_join(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch);
void turn_select(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch);

/* The record that is on ends: finished, finished with something to send (the frame with it comes later), failed, or
 * handed back as if it had never begun (told to stop). */
void turn_finish(struct turn *t);
void turn_sent(struct turn *t);
void turn_fail(struct turn *t, enum failure_kind kind, const char *text);
/* turn_fail_after also says how long the record is to wait before its next attempt. */
void turn_fail_after(struct turn *t, enum failure_kind kind, const char *text, int64_t retry_after_ns);
void turn_hand_back(struct turn *t);

/* turn_may_fail says whether a reason may be written: false while the supervisor has SCOREBOARD_REASONS of them
 * still to read. The caller then waits and asks again. */
bool turn_may_fail(const struct turn *t);

/* turn_leave publishes that the frame ending before `end` was left. */
void turn_leave(struct turn *t, uint64_t end);

/* turn_handled forgets the bars of failures that the supervisor had handled when it built the frame just
 * received (wire_batch.handled). */
void turn_handled(struct turn *t, uint32_t handled);

#endif
