/* run.c - start, loop, stop: the supervisor's table of contents.
 *
 * Owns: struct app. Guarantees: when it returns, no child is left, and the runtime directory is gone.
 * Must not know: how any part does its work. */
#include "supervisor/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/mem.h"
#include "supervisor/batch.h"
#include "supervisor/emit.h"
#include "supervisor/environment.h"
#include "supervisor/progress.h"
#include "supervisor/signals.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define SETTLE_EVERY (20 * NS_PER_MS)   /* scoreboards are looked at, also where no worker says anything */
#define PUBLISH_EVERY (100 * NS_PER_MS) /* totals of the counters */
#define ROUNDS 4                        /* of feeding before the descriptors are looked at again */

/* ---- helpers for all ---- */

uint32_t
app_random(struct app *a)
{
    a->random ^= a->random << 13; /* xorshift: only for jitter */
    a->random ^= a->random >> 17;
    a->random ^= a->random << 5;
    return a->random;
}

char *
app_endpoint(struct app *a, const struct conf_user *user)
{
    char name[16];
    snprintf(name, sizeof name, "p%x", ++a->pipes);
    return rundir_endpoint_of(&a->rundir, user, name);
}

void
app_give_up(struct app *a, const char *task, const char *why, const char *hint)
{
    char quoted[2 * REASON_MAX];
    log_error("given up on", "task=%s last=\"%s\" hint=\"%s\"", task, log_quote(why, quoted, sizeof quoted), hint);
    a->exit_code = 1;
    drain_begin(a, "a task was given up on");
}

void
app_refused(struct app *a)
{
    if (!a->options->until_end || a->state == APP_STOPPING)
        return;
    a->exit_code = 69;
    drain_begin(a, "the broker does not allow what a task needs");
}

/* ---- the loop ---- */

/* measure_rate counts the records of the last second, for status. */
static mono_ns
measure_rate(struct task *t, mono_ns now)
{
    if (now >= t->rate_at + NS_PER_S) {
        t->rate = (double)(t->processed - t->rate_processed) * (double)NS_PER_S / (double)(now - t->rate_at);
        t->rate_processed = t->processed;
        t->rate_at = now;
    }
    return t->rate_at + NS_PER_S;
}

static mono_ns
tick_task(struct task *t, mono_ns now)
{
    mono_ns next = MONO_NEVER;
    for (int i = 0; i < t->n_workers; i++) {
        if (t->workers[i].holding.n_frames > 0) {
            if (now >= t->settle_at) {
                worker_settle(&t->workers[i]);
                worker_look(&t->workers[i], now);
                worker_relieve(&t->workers[i]);
            }
            next = mono_earlier(next, now + SETTLE_EVERY);
        }
        received_hold_back(&t->workers[i]);
        next = mono_earlier(next, worker_tick(&t->workers[i], now));
        next = mono_earlier(next, watch_worker(&t->workers[i], now));
    }
    if (now >= t->settle_at)
        t->settle_at = now + SETTLE_EVERY;
    if (t->emitter)
        next = mono_earlier(next, emit_tick(t->emitter, now));
    if (t->source) {
        next = mono_earlier(next, measure_rate(t, now));
        if (now >= t->due_at)
            t->hungry = true;
        t->due_at = dispatch_due(&t->dispatch, now);
        next = mono_earlier(next, mono_earlier(t->due_at, source_tick(t->source, now)));
    }
    return next;
}

/* nothing_left: every stream has reached its end (--until-end), or every task has finished by itself. */
static const char *
nothing_left(const struct app *a)
{
    bool ended = a->options->until_end, finished = true;
    for (size_t i = 0; i < a->n_tasks; i++) {
        const struct task *t = &a->tasks[i];
        ended = ended && (!t->source || source_ended(t->source));
        for (int j = 0; j < t->n_workers; j++)
            finished = finished && t->workers[j].state == WORKER_GONE;
    }
    return ended ? "every record that was there at the start is done" : finished ? "every task has finished" : NULL;
}

static mono_ns
tick(struct app *a, mono_ns now)
{
    mono_ns next = mono_earlier(trigger_tick(a, now), autopsy_tick(now));
    for (size_t i = 0; i < a->n_tasks; i++)
        next = mono_earlier(next, tick_task(&a->tasks[i], now));
    if (now >= a->totals_at) {
        totals_publish(a);
        a->totals_at = now + PUBLISH_EVERY;
    }
    const char *done = a->state == APP_RUNNING ? nothing_left(a) : NULL;
    if (done)
        drain_begin(a, done);
    progress_show(a, now);
    next = mono_earlier(next, a->totals_at);
    return mono_earlier(next, drain_tick(a, now));
}

/* feed_hungry hands out what there is to the workers that have room; true if there is more to do at once. */
static bool
feed_hungry(struct app *a)
{
    bool hungry = true;
    for (int round = 0; round < ROUNDS && hungry; round++) {
        hungry = pipe_drain_touched();
        for (size_t i = 0; i < a->n_tasks; i++)
            if (a->tasks[i].hungry && a->tasks[i].source) {
                feed_task(&a->tasks[i], clock_mono());
                hungry = true;
            }
    }
    return hungry;
}

static void
loop(struct app *a)
{
    while (!drain_done(a)) {
        mono_ns deadline = tick(a, clock_mono());
        if (feed_hungry(a))
            deadline = 0;
        loop_wait(&a->loop, deadline);
    }
}

/* ---- the end ---- */

static void
free_task(struct task *t)
{
    source_free(&t->source);
    emit_free(&t->emitter);
    for (int i = 0; i < t->n_workers; i++) {
        pipe_close(&t->workers[i].child.pipe);
        autopsy_drop(t->workers[i].autopsy);
        holding_clear(&t->workers[i].holding);
    }
    dispatch_clear(&t->dispatch);
    restart_clear(&t->restart);
    environment_free(&t->environment);
    free(t->workers);
}

static void
end(struct app *a)
{
    progress_end(a);
    autopsy_abandon();
    control_close(a);
    pipe_close(&a->timekeeper.pipe);
    for (size_t i = 0; i < a->n_tasks; i++)
        free_task(&a->tasks[i]);
    free(a->tasks);
    restart_clear(&a->timekeeper_restart);
    environment_free(&a->environment);
    embedded_stop(&a->embedded);
    if (a->zmq)
        zmq_ctx_term(a->zmq);
    rundir_close(&a->rundir);
    totals_close(a);
    signals_close(a);
    free(a->worker_program);
    free(a->timer_program);
    free(a->symbolize_program);
    for (int i = 0; i < 2; i++)
        if (a->lifeline[i] > 0)
            close(a->lifeline[i]);
    loop_close(&a->loop);
}

/* unconfirmed: work was done that Kafka may not know to be done. */
static bool
unconfirmed(const struct app *a)
{
    for (size_t i = 0; i < a->n_tasks; i++)
        if (a->tasks[i].source && source_unconfirmed(a->tasks[i].source))
            return true;
    return false;
}

int
run(struct conf *c, const struct run_options *o)
{
    struct app a = {.conf = c, .options = o, .started_at = clock_mono(), .totals_fd = -1, .signal_fd = -1};
    a.rundir.lock = -1;
    a.random = (uint32_t)a.started_at | 1;
    a.loop.epoll = -1;
    log_init("supervisor", o->level);
    batch_keep_memory();
    int code = start_app(&a);
    if (code == 0) {
        loop(&a);
        code = a.exit_code ? a.exit_code : a.forced || unconfirmed(&a) ? 2 : 0;
        log_info("stopped", "app=%s exit=%d", c->app, code);
    }
    end(&a);
    return code;
}
