/* restart.c - when a worker that died is started again, and when its task is given up on.
 *
 * Owns: the times of recent deaths, per task; the run of deaths, per worker.
 * Guarantees: a task whose workers die more than `max` times within the window is given up on; waits double from
 * 100 ms to 30 s; a life that finished a record starts the waits anew.
 * Knows nothing of: processes, records, the clock. */
#include "supervisor/restart.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

/* With waits of 100 ms and more, so many deaths do not fit into any window that somebody would configure: a larger
 * limit means never. */
#define HISTORY_MAX 65536

static void
history_init(struct restart_history *h, int64_t max)
{
    memset(h, 0, sizeof *h);
    h->room = max >= HISTORY_MAX ? 0 : (uint32_t)max + 1;
    if (h->room > 0)
        h->times = mem_array(h->room, sizeof *h->times);
}

/* history_add notes a death; true if there were too many: the ring is full and its oldest still counts. */
static bool
history_add(struct restart_history *h, mono_ns now, mono_ns within)
{
    if (h->room == 0)
        return false;
    h->times[h->at] = now;
    h->at = (h->at + 1) % h->room;
    if (h->n < h->room)
        h->n++;
    return h->n == h->room && now - h->times[h->at] <= within;
}

void
restart_init(struct restart_task *t, int64_t max, mono_ns within, int64_t concurrency)
{
    t->within = within;
    history_init(&t->running, max);
    history_init(&t->start, max > HISTORY_MAX / concurrency ? HISTORY_MAX : max * concurrency);
}

void
restart_clear(struct restart_task *t)
{
    free(t->running.times);
    free(t->start.times);
    memset(t, 0, sizeof *t);
}

static mono_ns
backoff(uint32_t in_a_row)
{
    mono_ns wait = RESTART_BACKOFF_FIRST;
    while (--in_a_row > 0 && wait < RESTART_BACKOFF_LONGEST)
        wait *= 2;
    return mono_earlier(wait, RESTART_BACKOFF_LONGEST);
}

struct restart_decision
restart_died(struct restart_task *t, struct restart_worker *w, enum restart_death death, bool useful, mono_ns now)
{
    if (useful)
        w->in_a_row = 0;
    if (death == RESTART_ON_RECORD || death == RESTART_ASKED)
        return (struct restart_decision){.give_up = false, .wait = 0};
    w->in_a_row++;
    struct restart_history *h = death == RESTART_AT_START ? &t->start : &t->running;
    return (struct restart_decision){.give_up = history_add(h, now, t->within), .wait = backoff(w->in_a_row)};
}
