/* emit_sends.c - what tasks send, into Kafka.
 *
 * Owns: each group of messages, what one record sends, until all of it is confirmed or refused for good.
 * Guarantees: groups are produced in the order in which they were handed in, so that what a lane sends keeps
 * its order; sizes and topics of a whole group are looked at before its first message is produced; a record
 * is done only when all that it sends is confirmed, and is never run again for a send that was refused (slot
 * protocol rule 6). Must not know: workers, the ledger's order, where groups come from.
 *
 * DESIGN
 * What comes in one frame is one parcel: one block of memory with its groups, its messages and the frame,
 * which messages point into, so nothing is copied or allocated for each record. It is freed when its last
 * group is finished. `to_produce` is the first parcel with something that librdkafka does not have; all
 * before it only wait for reports. A group that must wait (for what the broker says of a topic, for room in
 * librdkafka) holds up those behind it. */
#include "supervisor/emit_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/refusal.h"

#define LIBRDKAFKA_BYTES 200 /* about what it keeps for a message, beside the key */

/* ---- the end of groups and parcels ---- */

static void
free_parcel(struct emitter *e, struct parcel *p)
{
    *(p->before ? &p->before->next : &e->oldest) = p->next;
    *(p->next ? &p->next->before : &e->newest) = p->before;
    if (e->to_produce == p)
        e->to_produce = p->next;
    e->bytes -= p->bytes;
    for (uint32_t i = 0; i < p->n; i++)
        free(p->groups[i].refused);
    free(p);
}

static void
settle(struct emitter *e, struct outgoing_message *m)
{
    m->settled = true;
    m->of->settled++;
    e->n_messages--;
}

/* finish: nothing of the group is under way any more. */
static void
finish(struct emitter *e, struct outgoing *o)
{
    struct task *t = e->task;
    t->hungry = true;
    o->finished = true;
    o->parcel->finished++;
    if (o->part && o->refused)
        records_send_refused(t, o->part, o->pos, o->refused);
    else if (o->part)
        records_sent(t, o->part, o->pos);
    else if (o->no_record && o->refused)
        log_error("what a task sends is refused, it is lost", "task=%s error=\"%s\"", t->conf->name,
                  o->refused);
}

/* sends_drop_finished frees the parcel if that was its last group. */
void
sends_drop_finished(struct emitter *e, struct parcel *p)
{
    if (p->finished == p->n)
        free_parcel(e, p);
}

/* sends_refuse_rest: o->refused says why. What is under way is waited for. */
void
sends_refuse_rest(struct emitter *e, struct outgoing *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (!o->messages[i].produced && !o->messages[i].settled)
            settle(e, &o->messages[i]);
    if (o->settled == o->n)
        finish(e, o);
}

/* sends_for_good: sending the same message again would end the same way. */
bool
sends_for_good(rd_kafka_resp_err_t err)
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

/* of_batch: the broker says it of a whole batch, and it may be the fault of one message in it. */
static bool
of_batch(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP || err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
           err == RD_KAFKA_RESP_ERR_POLICY_VIOLATION || err == RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT;
}

void
sends_note_refused(const struct emitter *e, struct outgoing *o, const struct outgoing_message *m,
                   rd_kafka_resp_err_t err)
{
    if (!o->refused)
        o->refused = refusal_of_right(err) ? refusal_right(e->rk, "Write", "topic", m->topic->name)
                                           : mem_printf("%s: %s", m->topic->name, rd_kafka_err2str(err));
}

void
sends_trouble(struct emitter *e, const struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    char first[300];
    snprintf(first, sizeof first, "topic=%s", m->topic->name);
    emit_complain(e, "what the task sends cannot be written, its records wait", first, e->n_messages,
                  e->failed ? e->trouble : rd_kafka_err2str(err));
}

/* ---- coming in ---- */

static struct parcel *
parcel_new(struct emitter *e, const void *frame, size_t size, uint32_t groups, uint32_t messages)
{
    struct parcel *p;
    size_t block = sizeof *p + groups * sizeof p->groups[0] + messages * sizeof p->groups->messages[0] + size;
    p = mem_grow(NULL, block, 1);
    *p = (struct parcel){.number = ++e->numbers, .arrived = clock_mono(), .n = groups};
    p->bytes = block + messages * LIBRDKAFKA_BYTES;
    p->groups = (struct outgoing *)(p + 1);
    p->before = e->newest;
    *(e->newest ? &e->newest->next : &e->oldest) = p;
    e->newest = p;
    if (!e->to_produce)
        e->to_produce = p;
    e->bytes += p->bytes;
    memcpy((unsigned char *)(p->groups + groups) + messages * sizeof p->groups->messages[0], frame, size);
    return p;
}

