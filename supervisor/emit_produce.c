/* emit_produce.c - what tasks send, given to librdkafka.
 *
 * Owns: nothing. Guarantees: groups are produced in the order in which they were handed in; topics and sizes
 * of a whole group are looked at before its first message is produced. Must not know: what becomes of a
 * record.
 *
 * DESIGN
 * `to_produce` is the first parcel with something that librdkafka does not have; all before it only wait for
 * reports. A group that must wait (for what the broker says of a topic, for room in librdkafka) holds up
 * those behind it.
 *
 * The broker refuses whole batches for one message in them. So a message of a refused batch is a suspect: it is produced again
 * alone, and only then is the refusal believed. */
#include "supervisor/emit_int.h"

#include "shared/log.h"

#define FULL_AGAIN (10 * NS_PER_MS)   /* librdkafka's queue is full */
#define STALE_AGAIN (100 * NS_PER_MS) /* it does not know a topic yet that is there */
#define STALE_FOR (10 * NS_PER_S)
#define RUN 64 /* messages that librdkafka is given in one call */

static rd_kafka_headers_t *
headers_of(const struct wire_message_view *v)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(v->m.headers);
    const unsigned char *at = NULL;
    const char *name, *text;
    size_t length;
    while ((name = wire_header_next(&v->headers, &at, &text, &length)))
        rd_kafka_header_add(headers, name, -1, text, text ? (ssize_t)length : -1);
    return headers;
}

static rd_kafka_resp_err_t
produce(struct emitter *e, struct outgoing_message *m)
{
    const struct wire_message_view *v = &m->view;
    rd_kafka_topic_t *topic = topics_handle(e, m->topic);
    int32_t partition = v->m.partition == WIRE_ANY_PARTITION ? RD_KAFKA_PARTITION_UA : v->m.partition;
    void *value = (void *)(uintptr_t)v->value;
    size_t key_length = v->key ? (size_t)v->m.key_length : 0,
           value_length = value ? (size_t)v->m.value_length : 0;
    if (v->m.headers == 0 && v->m.timestamp == 0)
        return rd_kafka_produce(topic, partition, 0, value, value_length, v->key, key_length, m) == 0
                   ? RD_KAFKA_RESP_ERR_NO_ERROR
                   : rd_kafka_last_error();
    rd_kafka_headers_t *headers = headers_of(v);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        e->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(v->key, key_length),
        RD_KAFKA_V_VALUE(value, value_length), RD_KAFKA_V_TIMESTAMP(v->m.timestamp),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(m), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(headers); /* it is the producer's only where the call succeeds */
    return err;
}

/* wait_for: the group, and all behind it, are tried again later. */
static bool
wait_for(struct emitter *e, mono_ns wait)
{
    e->produce_at = clock_mono() + wait;
    return false;
}

/* not_taken deals with an error of produce; false: those behind it wait, too. */
static bool
not_taken(struct emitter *e, struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    struct outgoing *o = m->of;
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return wait_for(e, FULL_AGAIN);
    if (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC && m->topic->state == TOPIC_THERE &&
        clock_mono() < o->parcel->arrived + STALE_FOR)
        return wait_for(e, STALE_AGAIN);
    if (!sends_for_good(err)) {
        sends_trouble(e, m, err);
        return wait_for(e, EMIT_AGAIN);
    }
    sends_note_refused(e, o, m, err);
    sends_refuse_rest(e, o);
    return true;
}

/* produce_group gives librdkafka what it does not have of a group; false: it has to wait. */
static bool
produce_group(struct emitter *e, struct outgoing *o)
{
    enum emit_verdict verdict = o->begun ? EMIT_GO : o->refused ? EMIT_REFUSE : topics_look(e, o);
    if (verdict == EMIT_WAIT)
        return false;
    if (verdict == EMIT_REFUSE) {
        sends_refuse_rest(e, o);
        return true;
    }
    for (uint32_t i = 0; i < o->n; i++) {
        struct outgoing_message *m = &o->messages[i];
        if (m->produced || m->settled)
            continue;
        if (e->alone || (m->suspect && e->under_way > 0))
            return false; /* a report wakes us */
        rd_kafka_resp_err_t err = produce(e, m);
        if (err)
            return not_taken(e, m, err);
        m->produced = o->begun = true;
        e->under_way++;
        e->alone = m->suspect ? m : NULL;
    }
    return true;
}

/* is_plain: one message, which librdkafka takes together with others to its topic. */
static bool
is_plain(const struct outgoing *o)
{
    if (o->finished || o->begun || o->refused || o->n != 1)
        return false;
    const struct wire_message *m = &o->messages->view.m;
    return m->headers == 0 && m->timestamp == 0 && m->partition == WIRE_ANY_PARTITION;
}

/* produce_run gives librdkafka the groups from p->from on that are plain and go to one topic in one call,
 * which costs a fifth less than one by one. What it does not take is left to produce_group. */
static void
produce_run(struct emitter *e, struct parcel *p)
{
    rd_kafka_message_t run[RUN];
    int n = 0;
    struct outgoing *first = &p->groups[p->from], *end = p->groups + p->n;
    for (struct outgoing *o = first; o < end && n < RUN && is_plain(o) && topics_look(e, o) == EMIT_GO; o++) {
        const struct wire_message_view *v = &o->messages->view;
        if (o->messages->topic != first->messages->topic)
            break;
        run[n++] = (rd_kafka_message_t){.payload = (void *)(uintptr_t)v->value,
                                        .len = v->value ? (size_t)v->m.value_length : 0,
                                        .key = (void *)(uintptr_t)v->key,
                                        .key_len = v->key ? (size_t)v->m.key_length : 0,
                                        ._private = o->messages};
    }
    if (n < 2)
        return;
    rd_kafka_produce_batch(topics_handle(e, first->messages->topic), RD_KAFKA_PARTITION_UA, 0, run, n);
    for (int i = 0; i < n; i++) {
        first[i].messages->produced = first[i].begun = !run[i].err;
        e->under_way += !run[i].err;
    }
}

static bool
produce_parcel(struct emitter *e, struct parcel *p)
{
    for (; p->from < p->n; p->from++) {
        struct outgoing *o = &p->groups[p->from];
        if (!e->alone && is_plain(o))
            produce_run(e, p);
        if (!o->finished && !produce_group(e, o))
            return false;
    }
    return true;
}

void
sends_produce(struct emitter *e)
{
    if (e->failed || !e->to_produce || (e->produce_at && clock_mono() < e->produce_at))
        return;
    e->produce_at = 0;
    for (struct parcel *p; (p = e->to_produce) && produce_parcel(e, p);) {
        e->to_produce = p->next;
        sends_drop_finished(e, p);
    }
}
