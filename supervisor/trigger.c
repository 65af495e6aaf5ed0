/* trigger.c - timers: the timer process, and its triggers on their way to the workers.
 *
 * Owns: the timer process over all its lives, and where each timer stands on its grid.
 * Guarantees: the grid is start + k * interval whatever dies: a new timer process is told the step it goes on from; a
 *   trigger that meets a run still going is skipped and counted, or kept once (overlap: queue); one that meets no
 *   worker at all is kept once until there is one.
 * Must not know: how time is watched (worker/timer). */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire.h"
#include "supervisor/supervisor.h"

#define TIMER_RESTARTS 10
#define TIMER_WITHIN (60 * NS_PER_S)

extern char **environ;

/* nth_timer finds the task of a timer by its index in the boot document. */
static struct task *
nth_timer(struct app *a, uint32_t index)
{
    for (size_t i = 0; i < a->n_tasks; i++)
        if (a->tasks[i].conf->kind == CONF_TIMER && index-- == 0)
            return &a->tasks[i];
    return NULL;
}

/* ---- triggers ---- */

static void
run_now(struct worker *w)
{
    struct task *t = w->task;
    struct wire_trigger frame = {.number = ++t->trigger_state.number};
    wire_fill(&frame.header, WIRE_TRIGGER, w->child.generation, sizeof frame);
    totals_publish(t->app);
    if (pipe_send(&w->child.pipe, &frame, sizeof frame) < 0) {
        t->trigger_state.queued = true; /* it is just dying: its successor runs it */
        w->cut_off_at = clock_mono();   /* or lives without its pipe, and is replaced */
        return;
    }
    t->trigger_state.queued = false;
    t->trigger_state.fired++;
    t->trigger_state.last = clock_wall();
    w->running = true;
    w->trigger = frame.number;
    w->trigger_started = clock_mono();
}

void
trigger_worker_free(struct worker *w)
{
    if (w->task->trigger_state.queued && !w->running && worker_has_credit(w))
        run_now(w);
}

static void
skip(struct task *t, uint64_t n)
{
    t->trigger_state.skipped += n;
    if (n > 0)
        log_warn("trigger skipped", "timer=%s skipped=%" PRIu64 " all=%" PRIu64, t->conf->name, n,
                 t->trigger_state.skipped);
}

static void
fire(struct task *t, const struct wire_fire *f)
{
    struct trigger *g = &t->trigger_state;
    struct worker *w = &t->workers[0];
    if (f->step <= g->step)
        return; /* of a timer process that was replaced */
    skip(t, f->missed);
    g->step = f->step;
    g->lateness = f->lateness_ns;
    if (worker_has_credit(w) && !w->running)
        run_now(w);
    else if (g->queued || (w->running && t->conf->overlap == CONF_OVERLAP_SKIP))
        skip(t, 1);
    else
        g->queued = true;
}

/* ---- the timer process ---- */

static void
take_frame(struct child *c, unsigned type, const void *frame, size_t size)
{
    struct app *a = c->owner;
    struct wire_fire f;
    (void)size;
    if (type == WIRE_READY) {
        pipe_hide(&c->pipe);
        return;
    }
    if (type != WIRE_FIRE) {
        child_kill(c, SIGKILL);
        return;
    }
    memcpy(&f, frame, sizeof f);
    struct task *t = nth_timer(a, f.timer);
    if (t && a->state != APP_STOPPING)
        fire(t, &f);
}

static void
take_bad_frame(struct child *c, const char *wrong)
{
    log_error("the timer process breaks the protocol, it is replaced", "pid=%d wrong=\"%s\"", (int)c->pid, wrong);
    child_kill(c, SIGKILL);
}

