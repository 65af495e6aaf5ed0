/* run.c - start, loop, stop: the supervisor's table of contents.
 *
 * Owns: struct app. Guarantees: when it returns, no child is left, and the runtime directory is gone.
 * Must not know: how any part does its work. */
#include "supervisor/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/children.h"
#include "shared/mem.h"
#include "supervisor/emit.h"
#include "supervisor/environment.h"
#include "supervisor/programs.h"
#include "supervisor/progress.h"
#include "supervisor/signals.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define SETTLE_EVERY (20 * NS_PER_MS)   /* scoreboards are looked at, also where no worker says anything */
#define PUBLISH_EVERY (100 * NS_PER_MS) /* totals of the counters */
#define REACH_BROKER (30 * NS_PER_S)    /* --until-end gives up after that */
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
app_endpoint(struct app *a)
{
    char name[16];
    snprintf(name, sizeof name, "p%x", ++a->pipes);
    return rundir_endpoint(&a->rundir, name);
}

void
app_give_up(struct app *a, const char *task, const char *why, const char *hint)
{
    char quoted[2 * REASON_MAX];
    log_error("given up on", "task=%s last=\"%s\" hint=\"%s\"", task, log_quote(why, quoted, sizeof quoted), hint);
    a->exit_code = 1;
    drain_begin(a, "a task was given up on");
}

/* ---- start ---- */

/* raise_limits: a worker costs about six descriptors. */
static void
raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void
init_task(struct app *a, struct task *t, struct conf_task *c)
{
    t->app = a;
    t->conf = c;
    t->n_workers = (int)c->concurrency;
    t->workers = mem_array((size_t)t->n_workers, sizeof *t->workers);
    t->environment = environment_make(a->conf, c->environment);
    t->policy = (struct attempts_policy){(uint32_t)c->attempts, c->backoff[0], c->backoff[1]};
    t->record_bytes = 256; /* a first guess */
    restart_init(&t->restart, c->restart_max, c->restart_within, c->concurrency);
    pace_init(&t->pace);
    if (c->kind == CONF_STREAM)
        dispatch_init(&t->dispatch, c->order == CONF_ORDER_NONE ? DISPATCH_NONE : DISPATCH_PARTITION,
                      (uint64_t)c->window, (uint64_t)c->window_bytes);
    for (int i = 0; i < t->n_workers; i++)
        worker_init(&t->workers[i], t, i);
}

static void
init_tasks(struct app *a)
{
    a->n_tasks = a->conf->n_tasks;
    a->tasks = mem_array(a->n_tasks, sizeof *a->tasks);
    for (size_t i = 0; i < a->n_tasks; i++)
        init_task(a, &a->tasks[i], &a->conf->tasks[i]);
}

static void
open_zmq(struct app *a)
{
    int sockets = 64;
    for (size_t i = 0; i < a->conf->n_tasks; i++)
        sockets += (int)a->conf->tasks[i].concurrency * 2;
    a->zmq = zmq_ctx_new();
    if (!a->zmq)
        fatal(70, "zmq_ctx_new: %s", zmq_strerror(errno));
    zmq_ctx_set(a->zmq, ZMQ_MAX_SOCKETS, sockets);
}

static int
find_programs(struct app *a)
{
    char *error = NULL;
    a->worker_program = programs_find(CHILD_WORKER, &error);
    a->timer_program = a->worker_program ? programs_find(CHILD_TIMER, &error) : NULL;
    if (a->timer_program)
        return 0;
    log_error(error, NULL);
    free(error);
    return 70;
}

static void
embedded_ended(void *app)
{
    struct app *a = app;
    loop_remove(&a->loop, &a->embedded_watch);
    log_error("the embedded broker ended by itself: what was in its topics is gone", NULL);
    a->exit_code = 70;
    drain_at_once(a, "no broker any more");
}

