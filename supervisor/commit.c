/* commit.c - the ledger's commit points back to Kafka.
 *
 * Owns: the one commit that may be under way.
 * Guarantees: only commit points of the ledger are committed, one request at a time, never while a commit would cost the
 *   assignment, never for a partition that was lost.
 * Must not know: workers.
 *
 * A commit that reaches the broker behind a JoinGroup of the same client is answered when the new generation is there,
 * and refused; librdkafka then gives the whole assignment up. So none is sent while the group is being joined: from the
 * JoinGroup that goes out to the SyncGroup that is answered, as interceptors see them (clients.c).
 *
 * Most commits wait for commit_interval. Those that more depends on do not: a record that may only be handed out when it
 * is noted (recovery.c), a window that is half full, and a dead letter. Until what is behind a letter is committed, the
 * end of this supervisor or the loss of the partition makes whoever is next write the letter again. */
#include <string.h>

#include "supervisor/source_int.h"

#include "shared/log.h"

#define MARK_AGAIN (50 * NS_PER_MS)
#define LETTERS_EVERY (10 * NS_PER_MS) /* for many letters one commit */

bool
commit_differs(const struct fetch *f)
{
    int64_t point = ledger_commit_point(&f->part.led);
    return point >= 0 && point != f->committed;
}

static bool
changed(const struct fetch *f)
{
    return !f->lost && commit_differs(f);
}

/* last_word: the partition is left with nothing in hand, and its commit has not said so yet. */
static bool
last_word(const struct source *s, const struct fetch *f)
{
    bool left = f->leaving || s->state >= SOURCE_COMMITTING;
    return left && !f->said_clean && f->recovery == RECOVERY_DONE && f->part.led.held == 0 &&
           ledger_confirming(&f->part.led) == 0;
}

bool
commit_pending(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (changed(s->fetches[i]) ||
            (last_word(s, s->fetches[i]) && ledger_commit_point(&s->fetches[i]->part.led) >= 0))
            return true;
    return false;
}

bool
commit_open(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (changed(s->fetches[i]))
            return true;
    return false;
}

static rd_kafka_topic_partition_list_t *
commit_list(const struct source *s, bool all)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->n_fetches);
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        struct fetch *f = s->fetches[i];
        int64_t point = ledger_commit_point(&f->part.led);
        if (f->lost || point < 0 || !(all || changed(f) || recovery_wants_mark(f) || last_word(s, f)))
            continue;
        rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, f->part.topic, f->part.number);
        p->offset = point;
        f->sent_base = f->part.led.base;
        f->sent_letters = f->part.led.lettered;
        f->leaving_clean = last_word(s, f);
        recovery_marking(f);
        p->metadata = recovery_metadata(f, point); /* freed with the list */
        p->metadata_size = strlen(p->metadata);
    }
    return list;
}

bool
commit_send(struct source *s, bool all)
{
    if (s->commit_in_flight || (atomic_load(&s->joining) && s->state < SOURCE_COMMITTING))
        return false; /* the last one of a stop is tried all the same: there is nothing to be spoilt any more */
    rd_kafka_topic_partition_list_t *list = commit_list(s, all);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0) {
        err = rd_kafka_commit_queue(s->rk, list, s->main, NULL, s);
        s->commit_in_flight = !err;
        s->commit_failed = !!err;
        if (err)
            source_complain(s, "cannot commit", rd_kafka_err2str(err));
    }
    rd_kafka_topic_partition_list_destroy(list);
    return s->commit_in_flight;
}

static void
note_committed(struct source *s, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct fetch *f = source_fetch(s, p->topic, p->partition);
        bool good = f && !p->err && p->offset >= 0;
        if (good) {
            f->committed = p->offset;
            f->part.confirmed = f->sent_base;
            s->task->hungry = true;
        }
        if (good && f->leaving_clean)
            f->said_clean = true;
        if (f)
            recovery_marked(f, good);
    }
}

void
commit_event(struct source *s, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    s->commit_in_flight = false;
    s->commit_failed = err && err != RD_KAFKA_RESP_ERR__NO_OFFSET;
    if (!err && list) {
        source_reached(s);
        source_allowed(s, REFUSED_GROUP);
        note_committed(s, list);
    } else {
        for (uint32_t i = 0; i < s->n_fetches; i++)
            recovery_marked(s->fetches[i], false);
    }
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        source_refused(s, REFUSED_GROUP, s->task->conf->group);
    else if (s->commit_failed && s->reached)
        source_complain(s, "commit failed, it is sent again", rd_kafka_err2str(err));
}

/* window_half_full: much is done and not committed, so that reading may have to wait for it. */
static bool
window_half_full(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        const struct partition *p = &s->fetches[i]->part;
        if (p->led.base - p->confirmed > s->task->dispatch.window / 2)
            return true;
    }
    return false;
}

static bool
wants_mark(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (recovery_wants_mark(s->fetches[i]) && ledger_commit_point(&s->fetches[i]->part.led) >= 0)
            return true;
    return false;
}

/* letter_written: the commit point has passed a dead letter, and Kafka was not told. Where it was told and refused, the
 * letter hurries no more. */
static bool
letter_written(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        const struct fetch *f = s->fetches[i];
        if (!f->lost && f->part.led.lettered > f->sent_letters)
            return true;
    }
    return false;
}

/* commit_due is when the next commit is to be sent. */
static mono_ns
commit_due(const struct source *s, mono_ns now)
{
    mono_ns due = window_half_full(s) ? now : s->next_commit;
    if (wants_mark(s))
        due = mono_earlier(due, s->next_mark);
    if (letter_written(s))
        due = mono_earlier(due, s->next_letters);
    return due;
}

mono_ns
commit_tick(struct source *s, mono_ns now)
{
    if (s->state != SOURCE_RUNNING || s->revoking || s->commit_in_flight)
        return MONO_NEVER;
    mono_ns due = commit_due(s, now);
    if (now < due)
        return due;
    bool sent = commit_send(s, s->probe);
    s->next_commit = now + s->task->app->conf->commit_interval;
    s->next_mark = sent ? now : now + MARK_AGAIN;
    s->next_letters = now + (sent ? LETTERS_EVERY : MARK_AGAIN);
    return sent ? s->next_commit : now + MARK_AGAIN; /* its answer wakes us */
}
