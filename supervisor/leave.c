/* leave.c - the end of a source: nothing more in hand, the last commit, out of the group.
 *
 * Owns: how far that has come. Guarantees: it ends within a few seconds of nothing being in hand, whatever the broker does;
 *   what was not confirmed by then is said.
 * Must not know: workers, why the app stops. */
#include "shared/log.h"
#include "supervisor/source_int.h"

#define JOIN_SPARE (3 * NS_PER_S)      /* of the stop's time, for what comes after the join */
#define COMMIT_AGAIN (200 * NS_PER_MS) /* after a refused one */

void
source_stop(struct source *s)
{
    if (s->state != SOURCE_RUNNING)
        return;
    s->state = SOURCE_DRAINING;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        s->fetches[i]->part.open = false;
}

/* await_join: a commit behind a JoinGroup is refused, so the last one waits for the group to be joined, as long as the
 * stop has time. */
static bool
await_join(const struct source *s, mono_ns now)
{
    return atomic_load(&s->joining) && commit_pending(s) && now < s->task->app->stop_deadline - JOIN_SPARE;
}

/* nothing_in_hand: what waits for the broker's confirmation is waited for as long as the stop has time; what is done beside it
 * is committed all the same. */
static bool
nothing_in_hand(const struct source *s, mono_ns now)
{
    uint64_t held = 0;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        held += s->fetches[i]->part.led.held;
    return now < s->task->app->stop_deadline ? source_in_hand(s) == 0 : held == 0;
}

/* awaits_answer: a commit is under way that concerns what is still ours. Where the assignment was lost nothing is, and
 * librdkafka may keep the answer for as long as the broker is away. */
static bool
awaits_answer(const struct source *s)
{
    return s->commit_in_flight && s->n_fetches > 0;
}

static bool
owes_commit(const struct source *s)
{
    return awaits_answer(s) || (s->commit_failed && s->n_fetches > 0);
}

/* leave_the_rest: the time of the stop is over, and what waits for a confirmation still does. */
static void
leave_the_rest(struct source *s)
{
    s->task->app->forced = true;
    log_warn("stop_timeout: records whose sends or dead letters are not confirmed are delivered again",
             "task=%s records=%llu", s->task->conf->name, (unsigned long long)source_in_hand(s));
}

void
leave_tick(struct source *s, mono_ns now)
{
    if (s->state == SOURCE_DRAINING && nothing_in_hand(s, now) && !awaits_answer(s) && !await_join(s, now)) {
        if (source_in_hand(s) > 0)
            leave_the_rest(s);
        s->state = SOURCE_COMMITTING;
        s->close_deadline = now + 5 * NS_PER_S;
        commit_send(s, false);
    }
    if (s->state == SOURCE_COMMITTING && s->commit_failed && !s->commit_in_flight && now < s->close_deadline &&
        now >= s->next_mark) {
        s->next_mark = now + COMMIT_AGAIN;
        commit_send(s, false);
    }
    if (s->state == SOURCE_COMMITTING && (!owes_commit(s) || now >= s->close_deadline)) {
        s->state = SOURCE_CLOSING;
        s->close_deadline = now + 5 * NS_PER_S;
        rd_kafka_error_t *error = rd_kafka_consumer_close_queue(s->rk, s->main);
        if (error)
            rd_kafka_error_destroy(error);
    }
    if (s->state != SOURCE_CLOSING || (!rd_kafka_consumer_closed(s->rk) && now < s->close_deadline))
        return;
    s->state = SOURCE_CLOSED;
    s->unconfirmed = commit_open(s) || s->left_uncommitted;
    if (s->unconfirmed)
        log_warn("the last commit was not confirmed: what it covers is delivered again", "task=%s", s->task->conf->name);
    else if (!rd_kafka_consumer_closed(s->rk))
        log_warn("the group was not left in order: the broker does not answer", "task=%s", s->task->conf->name);
}

bool
source_unconfirmed(const struct source *s)
{
    return s->state != SOURCE_CLOSED || s->unconfirmed;
}

bool
source_closed(const struct source *s)
{
    return s->state == SOURCE_CLOSED;
}
