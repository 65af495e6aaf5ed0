/* records.c - what becomes of a record that ended with a worker.
 *
 * Owns: nothing. Guarantees: a record that failed is tried again as its task's policy says, and then given up on
 *   with an error line that names it, once all before it in its lane has ended; every ending is counted once.
 * Must not know: frames, slots, Kafka. */
#include <inttypes.h>
#include <stdio.h>

#include "shared/log.h"
#include "supervisor/emit.h"
#include "supervisor/supervisor.h"

/* reason_text writes the reason as users see it: "failed: <message>", "crash: SIGSEGV". */
static const char *
reason_text(const struct worker *w, enum ending ending, const struct reason *reason, char *buffer, size_t size)
{
    static const char *const prefix[] = {
        [FAILURE_FAILED] = "failed",
        [FAILURE_REJECTED] = "rejected",
        [FAILURE_DECODE] = "decode",
        [FAILURE_RETURNED] = "returned",
    };
    if (ending == ENDING_CRASHED)
        snprintf(buffer, size, "%s", w->cause);
    else
        snprintf(buffer, size, "%s: %s", prefix[reason->kind], reason->text);
    return buffer;
}

static void
again(struct worker *w, struct partition *p, uint64_t pos, mono_ns wait, const char *why)
{
    struct entry *e = ledger_entry(&p->led, pos);
    char quoted[2 * REASON_MAX];
    w->task->retried++;
    log_warn("record failed, it is tried again",
             "task=%s record=%s:%d:%" PRId64 " attempt=%u of=%u in=%" PRId64 "ms reason=\"%s\"", w->task->conf->name,
             p->topic, p->number, e->offset, e->attempt, w->task->policy.attempts, wait / NS_PER_MS,
             log_quote(why, quoted, sizeof quoted));
    dispatch_retry(&w->task->dispatch, p, pos, clock_mono() + wait);
}

/* repeat: what its lane sends before it was lost with the worker. It is repeated with that, and only then given up on. */
static void
repeat(struct task *t, struct partition *p, uint64_t pos, const char *why)
{
    struct entry *e = ledger_entry(&p->led, pos);
    char quoted[2 * REASON_MAX];
    log_warn("record failed, it is repeated with its lane", "task=%s record=%s:%d:%" PRId64 " attempt=%u reason=\"%s\"",
             t->conf->name, p->topic, p->number, e->offset, e->attempt, log_quote(why, quoted, sizeof quoted));
    dispatch_returned(&t->dispatch, p, pos);
}

static void
skip(struct task *t, struct partition *p, uint64_t pos, const char *why)
{
    struct entry *e = ledger_entry(&p->led, pos);
    char quoted[2 * REASON_MAX];
    t->skipped++;
    log_error("record skipped", "task=%s record=%s:%d:%" PRId64 " attempts=%u reason=\"%s\"", t->conf->name,
              p->topic, p->number, e->offset, e->attempt, log_quote(why, quoted, sizeof quoted));
    dispatch_done(&t->dispatch, p, pos);
}

/* stays: the record goes back as if it had not been tried; it is delivered again after the next start. */
static void
stays(struct task *t, struct partition *p, uint64_t pos)
{
    enum entry_state state = ledger_entry(&p->led, pos)->state;
    if (state == ENTRY_HELD || state == ENTRY_SENDING)
        dispatch_returned(&t->dispatch, p, pos);
}

/* stop_on: on_failure "stop": the record stays, and is the first one after the next start. */
static void
stop_on(struct task *t, struct partition *p, uint64_t pos, const char *why)
{
    char text[REASON_MAX + 320];
    snprintf(text, sizeof text, "record %s:%d:%" PRId64 ": %s", p->topic, p->number,
             ledger_entry(&p->led, pos)->offset, why);
    stays(t, p, pos);
    t->failed_for_good = true;
    app_give_up(t->app, t->conf->name, text, "on_failure is stop: mend the task or the record, then start again");
}

/* look_at_run: SPEC 5.8, a bad deployment must not empty a topic into the dead letters. */
static void
look_at_run(struct task *t, const char *why)
{
    t->letters_in_a_row++;
    if (t->conf->dead_letter_limit == 0 || t->letters_in_a_row < (uint64_t)t->conf->dead_letter_limit ||
        t->failed_for_good)
        return;
    t->failed_for_good = true;
    app_give_up(t->app, t->conf->name, why, "the last dead_letter_limit records all failed: is it the task, or what it needs?");
}

static void
give_up(struct task *t, struct partition *p, uint64_t pos, const char *why, struct autopsy *autopsy)
{
    if (t->failed_for_good) { /* the app stops for this task: nothing more of it is given up on */
        stays(t, p, pos);
        return;
    }
    switch (t->conf->on_failure) {
    case CONF_SKIP:
        skip(t, p, pos, why);
        break;
    case CONF_STOP:
        stop_on(t, p, pos, why);
        break;
    default:
        dispatch_letter(&t->dispatch, p, pos);
        emit_letter(t->emitter, p, pos, why, autopsy);
        look_at_run(t, why);
    }
}

void
records_ended(void *worker, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    struct worker *w = worker;
    char why[REASON_MAX + 32];
    w->task->hungry = true;
    if (ending == ENDING_FINISHED || ending == ENDING_SENT) {
        w->finished_life++;
        w->processed++;
        w->task->processed++;
        if (ending == ENDING_FINISHED) /* else when what it sends is confirmed */
            w->task->letters_in_a_row = 0;
        return;
    }
    bool final = ending == ENDING_FAILED && (reason->kind == FAILURE_REJECTED || reason->kind == FAILURE_DECODE);
    mono_ns asked = ending == ENDING_FAILED ? reason->retry_after_ns : -1;
    struct attempts_decision decision = attempts_decide(&w->task->policy, ledger_entry(&p->led, pos)->attempt, final,
                                                        asked, app_random(w->task->app));
    w->task->failed++;
    if (ending == ENDING_FAILED && reason->kind == FAILURE_RETURNED)
        snprintf(w->returned_on, sizeof w->returned_on, "%s:%d:%" PRId64, p->topic, p->number,
                 ledger_entry(&p->led, pos)->offset);
    reason_text(w, ending, reason, why, sizeof why);
    if (decision.again)
        again(w, p, pos, decision.wait, why);
    else if (dispatch_goes_back(&w->task->dispatch, p, pos))
        repeat(w->task, p, pos, why);
    else
        give_up(w->task, p, pos, why, ending == ENDING_CRASHED ? w->autopsy : NULL);
}

void
records_took_supervisor_down(struct task *t, struct partition *p, uint64_t pos)
{
    t->failed++;
    give_up(t, p, pos, "crash: the supervisor ended", NULL);
}

void
records_sent(struct task *t, struct partition *p, uint64_t pos)
{
    t->letters_in_a_row = 0;
    dispatch_done(&t->dispatch, p, pos);
}

void
records_send_refused(struct task *t, struct partition *p, uint64_t pos, const char *error)
{
    char why[REASON_MAX];
    snprintf(why, sizeof why, "send: %s", error);
    t->failed++;
    give_up(t, p, pos, why, NULL);
}
