/* lanes.h - each partition as the task saw it: what began and ended, in which order, and what was done again.
 */
#ifndef TESTS_KAFKA_CHAOS_LANES_H
#define TESTS_KAFKA_CHAOS_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/kafka/chaos/lines.h"
#include "tests/kafka/chaos/upsets.h"

enum kind { WORK, SEGV, ABORT, EXIT, LOOP, FAIL, REJECT, RETURN, HOG, DECODE, N_KINDS };

struct rec {
    enum kind kind;
    uint64_t hash; /* of key and value */
    int ends, letters, sent; /* sent: messages of it in the topic that the task sends to */
    int64_t ended_at;        /* ms */
    int again[UPSET_KINDS]; /* upsets that let it be given up on once more */
    bool worker_killed;     /* on it, by the script */
    bool upset;             /* so was a supervisor, after it had begun it */
};

enum cause { BY_KILL, BY_LOSS, BY_UNCONFIRMED, BY_WORKER, BY_HANDOVER, UNEXPLAINED, N_CAUSES };

struct part {
    struct rec *recs;
    int64_t n, last; /* last: the offset that began last, -1: none */
    int last_pid, last_owner;
    int64_t last_at, since; /* when; since: upsets of last_owner before it count no more */
    int after_upset;        /* how many records last_owner began after an upset without going back */
    bool ended;             /* the last one ended since it began */
    enum cause cause;       /* of the repeat that goes on */
    int64_t by_worker_until; /* up to here it goes on within that one for a worker's death */
    int64_t sent_next;      /* of the healthy ones before it, all messages were seen */
};

#define LANES_PIDS (1 << 22)

struct taken {
    int owner; /* pids are used again, but not by the same supervisor */
    int records;
    int64_t last_at; /* when the worker began or ended its last record */
};

struct lanes {
    long order, repeated, window; /* what is wrong */
    long begins, repeats[N_CAUSES], deepest;
    long limit;                   /* so far a partition may go back */
    long outbox;                  /* so many finished records a worker may take along when it dies; 0: it sends nothing */
    struct taken *taken;          /* by pid of the worker, LANES_PIDS of them: what it took along */
    long most_taken, goings_back; /* in one lane; lanes, for a worker's death */
};

/* Takes the lines in their order. Which letters there are is known before. lanes_end comes after the last
 * one. */
void lanes_line(struct lanes *lanes, struct part *p, const struct line *l);
void lanes_end(struct part *p);

#endif
