/* start.c - the start of an app, from its runtime directory to the first record asked for.
 *
 * Owns: nothing. Guarantees: where it fails, it says why in one line and returns the exit code; what was begun by then is
 *   undone by run.c. Must not know: the loop. */
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
#include "supervisor/signals.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define REACH_BROKER (30 * NS_PER_S) /* --until-end gives up after that */

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

static const enum dispatch_order orders[] = {
    [CONF_ORDER_PARTITION] = DISPATCH_PARTITION, [CONF_ORDER_KEY] = DISPATCH_KEY, [CONF_ORDER_NONE] = DISPATCH_NONE};

static void
init_task(struct app *a, struct task *t, struct conf_task *c)
{
    t->app = a;
    t->conf = c;
    t->n_workers = (int)c->concurrency;
    t->workers = mem_array((size_t)t->n_workers, sizeof *t->workers);
    t->environment = environment_make(a->conf, c->user, c->environment);
    totals_of_task(a, t);
    t->policy = (struct attempts_policy){(uint32_t)c->attempts, c->backoff[0], c->backoff[1]};
    t->record_bytes = 256; /* a first guess */
    restart_init(&t->restart, c->restart_max, c->restart_within, c->concurrency);
    pace_init(&t->pace);
    if (c->kind == CONF_STREAM)
        dispatch_init(&t->dispatch, orders[c->order], (uint64_t)c->window, (uint64_t)c->window_bytes,
                      (uint64_t)app_random(a) << 32 | app_random(a));
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
    a->symbolize_program = a->timer_program ? programs_find(CHILD_SYMBOLIZE, &error) : NULL;
    if (a->symbolize_program)
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
        loop_must_add(&a->loop, &a->embedded_watch);
    json_object_set_new(a->conf->kafka, "bootstrap.servers", json_string(a->embedded.address));
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

/* refused says why a task has no client, and with which code that ends the start. */
static int
refused(const struct task *t, char *error_take)
{
    bool starved = rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE; /* no more threads, say */
    log_error(starved ? "cannot start a client of kafka" : "kafka refuses the configuration", "task=%s error=\"%s\"",
              t->conf->name, error_take);
    free(error_take);
    return starved ? 70 : 78;
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
        if (!t->source)
            return refused(t, error);
        if (t->conf->on_failure == CONF_DEAD_LETTER && !(t->emitter = emit_open(t, &error)))
            return refused(t, error);
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
        if (a->state == APP_STOPPING) { /* told to, or the broker does not allow it */
            free(error);
            return 0;
        }
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

/* open_rundir makes the runtime directory, and lets those in that tasks run as. */
static int
open_rundir(struct app *a, char **error)
{
    const struct conf *c = a->conf;
    bool shared = false;
    for (size_t i = 0; i < c->n_tasks; i++)
        shared = shared || c->tasks[i].user;
    int code = rundir_open(&a->rundir, c->app, a->options->runtime_dir, shared, error);
    for (size_t i = 0; i < c->n_tasks && code == 0; i++)
        if (c->tasks[i].user)
            code = rundir_admit(&a->rundir, c->tasks[i].user, error);
    return code;
}

int
start_app(struct app *a)
{
    char *error = NULL;
    int code = open_rundir(a, &error);
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
    a->environment = environment_make(a->conf, NULL, NULL);
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
