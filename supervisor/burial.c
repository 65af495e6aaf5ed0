/* burial.c - the death of a worker: what it died of, what becomes of what it held, whether another one follows.
 *
 * Owns: nothing. Guarantees: what a dead worker held is settled from its scoreboard before its successor is born; a death is
 *   one line in the log (and one more with the backtrace, when it is readable).
 * Must not know: what becomes of a record that failed (records.c), when a task is given up on (restart.c). */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/supervisor.h"

#define AT_START (10 * NS_PER_S) /* a life that has begun no record by then is not at its start any more */

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
    bool by_our_term = w->state == WORKER_STOPPING && w->child.code == CLD_KILLED && w->child.status == SIGTERM;
    if (w->expendable)
        snprintf(w->cause, sizeof w->cause, "killed: %s", w->killed_for);
    else if (phase == PHASE_RETURNED && (w->child.code == CLD_EXITED || by_our_term))
        snprintf(w->cause, sizeof w->cause, "returned: %d", atomic_load(&w->sb->returned));
    else if (by_our_term)
        snprintf(w->cause, sizeof w->cause, "stopped"); /* before it could listen */
    else if (w->past_deadline)
        snprintf(w->cause, sizeof w->cause, "deadline: %.1fs", (double)w->task->conf->deadline / (double)NS_PER_S);
    else if (phase == PHASE_SETUP_FAILED && w->child.code == CLD_EXITED)
        snprintf(w->cause, sizeof w->cause, "setup: %.*s", REASON_MAX - 8, w->sb->message);
    else if (w->misbehaved && w->child.code == CLD_KILLED && w->child.status == SIGKILL)
        snprintf(w->cause, sizeof w->cause, "crash: %s", w->wrong);
    else
        child_cause(&w->child, w->cause, sizeof w->cause);
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
    if (on_record || w->returned_on[0] || on_trigger) /* a trigger is to a timer what a record is to a stream */
        return RESTART_ON_RECORD;
    if (w->expendable || (asked && !child_crashed(&w->child)) || strcmp(w->cause, "stopped") == 0)
        return RESTART_ASKED;
    return never_began(w) ? RESTART_AT_START : RESTART_RUNNING;
}

/* `stopping`: it was told to go. */
/* brokers_option is what `try` needs to find the record, where the file does not say it. */
static const char *
brokers_option(const struct task *t, char *buffer, size_t size)
{
    const char *from = json_string_value(json_object_get(t->conf->from, "kafka.bootstrap.servers"));
    const char *brokers = json_string_value(json_object_get(t->conf->kafka, "bootstrap.servers"));
    bool given = t->app->has_embedded || (from && strcmp(from, "command line") == 0);
    buffer[0] = '\0';
    if (given && brokers)
        snprintf(buffer, size, " -b %s", brokers);
    return buffer;
}

static void
obituary(const struct worker *w, bool stopping, const char *record, uint64_t back, const char *next)
{
    bool unharmed = strcmp(record, "none") == 0 && (!child_crashed(&w->child) || strcmp(w->cause, "stopped") == 0);
    bool quiet = stopping && unharmed;
    const char *hint = phase_of(w) == PHASE_RETURNED && w->task->conf->kind == CONF_STREAM
                           ? " hint=\"the task's function returned before hr_next gave NULL\""
                           : "";
    char quoted[2 * REASON_MAX], try_it[900] = "", brokers[300];
    if (strcmp(record, "none") != 0)
        snprintf(try_it, sizeof try_it, " try=\"headrace try %s %s --record %s --debug%s\"", w->task->app->conf->path,
                 w->task->conf->name, record, brokers_option(w->task, brokers, sizeof brokers));
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
        w->autopsy = autopsy_start(&a->loop, frames, a->symbolize_program, a->environment,
                                   w->task->conf->user, tell_backtrace, who);
    }
    free(frames);
}

void
burial_of(struct child *c)
{
    struct worker *w = c->owner;
    struct partition *p = NULL;
    uint64_t pos = 0;
    char record[320] = "none", next[32];
    uint32_t n_on = 0;
    worker_hear(w);
    /* what ended before; the rest is buried */
    bool believed = holding_settle(&w->holding) == NULL && holding_intact(&w->holding);
    note_cause(w);
    begin_autopsy(w);
    bool on = believed ? holding_on(&w->holding, &p, &pos) : holding_alone(&w->holding, &p, &pos);
    if (believed)
        n_on = holding_n_on(&w->holding);
    if (on)
        snprintf(record, sizeof record, "%s:%d:%" PRId64, p->topic, p->number, ledger_entry(&p->led, pos)->offset);
    if (n_on > 1 && w->holding.batch > 0) /* which of them it was is found by handing them out in halves */
        log_warn("a batch was on", "task=%s instance=%d pid=%d records=%u first=%s", w->task->conf->name, w->instance,
                 (int)w->child.pid, n_on, record);
    bool guilty = believed ? on : !w->expendable && holding_accuse(&w->holding);
    enum restart_death death = sort_of_death(w, guilty && !w->expendable);
    uint64_t back = holding_bury(&w->holding, believed && !w->expendable);
    if (!on && w->returned_on[0])
        snprintf(record, sizeof record, "%s", w->returned_on);
    w->task->redelivered += back;
    totals_fold(w->task->app, w);
    bool stopping = w->task->app->state == APP_STOPPING || w->state == WORKER_STOPPING;
    bool given_up_before = w->task->failed_for_good; /* by a record, say; then it was said why */
    decide_next(w, death, next, sizeof next);
    obituary(w, stopping, record, back, next);
    worker_drop_scoreboard(w);
    w->running = false;
    w->task->hungry = true;
    if (!given_up_before && w->task->failed_for_good)
        app_give_up(w->task->app, w->task->conf->name, w->cause,
                    "it died more often than restart.max allows");
}
