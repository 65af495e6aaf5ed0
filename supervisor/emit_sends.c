/* emit_sends.c - what tasks send, into Kafka.
 *
 * Owns: each group of messages, what one record sends, until all of it is confirmed or refused for good.
 * Guarantees: groups are produced in the order in which they were handed in, so that what a lane sends keeps
 * its order; sizes and topics of a whole group are looked at before its first message is produced; a record
 * is done only when all that it sends is confirmed, and is never run again for a send that was refused (slot
 * protocol rule 6). Must not know: workers, the ledger's order, where groups come from.
 *
 * DESIGN
 * Messages point into the frame that came from the worker; the group holds a reference to it, so nothing is
 * copied again. `to_produce` is the first group with something that librdkafka does not have; all before it
 * only wait for reports. A group that must wait (for what the broker says of a topic, for room in librdkafka)
 * holds up those behind it. */
#include "supervisor/emit_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/log.h"
#include "shared/mem.h"

#define FULL_AGAIN (10 * NS_PER_MS)   /* librdkafka's queue is full */
#define STALE_AGAIN (100 * NS_PER_MS) /* it does not know a topic yet that is there */
#define STALE_FOR (10 * NS_PER_S)

static void
settle(struct emitter *e, struct outgoing_message *m)
{
    m->settled = true;
    m->of->settled++;
    e->n_messages--;
}

static void
unlink_group(struct emitter *e, struct outgoing *o)
{
    *(o->before ? &o->before->next : &e->oldest) = o->next;
    *(o->next ? &o->next->before : &e->newest) = o->before;
    if (e->to_produce == o)
        e->to_produce = o->next;
    e->bytes -= o->bytes;
}

static void
free_group(struct outgoing *o)
{
    batch_unref(o->body);
    free(o->refused);
    free(o);
}

/* finish: nothing of the group is under way any more. */
static void
finish(struct emitter *e, struct outgoing *o)
{
    struct task *t = e->task;
    unlink_group(e, o);
    t->hungry = true;
    if (o->part && o->refused)
        records_send_refused(t, o->part, o->pos, o->refused);
    else if (o->part)
        records_sent(t, o->part, o->pos);
    else if (o->no_record && o->refused)
        log_error("what a task sends is refused, it is lost", "task=%s error=\"%s\"", t->conf->name,
                  o->refused);
    free_group(o);
}

/* refuse_rest: o->refused says why. What is under way is waited for. */
static void
refuse_rest(struct emitter *e, struct outgoing *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (!o->messages[i].produced && !o->messages[i].settled)
            settle(e, &o->messages[i]);
    if (o->settled == o->n)
        finish(e, o);
}

/* for_good: sending the same message again would end the same way. */
static bool
for_good(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return true;
    default:
        return false;
    }
}

static void
note_refused(struct outgoing *o, const struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    if (!o->refused)
        o->refused = mem_printf("%s: %s", m->topic->name, rd_kafka_err2str(err));
}

static void
trouble(struct emitter *e, const struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    char first[300];
    snprintf(first, sizeof first, "topic=%s", m->topic->name);
    emit_complain(e, "what the task sends cannot be written, its records wait", first, e->n_messages,
                  rd_kafka_err2str(err));
}

/* ---- producing ---- */

static rd_kafka_resp_err_t
produce(struct emitter *e, struct outgoing_message *m)
{
    struct wire_message_view v;
    wire_sends_at(m->of->body->data, m->at, &v);
    rd_kafka_topic_t *topic = topics_handle(e, m->topic);
    int32_t partition = v.m.partition == WIRE_ANY_PARTITION ? RD_KAFKA_PARTITION_UA : v.m.partition;
    void *value = (void *)(uintptr_t)v.value;
    size_t key_length = v.key ? (size_t)v.m.key_length : 0,
           value_length = value ? (size_t)v.m.value_length : 0;
    if (v.m.headers == 0 && v.m.timestamp == 0)
        return rd_kafka_produce(topic, partition, 0, value, value_length, v.key, key_length, m) == 0
                   ? RD_KAFKA_RESP_ERR_NO_ERROR
                   : rd_kafka_last_error();
    rd_kafka_headers_t *headers = rd_kafka_headers_new(v.m.headers);
    const unsigned char *at = NULL;
    const char *name, *text;
    size_t length;
    while ((name = wire_header_next(&v.headers, &at, &text, &length)))
        rd_kafka_header_add(headers, name, -1, text, text ? (ssize_t)length : -1);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        e->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(v.key, key_length),
        RD_KAFKA_V_VALUE(value, value_length), RD_KAFKA_V_TIMESTAMP(v.m.timestamp),
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
        clock_mono() < o->arrived + STALE_FOR)
        return wait_for(e, STALE_AGAIN);
    if (!for_good(err)) {
        trouble(e, m, err);
        return wait_for(e, EMIT_AGAIN);
    }
    note_refused(o, m, err);
    refuse_rest(e, o);
    return true;
}

