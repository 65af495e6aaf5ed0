/* rebalance.c - what is assigned to us, and giving it up in good order.
 *
 * Owns: the rebalance that is being answered.
 * Guarantees: a partition is given up only when no worker is on a record of it any more and what is done is
 *   committed, or it was lost already; a partition that comes back while an old record of it is still being worked
 *   on stays closed until that has ended (rule 9).
 * Must not know: frames; how workers are killed.
 *
 * DESIGN
 * A revoke is answered late: librdkafka keeps the membership alive until we call (incremental_)unassign. The steps,
 * looked at in every tick until done:
 *   1. close the partitions; withdraw from the workers what they have not begun;
 *   2. wait until nothing of them is held; at drain_timeout kill the workers that are still on such a record;
 *   3. let a commit that is under way finish, then commit what these partitions have done, and wait for the answer;
 *   4. unassign, forget the partitions, and commit nothing more until the group is joined again (commit.c).
 * Where the assignment was lost (session timeout), others may have the partitions already: no commit, unassign at
 * once; the records that workers are on are waited for in the background. */
#include "supervisor/source_int.h"

#include <string.h>

#include "shared/log.h"

static bool
cooperative(const struct source *s)
{
    const char *protocol = rd_kafka_rebalance_protocol(s->rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static void
forget_error(struct source *s, const char *what, rd_kafka_error_t *error)
{
    if (!error)
        return;
    source_complain(s, what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* being_worked_on says whether a lost life of this partition still has records with workers. */
static bool
being_worked_on(const struct source *s, const struct fetch *f)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        const struct fetch *old = s->fetches[i];
        if (old->lost && old->part.number == f->part.number && strcmp(old->part.topic, f->part.topic) == 0)
            return true;
    }
    return false;
}

static void
open_where_free(struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        struct fetch *f = s->fetches[i];
        if (!f->lost && !f->leaving && !f->part.open && f->recovery == RECOVERY_DONE && s->state == SOURCE_RUNNING && !being_worked_on(s, f))
            f->part.open = true;
    }
}

/* ---- assign ---- */

static void
warn_of_idle_workers(struct source *s)
{
    const struct conf_task *c = s->task->conf;
    if (s->n_fetches > 0 && s->n_fetches < c->concurrency && c->order == CONF_ORDER_PARTITION)
        log_warn("more workers than partitions: the rest idles",
                 "task=%s workers=%lld partitions=%u order=partition hint=\"more partitions, fewer workers, or another "
                 "order\"",
                 c->name, (long long)c->concurrency, s->n_fetches);
}

static void
assigned(struct source *s, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (!source_fetch(s, list->elems[i].topic, list->elems[i].partition))
            source_fetch_add(s, list->elems[i].topic, list->elems[i].partition);
    if (cooperative(s))
        forget_error(s, "cannot take an assignment", rd_kafka_incremental_assign(s->rk, list));
    else if (rd_kafka_assign(s->rk, list))
        source_complain(s, "cannot take an assignment", "rd_kafka_assign failed");
    s->assigned_once = true;
    source_reached(s); /* a revoke may be librdkafka's own, an assignment is the broker's */
    s->missing[0] = '\0';
    source_allowed(s, REFUSED_GROUP);
    source_allowed(s, REFUSED_TOPIC);
    s->rebalances++;
    open_where_free(s);
    log_info("partitions assigned", "task=%s new=%d all=%u", s->task->conf->name, list->cnt, s->n_fetches);
    if (list->cnt > 0)
        warn_of_idle_workers(s);
}

/* ---- revoke ---- */

static struct fetch *
listed(const struct source *s, const rd_kafka_topic_partition_list_t *list, int i)
{
    return source_fetch(s, list->elems[i].topic, list->elems[i].partition);
}

static void
withdraw_everywhere(struct source *s, const struct partition *p)
{
    for (int i = 0; i < s->task->n_workers; i++)
        if (s->task->workers[i].sb)
            holding_withdraw(&s->task->workers[i].holding, p);
}

static void
close_listed(struct source *s, bool lost)
{
    for (int i = 0; i < s->revoking->cnt; i++) {
        struct fetch *f = listed(s, s->revoking, i);
        if (!f)
            continue;
        f->part.open = false;
        f->leaving = true;
        withdraw_everywhere(s, &f->part);
        f->lost_at = lost ? clock_mono() : 0;
        f->lost = lost; /* last: a lost one is not found by name any more */
        if (lost) /* and its queue may soon be its successor's */
            source_fetch_cut(f);
    }
}

static uint64_t
held_of_listed(const struct source *s)
{
    uint64_t held = 0;
    for (int i = 0; i < s->revoking->cnt; i++) {
        const struct fetch *f = listed(s, s->revoking, i);
        held += f ? f->part.led.held : 0;
    }
    return held;
}

/* confirming_of_listed: sends and dead letters on their way. They are waited for, but not past the deadline: the record is then
 * somebody else's to try. */
static uint64_t
confirming_of_listed(const struct source *s)
{
    uint64_t confirming = 0;
    for (int i = 0; i < s->revoking->cnt; i++) {
        const struct fetch *f = listed(s, s->revoking, i);
        confirming += f ? ledger_confirming(&f->part.led) : 0;
    }
    return confirming;
}

void
rebalance_unassign(struct source *s)
{
    atomic_store(&s->joining, true); /* it joins right after */
    if (cooperative(s))
        forget_error(s, "cannot give partitions up", rd_kafka_incremental_unassign(s->rk, s->revoking));
    else
        rd_kafka_assign(s->rk, NULL);
}

static void
finish_revoke(struct source *s, bool lost)
{
    rebalance_unassign(s);
    for (int i = 0; i < s->revoking->cnt; i++) {
        struct fetch *f = listed(s, s->revoking, i);
        if (f)
            source_fetch_remove(s, f);
    }
    log_info(lost ? "partitions lost" : "partitions handed over", "task=%s partitions=%d kept=%u", s->task->conf->name,
             s->revoking->cnt, s->n_fetches);
    rd_kafka_topic_partition_list_destroy(s->revoking);
    s->revoking = NULL;
}

static void
revoked(struct source *s, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(s->rk);
    if (s->revoking)
        panic("a rebalance began before the last one was answered");
    s->revoking = rd_kafka_topic_partition_list_copy(list);
    s->drain_deadline = clock_mono() + s->task->app->conf->drain_timeout;
    s->drain_forced = false;
    s->commit_failed = false;
    s->rebalances++;
    close_listed(s, lost);
    if (lost) {
        log_warn("assignment lost", "task=%s partitions=%d hint=\"the group went on without us: what was in hand is repeated\"",
                 s->task->conf->name, list->cnt);
        finish_revoke(s, true);
    }
}

/* expend_holders_of: rule 9. */
static void
expend_holders_of(struct source *s, const struct partition *p)
{
    for (int i = 0; i < s->task->n_workers; i++)
        if (s->task->workers[i].sb && holding_holds(&s->task->workers[i].holding, p) > 0)
            worker_expend(&s->task->workers[i], "drain_timeout");
}

static void
expend_holders(struct source *s)
{
    for (int j = 0; j < s->revoking->cnt; j++) {
        struct fetch *f = listed(s, s->revoking, j);
        if (f)
            expend_holders_of(s, &f->part);
    }
}

static mono_ns
step_revoke(struct source *s, mono_ns now)
{
    if (rd_kafka_assignment_lost(s->rk)) { /* while it drained */
        close_listed(s, true);
        finish_revoke(s, true);
        return MONO_NEVER;
    }
    if (held_of_listed(s) > 0) {
        if (now < s->drain_deadline)
            return s->drain_deadline;
        if (!s->drain_forced)
            expend_holders(s);
        s->drain_forced = true;
        return now + 10 * NS_PER_MS;
    }
    bool closing = s->state >= SOURCE_CLOSING; /* then the stop has waited as long as it may */
    if (!closing && confirming_of_listed(s) > 0 && now < s->drain_deadline)
        return s->drain_deadline;
    if (s->commit_in_flight)
        return MONO_NEVER; /* its answer wakes us */
    if (commit_pending(s) && !s->commit_failed && commit_send(s, false))
        return MONO_NEVER;
    s->commit_failed = false;
    finish_revoke(s, false);
    return MONO_NEVER;
}

/* forget_lost lets go of lost partitions when nothing of them is held any more; after drain_timeout it is taken away. */
static void
forget_lost(struct source *s, mono_ns now)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        struct fetch *f = s->fetches[i];
        if (!f->lost)
            continue;
        if (f->part.led.held == 0) {
            source_fetch_remove(s, f);
            i--;
        } else if (now >= f->lost_at + s->task->app->conf->drain_timeout) {
            expend_holders_of(s, &f->part);
        }
    }
    open_where_free(s);
}

mono_ns
rebalance_tick(struct source *s, mono_ns now)
{
    forget_lost(s, now);
    recovery_ask(s, now);
    recovery_peek(s);
    recovery_tick(s);
    return s->revoking ? step_revoke(s, now) : MONO_NEVER;
}

void
rebalance_event(struct source *s, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    switch (rd_kafka_event_error(event)) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        assigned(s, list);
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        revoked(s, list);
        break;
    default:
        source_complain(s, "rebalance failed", rd_kafka_event_error_string(event));
        rd_kafka_assign(s->rk, NULL);
    }
    s->task->hungry = true;
}
