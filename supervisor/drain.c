/* drain.c - the stop, step by step.
 *
 * Owns: the deadline of the stop. Guarantees: nothing more is read or handed out once it begins; records in hand may
 *   finish within stop_timeout and are committed; then every child ends; after the deadline they are killed, and what
 *   they were on is delivered again after the next start.
 * Must not know: how a worker or a source stops. */
#include <inttypes.h>
#include <signal.h>

#include "shared/log.h"
#include "supervisor/emit.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define LINE_EVERY (3 * NS_PER_S)
#define LAST_COMMIT (3 * NS_PER_S) /* after a forced end: for the commit of what is done */

void
drain_begin(struct app *a, const char *why)
{
    if (a->state == APP_STOPPING)
        return;
    a->state = APP_STOPPING;
    a->stop_began = clock_mono();
    a->stop_deadline = a->stop_began + a->conf->stop_timeout;
    log_info("stopping", "why=\"%s\"", why);
    trigger_stop(a);
    for (size_t i = 0; i < a->n_tasks; i++) {
        if (a->tasks[i].source)
            source_stop(a->tasks[i].source);
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            worker_stop(&a->tasks[i].workers[j]);
    }
}

static void
kill_everything(struct app *a, const char *why)
{
    child_kill(&a->timekeeper, SIGKILL);
    for (size_t i = 0; i < a->n_tasks; i++)
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            if (a->tasks[i].workers[j].child.state == CHILD_ALIVE) {
                a->forced = true;
                worker_expend(&a->tasks[i].workers[j], why);
            }
}

void
drain_at_once(struct app *a, const char *why)
{
    drain_begin(a, why);
    a->stop_deadline = clock_mono();
    a->forced_by = why;
}

static bool
sources_closed(const struct app *a)
{
    for (size_t i = 0; i < a->n_tasks; i++)
        if (a->tasks[i].source && !source_closed(a->tasks[i].source))
            return false;
    return true;
}

static bool
children_gone(const struct app *a)
{
    if (a->timekeeper.state != CHILD_NONE)
        return false;
    for (size_t i = 0; i < a->n_tasks; i++)
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            if (a->tasks[i].workers[j].child.state != CHILD_NONE)
                return false;
    return true;
}

/* say_what_is_left tells every few seconds what the stop waits for. */
static mono_ns
say_what_is_left(struct app *a, mono_ns now)
{
    uint64_t records = 0;
    int workers = 0;
    if (now < a->next_stop_line)
        return a->next_stop_line;
    a->next_stop_line = now + LINE_EVERY;
    if (now < a->stop_began + LINE_EVERY)
        return a->stop_began + LINE_EVERY;
    for (size_t i = 0; i < a->n_tasks; i++) {
        records += a->tasks[i].source ? source_in_hand(a->tasks[i].source) : 0;
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            workers += a->tasks[i].workers[j].child.state == CHILD_ALIVE;
    }
    log_info("still stopping", "records_in_hand=%" PRIu64 " workers=%d forced_in=%" PRId64 "s", records, workers,
             (a->stop_deadline - now) / NS_PER_S);
    return a->next_stop_line;
}

mono_ns
drain_tick(struct app *a, mono_ns now)
{
    if (a->state != APP_STOPPING)
        return MONO_NEVER;
    for (size_t i = 0; i < a->n_tasks; i++) /* those that were just being restarted */
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            worker_stop(&a->tasks[i].workers[j]);
    if (now < a->stop_deadline)
        return mono_earlier(a->stop_deadline, say_what_is_left(a, now));
    if (!children_gone(a))
        kill_everything(a, a->forced_by ? a->forced_by : "stop_timeout");
    return now + 10 * NS_PER_MS;
}

/* sends_waiting counts what bodies without records have sent, or lanes that were given up, and Kafka has not confirmed. */
static uint64_t
sends_waiting(const struct app *a)
{
    uint64_t waiting = 0;
    for (size_t i = 0; i < a->n_tasks; i++)
        waiting += a->tasks[i].emitter ? emit_sends_waiting(a->tasks[i].emitter) : 0;
    return waiting;
}

bool
drain_done(struct app *a)
{
    if (a->state != APP_STOPPING || !children_gone(a))
        return false;
    uint64_t waiting = sends_waiting(a);
    if (sources_closed(a) && waiting == 0)
        return true;
    if (clock_mono() < a->stop_deadline + LAST_COMMIT)
        return false;
    if (waiting > 0) {
        a->forced = true;
        log_error("what tasks sent was not confirmed when the stop's time was over", "messages=%" PRIu64
                  " hint=\"what records sent is sent again by the next start, what timers and background tasks sent is not\"",
                  waiting);
    }
    return true;
}