/* produce_group gives librdkafka what it does not have of a group; false: it has to wait. The group may be
 * gone then. */
static bool
produce_group(struct emitter *e, struct outgoing *o)
{
    enum emit_verdict verdict = o->begun ? EMIT_GO : topics_look(e, o);
    if (verdict == EMIT_WAIT)
        return false;
    if (verdict == EMIT_REFUSE) {
        refuse_rest(e, o);
        return true;
    }
    for (uint32_t i = 0; i < o->n; i++) {
        struct outgoing_message *m = &o->messages[i];
        if (m->produced || m->settled)
            continue;
        rd_kafka_resp_err_t err = produce(e, m);
        if (err)
            return not_taken(e, m, err);
        m->produced = o->begun = true;
    }
    return true;
}

void
sends_produce(struct emitter *e)
{
    if (e->produce_at && clock_mono() < e->produce_at)
        return;
    e->produce_at = 0;
    for (struct outgoing *o; (o = e->to_produce);) {
        struct outgoing *next = o->next;
        if (!produce_group(e, o))
            break;
        e->to_produce = next;
    }
}

static struct outgoing *
group_new(const struct wire_group *group, struct batch *body)
{
    struct outgoing *o = mem_alloc(sizeof *o + group->messages * sizeof o->messages[0]);
    o->body = batch_ref(body);
    o->arrived = clock_mono();
    o->n = group->messages;
    o->bytes = group->size;
    return o;
}

void
emit_group(struct emitter *e, struct partition *p, uint64_t pos, struct batch *body,
           const struct wire_group *group, struct wire_sends_walk *walk)
{
    struct wire_message_view view;
    struct outgoing *o = group_new(group, body);
    o->part = p;
    o->no_record = !p;
    o->pos = pos;
    o->number = ++e->numbers;
    for (uint32_t i = 0; i < o->n; i++) {
        o->messages[i] = (struct outgoing_message){.kind = MAIL_MESSAGE, .at = (uint32_t)walk->at, .of = o};
        wire_sends_next(walk, &view);
    }
    o->before = e->newest;
    *(e->newest ? &e->newest->next : &e->oldest) = o;
    e->newest = o;
    if (!e->to_produce)
        e->to_produce = o;
    e->n_messages += o->n;
    e->bytes += o->bytes;
    sends_produce(e);
}

/* ---- what became of them ---- */

static void
again(struct emitter *e, struct outgoing_message *m, mono_ns wait)
{
    m->produced = false;
    if (!e->to_produce || m->of->number < e->to_produce->number)
        e->to_produce = m->of;
    e->produce_at = clock_mono() + wait;
}

void
sends_report(struct emitter *e, struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    struct outgoing *o = m->of;
    if (err && !for_good(err)) {
        trouble(e, m, err);
        again(e, m, EMIT_AGAIN);
        return;
    }
    m->produced = false;
    settle(e, m);
    if (err)
        note_refused(o, m, err);
    else
        e->sent++;
    if (o->refused)
        refuse_rest(e, o);
    else if (o->settled == o->n)
        finish(e, o);
}

void
sends_renew(struct emitter *e)
{
    for (struct outgoing *o = e->oldest; o; o = o->next)
        for (uint32_t i = 0; i < o->n; i++)
            if (o->messages[i].produced)
                again(e, &o->messages[i], 0);
}

/* What is with librdkafka is still written, for it may be written already. */
void
sends_forget(struct emitter *e, const struct partition *p)
{
    for (struct outgoing *next, *o = e->oldest; o; o = next) {
        next = o->next;
        if (o->part != p)
            continue;
        o->part = NULL;
        if (o->begun)
            continue;
        e->n_messages -= o->n;
        unlink_group(e, o);
        free_group(o);
    }
}

void
sends_free(struct emitter *e)
{
    while (e->oldest) {
        struct outgoing *o = e->oldest;
        unlink_group(e, o);
        free_group(o);
    }
}

mono_ns
sends_tick(struct emitter *e, mono_ns now)
{
    if (!e->to_produce)
        return MONO_NEVER;
    if (e->produce_at == 0 || now >= e->produce_at)
        sends_produce(e);
    return e->to_produce && e->produce_at ? e->produce_at : MONO_NEVER;
}