/* start_embedded starts the broker and points every client to it. */
static int
start_embedded(struct app *a)
{
    char *error = NULL;
    if (!a->options->embedded)
        return 0;
    if (embedded_start(&a->embedded, a->conf, &error) < 0) {
        log_error("cannot start the embedded broker", "error=\"%s\"", error);
        free(error);
        return 69;
    }
    a->has_embedded = true;
    a->embedded_watch = (struct loop_watch){.fd = a->embedded.pidfd, .ready = embedded_ended, .arg = a};
    if (a->embedded.pidfd >= 0)
        loop_add(&a->loop, &a->embedded_watch);
    for (size_t i = 0; i < a->conf->n_tasks; i++)
        if (a->conf->tasks[i].kafka)
            json_object_set_new(a->conf->tasks[i].kafka, "bootstrap.servers", json_string(a->embedded.address));
    log_info("embedded broker", "address=%s", a->embedded.address);
    return 0;
}

static bool
not_told_to_stop(void *app)
{
    struct app *a = app;
    signals_serve(a);
    return a->state != APP_STOPPING;
}

static int
open_sources(struct app *a)
{
    char *error = NULL;
    for (size_t i = 0; i < a->n_tasks; i++) {
        struct task *t = &a->tasks[i];
        if (t->conf->kind != CONF_STREAM)
            continue;
        t->source = source_open(t, &error);
        if (!t->source) {
            log_error("kafka refuses the configuration", "task=%s error=\"%s\"", t->conf->name, error);
            free(error);
            return 78;
        }
        if (t->conf->on_failure == CONF_DEAD_LETTER && !(t->emitter = emit_open(t, &error))) {
            log_error("kafka refuses the configuration", "task=%s error=\"%s\"", t->conf->name, error);
            free(error);
            return 78;
        }
    }
    return 0;
}

static int
find_ends(struct app *a)
{
    char *error = NULL;
    for (size_t i = 0; i < a->n_tasks && a->options->until_end; i++) {
        struct source *s = a->tasks[i].source;
        if (!s || source_find_ends(s, REACH_BROKER, not_told_to_stop, a, &error) == 0)
            continue;
        if (a->state == APP_STOPPING)
            return 0;
        log_error("gave up after 30 s", "task=%s topic=%s error=\"%s\"", a->tasks[i].conf->name,
                  a->tasks[i].conf->topic, error ? error : "");
        free(error);
        return 69;
    }
    return 0;
}

static size_t
count_timers(const struct app *a)
{
    size_t timers = 0;
    for (size_t i = 0; i < a->n_tasks; i++)
        timers += a->tasks[i].conf->kind == CONF_TIMER;
    return timers;
}

static int
start(struct app *a)
{
    char *error = NULL;
    int code = rundir_open(&a->rundir, a->conf->app, a->options->runtime_dir, &error);
    if (code) { /* the command line is wrong, or the place: no event of this app */
        fprintf(stderr, "headrace: %s\n", error);
        free(error);
        return code;
    }
    raise_limits();
    loop_open(&a->loop);
    signals_open(a);
    open_zmq(a);
    totals_open(a);
    if (pipe2(a->lifeline, O_CLOEXEC) < 0)
        fatal(70, "pipe: %s", strerror(errno));
    if ((code = find_programs(a)) || (code = start_embedded(a)))
        return code;
    init_tasks(a);
    a->environment = environment_make(a->conf, NULL);
    trigger_init(a);
    control_open(a);
    if ((code = open_sources(a)) || (code = find_ends(a)))
        return code;
    for (size_t i = 0; i < a->n_tasks && a->state != APP_STOPPING; i++)
        if (a->tasks[i].source)
            source_start(a->tasks[i].source);
    if (a->state == APP_STOPPING) /* told so while the broker was looked for */
        return 0;
    a->state = APP_RUNNING;
    log_info("started", "app=%s pid=%d tasks=%zu timers=%zu runtime_dir=%s", a->conf->app, (int)getpid(),
             a->n_tasks - count_timers(a), count_timers(a), a->rundir.path);
    return 0;
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
            if (now >= t->settle_at)
                worker_settle(&t->workers[i]);
            next = mono_earlier(next, now + SETTLE_EVERY);
        }
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
    mono_ns next = trigger_tick(a, now);
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
    int code = start(&a);
    if (code == 0) {
        loop(&a);
        code = a.exit_code ? a.exit_code : a.forced || unconfirmed(&a) ? 2 : 0;
        log_info("stopped", "app=%s exit=%d", c->app, code);
    }
    end(&a);
    return code;
}
