/* emit_letters.c - dead letters into Kafka.
 *
 * Owns: each letter until the broker has confirmed it.
 * Guarantees: a letter is never dropped while its partition is ours: what the broker refuses is sent again, a
 * letter that is too large first without its backtrace. Key, value and headers are those of the record, byte
 * for byte. Must not know: why a record was given up on, what becomes of its partition.
 *
 * A letter points into the frame that its record came in, and holds a reference to it. */
#include "supervisor/emit_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/log.h"
#include "supervisor/letter_topic.h"
#include "supervisor/refusal.h"

#define LOOK_AGAIN (10 * NS_PER_MS) /* whether the backtrace is there */

void
letters_ask_for_topic(struct emitter *e)
{
    letter_topic_ask(e->rk, e->queue, e->task->conf);
}

void
letters_topic_answered(struct emitter *e, rd_kafka_event_t *event)
{
    if (!letter_topic_answer(e->rk, event, e->task->conf))
        e->ask_again = clock_mono() + EMIT_AGAIN;
}

static void
free_letter(struct emitter *e, struct letter *l)
{
    for (struct letter **at = &e->letters; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    e->n_letters--;
    letter_free(l);
}

void
letters_free(struct emitter *e)
{
    while (e->letters)
        free_letter(e, e->letters);
}

static void
trouble(struct emitter *e, const struct letter *l, const char *why)
{
    char first[600];
    snprintf(first, sizeof first, "topic=%s first=%s:%d", e->task->conf->dead_letter_topic, l->topic,
             l->number);
    emit_complain(e, "dead letters cannot be written, their records wait", first, e->n_letters, why);
}

static void
send_later(struct letter *l)
{
    l->state = LETTER_TO_SEND;
    l->due = clock_mono() + EMIT_AGAIN;
}

/* refused deals with an error of one letter, whether at once or in its delivery report. */
static void
refused(struct emitter *e, struct letter *l, rd_kafka_resp_err_t err)
{
    bool too_large = err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    send_later(l);
    if (too_large && l->backtrace) {
        free(l->backtrace);
        l->backtrace = NULL;
        l->due = 0;
        return;
    }
    char *why = refusal_error(e->rk, err, "Write", "topic", e->task->conf->dead_letter_topic);
    trouble(e, l,
            too_large   ? "too large for the dead-letter topic: raise its max.message.bytes"
            : e->failed ? e->trouble
                        : why);
    free(why);
    if (refusal_of_right(err) || (e->failed && e->not_allowed))
        app_refused(e->task->app);
}

static void
send_letter(struct emitter *e, struct letter *l)
{
    struct wire_view view;
    if (!letter_ready(l)) {
        l->due = clock_mono() + LOOK_AGAIN;
        return;
    }
    if (wire_view_record(l->body->data + l->at, &view))
        panic("a frame of our own cannot be read");
    rd_kafka_headers_t *headers = letter_headers(l, &view, e->task->conf);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        e->rk, RD_KAFKA_V_TOPIC(e->task->conf->dead_letter_topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(view.key, view.key ? (size_t)view.r.key_length : 0),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)view.value, view.value ? (size_t)view.r.value_length : 0),
        RD_KAFKA_V_TIMESTAMP(clock_wall()), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(l),
        RD_KAFKA_V_END);
    if (!err) {
        l->state = LETTER_SENT;
        return;
    }
    rd_kafka_headers_destroy(headers); /* it is the producer's only where the call succeeds */
    refused(e, l, err);
}

void
emit_letter(struct emitter *e, struct partition *p, uint64_t pos, const char *reason, struct autopsy *autopsy)
{
    struct letter *l = letter_new(p, pos, reason, autopsy);
    l->next = e->letters;
    e->letters = l;
    e->n_letters++;
    send_letter(e, l);
}

/* confirmed: m says where the letter stands now. */
static void
confirmed(struct emitter *e, struct letter *l, const rd_kafka_message_t *m)
{
    struct task *t = e->task;
    if (l->part) {
        char quoted[2 * REASON_MAX];
        t->dead_lettered++;
        t->hungry = true;
        log_error("record dead-lettered",
                  "task=%s record=%s:%d:%" PRId64 " letter=%s:%d:%" PRId64 " attempts=%u reason=\"%s\"",
                  t->conf->name, l->topic, l->number, ledger_entry(&l->part->led, l->pos)->offset,
                  t->conf->dead_letter_topic, m->partition, m->offset, l->attempts,
                  log_quote(l->reason, quoted, sizeof quoted));
        dispatch_done(&t->dispatch, l->part, l->pos);
    }
    free_letter(e, l);
}

void
letters_report(struct emitter *e, const rd_kafka_message_t *m)
{
    struct letter *l = m->_private;
    if (!m->err)
        confirmed(e, l, m);
    else if (l->part)
        refused(e, l, m->err);
    else
        free_letter(e, l);
}

void
letters_forget(struct emitter *e, const struct partition *p)
{
    struct letter *next;
    for (struct letter *l = e->letters; l; l = next) {
        next = l->next;
        if (l->part != p)
            continue;
        l->part = NULL;
        if (l->state == LETTER_TO_SEND)
            free_letter(e, l);
    }
}

void
letters_renew(struct emitter *e)
{
    for (struct letter *next, *l = e->letters; l; l = next) {
        next = l->next;
        if (l->part)
            send_later(l);
        else
            free_letter(e, l);
    }
}

mono_ns
letters_tick(struct emitter *e, mono_ns now)
{
    mono_ns next = MONO_NEVER;
    if (e->ask_again && now >= e->ask_again) {
        e->ask_again = 0;
        letters_ask_for_topic(e);
    }
    for (struct letter *l = e->letters; l; l = l->next) {
        if (l->state == LETTER_TO_SEND && now >= l->due)
            send_letter(e, l);
        if (l->state == LETTER_TO_SEND)
            next = mono_earlier(next, l->due);
    }
    return e->ask_again ? mono_earlier(next, e->ask_again) : next;
}
