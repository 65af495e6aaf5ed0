/* commit.c - the ledger's commit points back to Kafka.
 *
 * Owns: the one commit that may be under way.
 * Guarantees: only commit points of the ledger are committed, one request at a time, never while a commit would cost the
 *   assignment (between an unassign and the next assign), never for a partition that was lost.
 * Must not know: workers. */
#include "supervisor/source_int.h"

#include "shared/log.h"

static bool
changed(const struct fetch *f)
{
    int64_t point = ledger_commit_point(&f->part.led);
    return !f->lost && point >= 0 && point != f->committed;
}

bool
commit_pending(const struct source *s)
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
        const struct fetch *f = s->fetches[i];
        int64_t point = ledger_commit_point(&f->part.led);
        if (changed(f) || (all && !f->lost && point >= 0))
            rd_kafka_topic_partition_list_add(list, f->part.topic, f->part.number)->offset = point;
    }
    return list;
}

bool
commit_send(struct source *s, bool all)
{
    if (s->commit_in_flight || s->commit_held)
        return false;
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
        if (f && !p->err && p->offset >= 0)
            f->committed = p->offset;
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
        note_committed(s, list);
    } else if (s->commit_failed && s->reached) {
        source_complain(s, "commit failed, it is sent again", rd_kafka_err2str(err));
    }
}

mono_ns
commit_tick(struct source *s, mono_ns now)
{
    if (s->commit_held && now >= s->commit_held_until)
        s->commit_held = false;
    if (s->state != SOURCE_RUNNING || s->revoking || s->commit_in_flight)
        return MONO_NEVER;
    if (now < s->next_commit)
        return s->next_commit;
    commit_send(s, s->probe);
    s->next_commit = now + s->task->app->conf->commit_interval;
    return s->next_commit;
}
