/* restart.h - when a worker that died is started again, and when its task is given up on.
 *
 * Pure: `now` is passed in. One restart_task for each task, one restart_worker for each of its workers; counts are kept per
 * task and per instance, never per process id. */
#ifndef SUPERVISOR_RESTART_H
#define SUPERVISOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"

#define RESTART_BACKOFF_FIRST (100 * NS_PER_MS)
#define RESTART_BACKOFF_LONGEST (30 * NS_PER_S)
#define RESTART_SHORT_LIFE NS_PER_S /* a worker that was asked to go sooner than that comes back after the first backoff */

/* The deaths of one sort within a window: a ring of their times. */
struct restart_history {
    mono_ns *times;
    uint32_t room, n, at; /* room: how many deaths are too many */
};

struct restart_task {
    mono_ns within;
    struct restart_history running; /* deaths outside of any record, once the worker was ready */
    struct restart_history start;   /* deaths before that: times concurrency are allowed */
};

struct restart_worker {
    uint32_t in_a_row; /* deaths outside of any record since a life that finished one */
};

enum restart_death {
    RESTART_ON_RECORD, /* the record has its own backoff: restart at once */
    RESTART_ASKED,     /* it was told to go and did: restart at once, nothing is counted */
    RESTART_RUNNING,   /* outside of any record */
    RESTART_AT_START   /* before it was ready */
};

struct restart_decision {
    bool give_up;
    mono_ns wait;
};

/* max: SPEC 5.7, `restart.max`; more deaths than that within `within` and the task is given up on. */
void restart_init(struct restart_task *t, int64_t max, mono_ns within, int64_t concurrency);
void restart_clear(struct restart_task *t);

/* restart_died decides after a death; `useful` where that life finished a record. */
struct restart_decision restart_died(struct restart_task *t, struct restart_worker *w, enum restart_death death,
                                     bool useful, mono_ns now);

#endif