/* fill_group takes the group that the walk is at. */
static void
fill_group(struct emitter *e, struct outgoing *o, struct outgoing_message *messages, uint32_t n,
           struct wire_sends_walk *walk)
{
    o->messages = messages;
    o->n = n;
    for (uint32_t i = 0; i < n; i++) {
        messages[i] = (struct outgoing_message){.kind = MAIL_MESSAGE, .of = o};
        wire_sends_next(walk, &messages[i].view);
        messages[i].topic = topics_of(e, messages[i].view.topic);
        if (!messages[i].topic && !o->refused)
            o->refused = mem_printf("%s: the task has sent to %d other topics, which is the most", messages[i].view.topic,
                                    EMIT_TOPICS_MAX);
    }
    e->n_messages += n;
}

/* count_messages counts those of all groups. */
static uint32_t
count_messages(const void *frame, uint32_t *groups)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    uint32_t messages = 0;
    wire_sends_walk(&walk, frame);
    for (*groups = 0; wire_sends_group(&walk, &group); ++*groups)
        messages += group.messages;
    return messages;
}

void
emit_frame(struct emitter *e, const void *frame, size_t size, const struct holding_sends *sends)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    uint32_t groups, n = count_messages(frame, &groups);
    struct parcel *p = parcel_new(e, frame, size, groups, n);
    struct outgoing_message *messages = (struct outgoing_message *)(p->groups + groups);
    wire_sends_walk(&walk, messages + n);
    for (struct outgoing *o = p->groups; wire_sends_group(&walk, &group); o++) {
        *o = (struct outgoing){.parcel = p, .no_record = group.seq == WIRE_NO_RECORD};
        if (!o->no_record) {
            o->part = sends->part;
            o->pos = sends++->pos;
        }
        if (o->part || o->no_record) {
            fill_group(e, o, messages, group.messages, &walk);
        } else {
            o->finished = true;
            p->finished++;
        }
        messages += group.messages;
    }
    sends_produce(e);
}

/* ---- what became of them ---- */

/* again: the message is not with librdkafka any more, and is to be produced once more. */
static void
again(struct emitter *e, struct outgoing_message *m, mono_ns wait)
{
    struct parcel *p = m->of->parcel;
    uint32_t place = (uint32_t)(m->of - p->groups);
    m->produced = false;
    if (place < p->from)
        p->from = place;
    if (!e->to_produce || p->number < e->to_produce->number)
        e->to_produce = p;
    e->produce_at = clock_mono() + wait;
}

void
sends_report(struct emitter *e, struct outgoing_message *m, rd_kafka_resp_err_t err)
{
    struct outgoing *o = m->of;
    e->under_way--;
    if (e->alone == m)
        e->alone = NULL;
    if (err && !sends_for_good(err) && !o->refused) {
        sends_trouble(e, m, err);
        again(e, m, EMIT_AGAIN);
        return;
    }
    if (of_batch(err) && !m->suspect) {
        m->suspect = true;
        again(e, m, 0);
        return;
    }
    m->produced = false;
    settle(e, m);
    if (err)
        sends_note_refused(e, o, m, err);
    else
        e->sent++;
    if (o->refused)
        sends_refuse_rest(e, o);
    else if (o->settled == o->n)
        finish(e, o);
    sends_drop_finished(e, o->parcel);
}

/* each_group calls `act` for every group that is not finished. */
static void
each_group(struct emitter *e, void (*act)(struct emitter *e, struct outgoing *o, const void *arg),
           const void *arg)
{
    for (struct parcel *next, *p = e->oldest; p; p = next) {
        next = p->next;
        for (uint32_t i = 0; i < p->n; i++)
            if (!p->groups[i].finished)
                act(e, &p->groups[i], arg);
        sends_drop_finished(e, p);
    }
}

static void
renew_group(struct emitter *e, struct outgoing *o, const void *none)
{
    (void)none;
    for (uint32_t i = 0; i < o->n; i++)
        if (o->messages[i].produced)
            again(e, &o->messages[i], 0);
}

void
sends_renew(struct emitter *e)
{
    e->under_way = 0;
    e->alone = NULL;
    each_group(e, renew_group, NULL);
}

/* forget_group: what is with librdkafka is still written, for it may be written already. */
static void
forget_group(struct emitter *e, struct outgoing *o, const void *partition)
{
    if (o->part != partition)
        return;
    o->part = NULL;
    if (!o->begun)
        sends_refuse_rest(e, o);
}

void
sends_forget(struct emitter *e, const struct partition *p)
{
    each_group(e, forget_group, p);
}

void
sends_free(struct emitter *e)
{
    while (e->oldest)
        free_parcel(e, e->oldest);
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
