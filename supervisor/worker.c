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
#include <zmq.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire.h"
#include "supervisor/supervisor.h"

#define CUT_OFF NS_PER_S /* how long a worker may live without its pipe: it is ending */

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
    w->sb->mark = *scoreboard_end_mark(w->sb, slots) = app_random(w->task->app);
    holding_init(&w->holding, &w->task->dispatch, (uint32_t)w->instance, w->sb, records_ended, w);
    return fd;
out:
    w->sb = NULL;
    if (fd >= 0)
        close(fd);
    return -1;
}

void
worker_drop_scoreboard(struct worker *w)
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
    struct spawn_rights rights = {c->limit_memory, c->limit_open_files, c->limit_core, c->user};
    return child_start(&w->child, a->worker_program, argv, w->task->environment, fds, 4, &rights);
}

static void
born(struct worker *w)
{
    w->state = WORKER_STARTING;
    w->born_at = clock_mono();
    w->expendable = w->misbehaved = w->past_deadline = w->running = false;
    w->watch = (struct watch){.looked_at = w->born_at};
    w->finished_life = 0;
    w->returned_on[0] = '\0';
    w->cut_off_at = 0;
    log_debug("worker started", "task=%s instance=%d pid=%d generation=%u", w->task->conf->name, w->instance,
              (int)w->child.pid, w->child.generation);
}

void
worker_start(struct worker *w)
{
    int boot_fd = -1, sb_fd = -1;
    struct app *a = w->task->app;
    const struct conf_user *user = w->task->conf->user;
    bool piped = child_pipe(&w->child, a->zmq, app_endpoint(a, user), user != NULL) == 0;
    if (piped && (sb_fd = scoreboard_make(w)) >= 0 && (boot_fd = boot_document(w)) >= 0 &&
        fork_worker(w, sb_fd, boot_fd) == 0) {
        born(w);
    } else {
        log_error("cannot start a worker, trying again in 1 s", "task=%s instance=%d error=\"%s\"",
                  w->task->conf->name, w->instance, zmq_strerror(errno));
        w->state = WORKER_DOWN;
        w->start_at = clock_mono() + NS_PER_S;
        pipe_close(&w->child.pipe);
        if (w->sb)
            worker_drop_scoreboard(w);
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
    return w->state == WORKER_UP && w->child.state == CHILD_ALIVE && w->cut_off_at == 0 && !w->expendable &&
           !w->misbehaved;
}

/* worker_hear takes notice of how it takes its records. */
void
worker_hear(struct worker *w)
{
    uint32_t batch = atomic_load_explicit(&w->sb->batch, memory_order_relaxed);
    w->holding.batch = batch < w->holding.slots / 2 ? batch : w->holding.slots / 2;
    w->holding.collecting = batch > 0 && atomic_load_explicit(&w->sb->collecting, memory_order_relaxed) != 0;
}

void
worker_settle(struct worker *w)
{
    if (!w->sb || w->child.state != CHILD_ALIVE || w->misbehaved)
        return;
    worker_hear(w);
    const char *wrong = holding_settle(&w->holding);
    w->task->hungry = true;
    if (wrong)
        worker_replace(w, wrong);
}

/* worker_look notices that the pipe is gone where nothing is sent that would show it. With it a frame may be gone, whose records
 * would wait for ever. One that ends may take its time for it. */
void
worker_look(struct worker *w, mono_ns now)
{
    if (w->state == WORKER_UP && w->child.state == CHILD_ALIVE && w->cut_off_at == 0 &&
        atomic_load(&w->sb->phase) == PHASE_READY && !pipe_connected(&w->child.pipe))
        w->cut_off_at = now;
}

void
worker_relieve(struct worker *w)
{
    if (!w->sb || w->child.state != CHILD_ALIVE)
        return;
    worker_hear(w);
    if (holding_relieve(&w->holding) > 0)
        w->task->hungry = true;
}

static void
became_ready(struct worker *w)
{
    if (w->state != WORKER_STARTING)
        return;
    w->state = WORKER_UP;
    w->task->hungry = true;
    pipe_hide(&w->child.pipe);
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
    switch (type) {
    case WIRE_READY:
        became_ready(w);
        break;
    case WIRE_PROGRESS:
        take_progress(w, frame);
        break;
    case WIRE_SENDS:
        received_sends(w, frame, size);
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
    log_warn("worker killed", "task=%s instance=%d pid=%d why=\"%s\"", w->task->conf->name, w->instance,
             (int)w->child.pid, why);
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
    w->wrong = wrong;
    child_kill(&w->child, SIGKILL);
}

static const struct child_events events = {.frame = take_frame, .bad_frame = take_bad_frame, .died = burial_of};

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
    if (w->cut_off_at != 0 && w->child.state == CHILD_ALIVE) {
        if (now - w->cut_off_at >= CUT_OFF) {
            worker_replace(w, "it lives, but its pipe is gone");
            return next; /* its end wakes us */
        }
        return mono_earlier(next, w->cut_off_at + CUT_OFF);
    }
    if (w->child.state != CHILD_NONE || w->state != WORKER_DOWN)
        return next;
    if (now < w->start_at)
        return w->start_at;
    worker_start(w);
    return MONO_NEVER;
}
