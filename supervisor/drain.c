/* drain.c - the stop, step by step.
 *
 * Owns: the deadline of the stop. Guarantees: nothing more is read or handed out once it begins; records in hand may
 *   finish within stop_timeout and are committed; then every child ends; after the deadline they are killed, and what
 *   they were on is delivered again after the next start.
 * Must not know: how a worker or a source stops. */
#include <signal.h>

#include "shared/log.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define LAST_COMMIT (3 * NS_PER_S) /* after a forced end: for the commit of what is done */

void
drain_begin(struct app *a, const char *why)
{
    if (a->state == APP_STOPPING)
        return;
    a->state = APP_STOPPING;
    a->stop_deadline = clock_mono() + a->conf->stop_timeout;
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

mono_ns
drain_tick(struct app *a, mono_ns now)
{
    if (a->state != APP_STOPPING)
        return MONO_NEVER;
    for (size_t i = 0; i < a->n_tasks; i++) /* those that were just being restarted */
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            worker_stop(&a->tasks[i].workers[j]);
    if (now < a->stop_deadline)
        return a->stop_deadline;
    if (!children_gone(a))
        kill_everything(a, "stop_timeout");
    if (now >= a->stop_deadline + LAST_COMMIT && !sources_closed(a)) {
        log_warn("the group was not left in order: the broker does not answer", NULL);
        a->forced = true;
    }
    return now + 10 * NS_PER_MS;
}

bool
drain_done(const struct app *a)
{
    if (a->state != APP_STOPPING || !children_gone(a))
        return false;
    return sources_closed(a) || clock_mono() >= a->stop_deadline + LAST_COMMIT;
}
