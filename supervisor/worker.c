/* worker.c - birth, frames and death of workers.
 *
 * Owns: each worker's process, its scoreboard and what it holds, over all its lives.
 * Guarantees: what a dead worker held is settled from its scoreboard before its successor is born; a life is never
 *   confused with another (scoreboard, pipe and generation are new each time); a death is one line in the log.
 * Must not know: Kafka; what becomes of a record that failed (records.c); when a task is given up on (restart.c). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire.h"
#include "supervisor/supervisor.h"

#define AT_START (10 * NS_PER_S) /* a life that has begun no record by then is not at its start any more */

static const char *const state_names[] = {
    [WORKER_DOWN] = "restarting", [WORKER_STARTING] = "starting", [WORKER_UP] = "up",
    [WORKER_STOPPING] = "stopping", [WORKER_GONE] = "gone",
};

const char *
worker_state_name(enum worker_state state)
{
    return state_names[state];
}

static const char *
kind_name(const struct task *t)
{
    static const char *const names[] = {
        [CONF_STREAM] = "stream", [CONF_BACKGROUND] = "background", [CONF_TIMER] = "timer"};
    return names[t->conf->kind];
}

/* ---- birth ---- */

/* scoreboard_make makes the segment of a new life: its descriptor, or -1. */
static int
scoreboard_make(struct worker *w)
{
    uint32_t slots = w->task->conf->kind == CONF_STREAM ? SCOREBOARD_SLOTS : 2;
    int fd = memfd_create("headrace-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)scoreboard_size(slots)) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        goto out;
    w->sb = mmap(NULL, scoreboard_size(slots), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (w->sb == MAP_FAILED)
        goto out;
    w->sb->slots = slots;
    holding_init(&w->holding, &w->task->dispatch, w->sb, records_ended, w);
    return fd;
out:
    w->sb = NULL;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
scoreboard_drop(struct worker *w)
{
    munmap(w->sb, scoreboard_size(w->holding.slots));
    w->sb = NULL;
    holding_clear(&w->holding);
}

static int
boot_document(const struct worker *w)
{
    const struct app *a = w->task->app;
    const struct conf_task *c = w->task->conf;
    json_t *counters = json_array();
    for (size_t i = 0; i < a->conf->n_counters; i++)
        json_array_append_new(counters, json_string(a->conf->counters[i]));
    json_t *boot = json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:s, s:i, s:s, s:o}", "app", a->conf->app, "task", c->name,
                             "kind", kind_name(w->task), "instance", w->instance, "concurrency",
                             (json_int_t)c->concurrency, "module", c->module, "endpoint", w->child.pipe.endpoint,
                             "generation", (int)w->child.generation, "log_level",
                             log_level_name(a->options->level), "counters", counters);
    char *text = json_dumps(boot, JSON_COMPACT);
    json_decref(boot);
    if (!text)
        return -1;
    int fd = spawn_document("headrace-boot", text, strlen(text));
    free(text);
    return fd;
}

static int
fork_worker(struct worker *w, int sb_fd, int boot_fd)
{
    struct app *a = w->task->app;
    char instance[16];
    snprintf(instance, sizeof instance, "%d", w->instance);
    char *argv[] = {a->worker_program, w->task->conf->name, instance, NULL};
    struct spawn_fd fds[] = {
        {sb_fd, CHILD_FD_SCOREBOARD},
        {a->totals_fd, CHILD_FD_TOTALS},
        {a->lifeline[0], CHILD_FD_LIFELINE},
        {boot_fd, CHILD_FD_BOOT},
    };
    const struct conf_task *c = w->task->conf;
    struct spawn_limits limits = {c->limit_memory, c->limit_open_files, c->limit_core};
    return child_start(&w->child, a->worker_program, argv, w->task->environment, fds, 4, &limits);
}

static void
born(struct worker *w)
{
    w->state = WORKER_STARTING;
    w->born_at = clock_mono();
    w->expendable = w->misbehaved = w->past_deadline = w->running = false;
    w->watch = (struct watch){.looked_at = w->born_at};
    w->finished_life = 0;
    log_debug("worker started", "task=%s instance=%d pid=%d generation=%u", w->task->conf->name, w->instance,
              (int)w->child.pid, w->child.generation);
}

void
worker_start(struct worker *w)
{
    int boot_fd = -1, sb_fd = -1;
    bool piped = child_pipe(&w->child, w->task->app->zmq, app_endpoint(w->task->app)) == 0;
    if (piped && (sb_fd = scoreboard_make(w)) >= 0 && (boot_fd = boot_document(w)) >= 0 &&
        fork_worker(w, sb_fd, boot_fd) == 0) {
        born(w);
    } else {
        log_error("cannot start a worker, trying again in 1 s", "task=%s instance=%d error=\"%s\"",
                  w->task->conf->name, w->instance, strerror(errno));
        w->state = WORKER_DOWN;
        w->start_at = clock_mono() + NS_PER_S;
        pipe_close(&w->child.pipe);
        if (w->sb)
            scoreboard_drop(w);
    }
    if (sb_fd >= 0)
        close(sb_fd);
    if (boot_fd >= 0)
        close(boot_fd);
}

/* ---- life ---- */

bool
worker_has_credit(const struct worker *w)
{
    return w->state == WORKER_UP && w->child.state == CHILD_ALIVE && !w->expendable && !w->misbehaved;
}

void
worker_settle(struct worker *w)
{
    if (!w->sb || w->child.state != CHILD_ALIVE || w->misbehaved)
        return;
    const char *wrong = holding_settle(&w->holding);
    w->task->hungry = true;
    if (wrong)
        worker_replace(w, wrong);
}

static void
became_ready(struct worker *w)
{
    if (w->state != WORKER_STARTING)
        return;
    w->state = WORKER_UP;
    w->task->hungry = true;
    log_debug("worker ready", "task=%s instance=%d pid=%d after=%" PRId64 "ms", w->task->conf->name, w->instance,
              (int)w->child.pid, (clock_mono() - w->born_at) / NS_PER_MS);
    if (w->task->conf->kind == CONF_TIMER)
        trigger_worker_free(w);
}

static void
take_progress(struct worker *w, const void *frame)
{
    struct wire_progress progress;
    memcpy(&progress, frame, sizeof progress); /* the frame may stand anywhere in memory */
    if (progress.records <= PACE_MAX && progress.busy_ns > 0)
        pace_measured(&w->task->pace, progress.busy_ns, progress.records);
    worker_settle(w);
}

static void
take_frame(struct child *c, unsigned type, const void *frame, size_t size)
{
    struct worker *w = c->owner;
    (void)size; /* wire_open has checked it against the type */
    switch (type) {
    case WIRE_READY:
        became_ready(w);
        break;
    case WIRE_PROGRESS:
        take_progress(w, frame);
        break;
    case WIRE_TRIGGERED:
        w->running = false;
        trigger_worker_free(w);
        break;
    default:
        worker_replace(w, "a frame that a worker does not send");
    }
}

static void
take_bad_frame(struct child *c, const char *wrong)
{
    worker_replace(c->owner, wrong);
}

void
worker_stop(struct worker *w)
{
    struct wire_stop stop;
    if (w->state == WORKER_DOWN && w->child.state == CHILD_NONE)
        w->state = WORKER_GONE;
    if (w->state != WORKER_UP && w->state != WORKER_STARTING)
        return;
    if (w->sb)
        holding_withdraw(&w->holding, NULL);
    wire_fill(&stop.header, WIRE_STOP, w->child.generation, sizeof stop);
    if (pipe_send(&w->child.pipe, &stop, sizeof stop) < 0)
        child_kill(&w->child, SIGTERM); /* not connected yet: the signal says the same */
    w->state = WORKER_STOPPING;
}

void
worker_expend(struct worker *w, const char *why)
{
    if (w->child.state != CHILD_ALIVE || w->expendable)
        return;
    log_warn("worker killed", "task=%s instance=%d pid=%d why=%s", w->task->conf->name, w->instance, (int)w->child.pid,
             why);
    w->expendable = true;
    w->killed_for = why;
    child_kill(&w->child, SIGKILL);
}

void
worker_replace(struct worker *w, const char *wrong)
{
    if (w->misbehaved || w->child.state == CHILD_NONE)
        return;
    log_error("worker breaks the protocol, it is replaced", "task=%s instance=%d pid=%d wrong=\"%s\"",
              w->task->conf->name, w->instance, (int)w->child.pid, wrong);
    w->misbehaved = true;
    child_kill(&w->child, SIGKILL);
}

/* ---- death ---- */

static uint32_t
phase_of(const struct worker *w)
{
    return atomic_load_explicit(&w->sb->phase, memory_order_acquire);
}

/* note_cause writes why the process ended, as its record's reason and the obituary say it. */
static void
note_cause(struct worker *w)
{
    uint32_t phase = phase_of(w);
    if (w->expendable)
        snprintf(w->cause, sizeof w->cause, "killed: %s", w->killed_for);
    else if (w->state == WORKER_STOPPING && w->child.code == CLD_KILLED && w->child.status == SIGTERM)
        snprintf(w->cause, sizeof w->cause, "stopped"); /* before it could listen */
    else if (w->past_deadline)
        snprintf(w->cause, sizeof w->cause, "deadline: %.1fs", (double)w->task->conf->deadline / (double)NS_PER_S);
    else if (phase == PHASE_SETUP_FAILED && w->child.code == CLD_EXITED)
        snprintf(w->cause, sizeof w->cause, "setup: %.*s", REASON_MAX - 8, w->sb->message);
    else if (phase == PHASE_RETURNED && w->child.code == CLD_EXITED)
        snprintf(w->cause, sizeof w->cause, "returned: %d", atomic_load(&w->sb->returned));
    else
        child_cause(&w->child, w->cause, sizeof w->cause);
}

/* failed_by_returning: the body returned while it was on a record, which failed for that. */
static bool
failed_by_returning(const struct worker *w)
{
    uint64_t taken = atomic_load_explicit(&w->sb->taken, memory_order_acquire);
    return phase_of(w) == PHASE_RETURNED && taken > 0 && taken <= w->holding.head &&
           slot_get(scoreboard_slot(w->sb, taken - 1, w->holding.slots)) == SLOT_FAILED;
}

/* never_began: it died before it was ready, or while its body prepared what it needs once. */
static bool
never_began(const struct worker *w)
{
    uint32_t phase = phase_of(w);
    bool young = clock_mono() - w->born_at < AT_START;
    return phase == PHASE_STARTING || phase == PHASE_SETUP_FAILED ||
           (w->task->conf->kind == CONF_STREAM && young && atomic_load(&w->sb->taken) == 0);
}

static enum restart_death
sort_of_death(const struct worker *w, bool on_record)
{
    bool asked = phase_of(w) == PHASE_TOLD || w->state == WORKER_STOPPING;
    bool on_trigger = w->task->conf->kind == CONF_TIMER && (w->running || phase_of(w) == PHASE_RETURNED);
    if (on_record || failed_by_returning(w) || on_trigger) /* a trigger is to a timer what a record is to a stream */
        return RESTART_ON_RECORD;
    if (w->expendable || (asked && !child_crashed(&w->child)) || strcmp(w->cause, "stopped") == 0)
        return RESTART_ASKED;
    return never_began(w) ? RESTART_AT_START : RESTART_RUNNING;
}

static void
obituary(const struct worker *w, const char *record, uint64_t back, const char *next)
{
    bool stopping = w->task->app->state == APP_STOPPING || w->state == WORKER_STOPPING;
    bool quiet = stopping && (!child_crashed(&w->child) || strcmp(w->cause, "stopped") == 0);
    const char *hint = phase_of(w) == PHASE_RETURNED && w->task->conf->kind == CONF_STREAM
                           ? " hint=\"the task's function returned before hr_next gave NULL\""
                           : "";
    char quoted[2 * REASON_MAX], try_it[600] = "";
    if (strcmp(record, "none") != 0)
        snprintf(try_it, sizeof try_it, " try=\"headrace try %s %s --record %s --debug\"", w->task->app->conf->path,
                 w->task->conf->name, record);
    log_event(quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "worker ended",
              "task=%s instance=%d pid=%d cause=\"%s\" record=%s handed_out_again=%" PRIu64 " finished=%" PRIu64
              " next=%s%s%s",
              w->task->conf->name, w->instance, (int)w->child.pid,
              log_quote(w->cause, quoted, sizeof quoted), record, back, w->finished_life, next, hint, try_it);
}

/* finished_for_good: a background task that returned 0 has finished; nothing comes back during a stop. */
static bool
finished_for_good(const struct worker *w)
{
    if (w->task->app->state == APP_STOPPING || w->task->failed_for_good)
        return true;
    return w->task->conf->kind == CONF_BACKGROUND && !child_crashed(&w->child) && phase_of(w) == PHASE_RETURNED &&
           atomic_load(&w->sb->returned) == 0;
}

static void
decide_next(struct worker *w, enum restart_death death, char *next, size_t size)
{
    mono_ns now = clock_mono();
    if (finished_for_good(w)) {
        w->state = WORKER_GONE;
        snprintf(next, size, "none");
        return;
    }
    struct restart_decision d = restart_died(&w->task->restart, &w->restart, death, w->finished_life > 0, now);
    if (d.give_up) {
        w->task->failed_for_good = true;
        w->state = WORKER_GONE;
        snprintf(next, size, "none");
        return;
    }
    if (death == RESTART_ASKED && w->finished_life == 0 && now - w->born_at < RESTART_SHORT_LIFE)
        d.wait = RESTART_BACKOFF_FIRST; /* who keeps asking must not make us fork all the time */
    w->restarts++;
    w->state = WORKER_DOWN;
    w->start_at = now + d.wait;
    snprintf(next, size, "%" PRId64 "ms", d.wait / NS_PER_MS);
}

/* tell_backtrace is the second line of a death by a signal; who died stands in `who`. */
static void
tell_backtrace(void *who, const char *line)
{
    char quoted[4000];
    if (line)
        log_warn("backtrace", "%s at=\"%s\"", (char *)who, log_quote(line, quoted, sizeof quoted));
    free(who);
}

/* begin_autopsy has the frames that the worker left made readable, by a process of its own. */
static void
begin_autopsy(struct worker *w)
{
    struct app *a = w->task->app;
    char *frames = autopsy_frames(w->sb);
    autopsy_drop(w->autopsy);
    w->autopsy = NULL;
    if (frames && a->symbolize_program) {
        char *who = mem_printf("task=%s instance=%d pid=%d", w->task->conf->name, w->instance, (int)w->child.pid);
        w->autopsy = autopsy_start(&a->loop, frames, a->symbolize_program, w->task->environment, tell_backtrace, who);
    }
    free(frames);
}

static void
died(struct child *c)
{
    struct worker *w = c->owner;
    struct partition *p = NULL;
    uint64_t pos = 0;
    char record[320] = "none", next[32];
    bool misbehaved = w->misbehaved || holding_settle(&w->holding) != NULL; /* what ended before; the rest is buried */
    bool on = holding_on(&w->holding, &p, &pos);
    note_cause(w);
    if (on)
        snprintf(record, sizeof record, "%s:%d:%" PRId64, p->topic, p->number, ledger_entry(&p->led, pos)->offset);
    begin_autopsy(w);
    enum restart_death death = sort_of_death(w, on && !misbehaved && !w->expendable);
    uint64_t back = holding_bury(&w->holding, !w->expendable);
    w->task->redelivered += back;
    totals_fold(w->task->app, w);
    decide_next(w, death, next, sizeof next);
    obituary(w, record, back, next);
    scoreboard_drop(w);
    w->running = false;
    w->task->hungry = true;
    if (w->task->failed_for_good)
        app_give_up(w->task->app, w->task->conf->name, w->cause,
                    "it died more often than restart.max allows");
}

static const struct child_events events = {.frame = take_frame, .bad_frame = take_bad_frame, .died = died};

void
worker_init(struct worker *w, struct task *t, int instance)
{
    *w = (struct worker){.task = t, .instance = instance, .state = WORKER_DOWN};
    child_init(&w->child, &t->app->loop, &events, w);
}

mono_ns
worker_tick(struct worker *w, mono_ns now)
{
    mono_ns next = child_tick(&w->child, now);
    if (w->child.state != CHILD_NONE || w->state != WORKER_DOWN)
        return next;
    if (now < w->start_at)
        return w->start_at;
    worker_start(w);
    return MONO_NEVER;
}