static void
died(struct child *c)
{
    struct app *a = c->owner;
    char cause[64];
    mono_ns now = clock_mono();
    child_cause(c, cause, sizeof cause);
    if (a->state == APP_STOPPING) {
        a->timekeeper_start_at = MONO_NEVER;
        return;
    }
    struct restart_decision d = restart_died(&a->timekeeper_restart, &a->timekeeper_backoff, RESTART_RUNNING,
                                             now - c->started_at > NS_PER_S, now);
    a->timekeeper_start_at = d.give_up ? MONO_NEVER : now + (now - c->started_at > NS_PER_S ? 0 : d.wait);
    log_warn("timer process ended", "pid=%d cause=\"%s\" next=%s", (int)c->pid, cause, d.give_up ? "none" : "soon");
    if (d.give_up)
        app_give_up(a, "the timer process", cause, "it died again and again: is the machine in order?");
}

static const struct child_events events = {.frame = take_frame, .bad_frame = take_bad_frame, .died = died};

static char *
boot_text(const struct app *a)
{
    json_t *timers = json_array();
    for (size_t i = 0; i < a->n_tasks; i++) {
        const struct task *t = &a->tasks[i];
        if (t->conf->kind == CONF_TIMER)
            json_array_append_new(timers, json_pack("{s:s, s:I, s:I, s:I}", "name", t->conf->name, "start",
                                                    (json_int_t)t->trigger_state.start, "interval",
                                                    (json_int_t)t->conf->interval, "after",
                                                    (json_int_t)t->trigger_state.step));
    }
    json_t *boot = json_pack("{s:s, s:s, s:i, s:s, s:o}", "app", a->conf->app, "endpoint",
                             a->timekeeper.pipe.endpoint, "generation", (int)a->timekeeper.generation, "log_level",
                             log_level_name(a->options->level), "timers", timers);
    char *text = json_dumps(boot, JSON_COMPACT);
    json_decref(boot);
    return text;
}

static int
start_process(struct app *a)
{
    char *argv[] = {a->timer_program, a->conf->app, NULL};
    int boot_fd = -1;
    if (child_pipe(&a->timekeeper, a->zmq, app_endpoint(a, NULL), false) == 0) {
        char *text = boot_text(a);
        boot_fd = spawn_document("headrace-boot", text, strlen(text));
        free(text);
    }
    if (boot_fd < 0) {
        int saved = errno;
        pipe_close(&a->timekeeper.pipe);
        errno = saved;
        return -1;
    }
    struct spawn_fd fds[] = {{a->lifeline[0], CHILD_FD_LIFELINE}, {boot_fd, CHILD_FD_BOOT}};
    int result = child_start(&a->timekeeper, a->timer_program, argv, a->environment, fds, 2, NULL);
    close(boot_fd);
    return result;
}

void
trigger_init(struct app *a)
{
    mono_ns start = clock_mono();
    for (size_t i = 0; i < a->n_tasks; i++)
        a->tasks[i].trigger_state.start = start;
    restart_init(&a->timekeeper_restart, TIMER_RESTARTS, TIMER_WITHIN, 1);
    child_init(&a->timekeeper, &a->loop, &events, a);
    a->timekeeper_start_at = start;
}

mono_ns
trigger_tick(struct app *a, mono_ns now)
{
    mono_ns next = child_tick(&a->timekeeper, now);
    if (a->timekeeper.state != CHILD_NONE)
        return next;
    if (now < a->timekeeper_start_at)
        return a->timekeeper_start_at;
    if (start_process(a) < 0) {
        log_error("cannot start the timer process, trying again in 1 s", "error=\"%s\"", zmq_strerror(errno));
        a->timekeeper_start_at = now + NS_PER_S;
        return a->timekeeper_start_at;
    }
    return MONO_NEVER;
}

void
trigger_stop(struct app *a)
{
    struct wire_stop stop;
    a->timekeeper_start_at = MONO_NEVER;
    wire_fill(&stop.header, WIRE_STOP, a->timekeeper.generation, sizeof stop);
    if (a->timekeeper.state == CHILD_ALIVE && pipe_send(&a->timekeeper.pipe, &stop, sizeof stop) < 0)
        child_kill(&a->timekeeper, SIGTERM);
}
