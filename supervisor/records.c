/* records.c - what becomes of a record that ended with a worker.
 *
 * Owns: nothing. Guarantees: a record that failed is tried again as its task's policy says, and then given up on
 *   with an error line that names it; every ending is counted once.
 * Must not know: frames, slots, Kafka. */
#include <inttypes.h>
#include <stdio.h>

#include "shared/log.h"
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
             "task=%s record=%s/%d@%" PRId64 " attempt=%u of=%u in=%" PRId64 "ms reason=\"%s\"", w->task->conf->name,
             p->topic, p->number, e->offset, e->attempt, w->task->policy.attempts, wait / NS_PER_MS,
             log_quote(why, quoted, sizeof quoted));
    dispatch_retry(&w->task->dispatch, p, pos, clock_mono() + wait);
}

static void
give_up(struct worker *w, struct partition *p, uint64_t pos, const char *why)
{
    struct entry *e = ledger_entry(&p->led, pos);
    char quoted[2 * REASON_MAX];
    w->task->skipped++;
    log_error("record skipped", "task=%s record=%s/%d@%" PRId64 " attempts=%u reason=\"%s\"", w->task->conf->name,
              p->topic, p->number, e->offset, e->attempt,
              log_quote(why, quoted, sizeof quoted));
    dispatch_done(&w->task->dispatch, p, pos);
}

void
records_ended(void *worker, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    struct worker *w = worker;
    char why[REASON_MAX + 32];
    w->task->hungry = true;
    if (ending == ENDING_FINISHED) {
        w->finished_life++;
        w->processed++;
        w->task->processed++;
        return;
    }
    bool final = ending == ENDING_FAILED && (reason->kind == FAILURE_REJECTED || reason->kind == FAILURE_DECODE);
    struct attempts_decision decision = attempts_decide(&w->task->policy, ledger_entry(&p->led, pos)->attempt, final,
                                                        app_random(w->task->app));
    w->task->failed++;
    reason_text(w, ending, reason, why, sizeof why);
    if (decision.again)
        again(w, p, pos, decision.wait, why);
    else
        give_up(w, p, pos, why);
}
