/* dead_send.c - dead letters on their way back.
 *
 * Owns: the producer, and each letter until the broker has confirmed it.
 * Guarantees: each letter is counted once: as sent when the broker has confirmed it, as left where it cannot
 * be sent, or its partition's `failed` stands at it or before it. Must not know: where a replay begins, what
 * is committed.
 *
 * DESIGN
 * There are two kinds of trouble. A letter that cannot be sent (it does not say where it came from, it is too
 * large) is named and left where it is, and the others go on. Trouble that would meet the others too (the
 * broker is away, there is no such topic, no right to write) ends the replay. Records are written with the
 * time of now: with their own, old ones would be deleted at once by the topic's retention. */
#include "supervisor/client/dead_send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/client/producer.h"
#include "supervisor/client/usage.h"
#include "supervisor/properties.h"
#include "supervisor/refusal.h"

#define HIDDEN_MS 5000

/* One letter on its way. */
struct parcel {
    struct reader_place place;
    size_t tally; /* index */
};

/* ---- what goes wrong ---- */

/* leave reports a letter that cannot be sent. */
static void
leave(struct dead_sender *s, struct reader_place at, const char *why)
{
    s->left++;
    command_error(s->w->command, 1, "%s:%" PRId64 ":%" PRId64 ": not sent: %s", s->w->topic, at.partition,
                  at.offset, why);
}

void
dead_sender_stop(struct dead_sender *s, int code, const char *why)
{
    if (!s->stop)
        s->code = command_error(s->w->command, code, "%s", why);
    s->stop = true;
}

/* is_its_own says whether an error is about this one letter. */
static bool
is_its_own(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
           err == RD_KAFKA_RESP_ERR_INVALID_MSG || err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
           err == RD_KAFKA_RESP_ERR_INVALID_RECORD || err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
           err == RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
}

/* is_nobody: errors that say that no broker took the letter, rather than that one refused it. */
static bool
is_nobody(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || err == RD_KAFKA_RESP_ERR__TRANSPORT ||
           err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || err == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static void
refused(struct dead_sender *s, struct reader_place at, const char *topic, rd_kafka_resp_err_t err)
{
    rd_kafka_resp_err_t fatal_error = rd_kafka_fatal_error(s->rk, NULL, 0);
    if (fatal_error) /* whatever befell this letter is due to that */
        err = fatal_error;
    if (is_its_own(err)) {
        leave(s, at, rd_kafka_err2str(err));
        return;
    }
    s->unsent++;
    if (at.offset < s->failed[at.partition])
        s->failed[at.partition] = at.offset;
    bool more = is_nobody(err) && s->last_error[0];
    char *cause = more ? mem_string(s->last_error) : refusal_error(s->rk, err, "Write", "topic", topic);
    char *why = mem_printf("%s: %s:%" PRId64 ":%" PRId64 " cannot be sent to %s: %s", s->reader->brokers,
                           s->w->topic, at.partition, at.offset, topic, cause);
    dead_sender_stop(s, EX_UNAVAILABLE, why);
    free(cause);
    free(why);
}

/* ---- the producer ---- */

static void
on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct parcel *parcel = m->_private;
    struct dead_sender *s = opaque;
    struct tally *tally = &s->tallies[parcel->tally];
    (void)rk;
    if (m->err) {
        refused(s, parcel->place, tally->topic, m->err);
    } else {
        tally->sent++;
        s->sent++;
        if (s->w->n_places > 0)
            printf("%s:%" PRId64 ":%" PRId64 " is now %s:%d:%" PRId64 "\n", s->w->topic,
                   parcel->place.partition, parcel->place.offset, tally->topic, m->partition, m->offset);
    }
    free(parcel);
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct dead_sender *s = opaque;
    char text[512];
    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        if (refusal_of_right(rd_kafka_fatal_error(rk, text, sizeof text)))
            return; /* no right to write to any topic: said with the letter that it meets */
        dead_sender_stop(s, EX_SOFTWARE, text);
    } else if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || s->last_error[0] == '\0') {
        char *words = refusal_words(rk, err, reason);
        snprintf(s->last_error, sizeof s->last_error, "%s", words);
        free(words);
    }
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text; /* what matters comes as errors and reports */
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char wrong[256];
    if (rd_kafka_conf_set(conf, name, value, wrong, sizeof wrong) != RD_KAFKA_CONF_OK)
        panic("%s", wrong);
}

static int
open_producer(struct dead_sender *s)
{
    char wrong[512];
    rd_kafka_conf_t *conf = producer_conf();
    set(conf, "client.id", "headrace-dead");
    set(conf, "batch.size", "131072"); /* a batch that is too large is refused whole: few share their fate */
    int code = kafka_options_apply(&s->w->kafka, conf);
    if (code) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    rd_kafka_conf_set_opaque(conf, s);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    s->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, wrong, sizeof wrong);
    if (s->rk)
        return 0;
    char *refusal = properties_refusal(conf, wrong);
    rd_kafka_conf_destroy(conf);
    code = command_error(s->w->command, EX_CONFIG, "%s", refusal);
    free(refusal);
    return code;
}

int
dead_sender_open(struct dead_sender *s)
{
    s->failed = mem_array((size_t)s->reader->n_partitions, sizeof *s->failed);
    for (int32_t i = 0; i < s->reader->n_partitions; i++)
        s->failed[i] = INT64_MAX;
    return open_producer(s);
}

void
dead_sender_settle(struct dead_sender *s)
{
    while (rd_kafka_outq_len(s->rk) > 0) /* ends: message.timeout.ms */
        rd_kafka_flush(s->rk, 500);
}

void
dead_sender_close(struct dead_sender *s)
{
    if (s->rk)
        rd_kafka_destroy(s->rk);
    for (size_t i = 0; i < s->n_tallies; i++)
        free(s->tallies[i].group);
    free(s->tallies);
    free(s->failed);
}

/* ---- one letter ---- */

static size_t
tally_for(struct dead_sender *s, const char *topic, const struct bytes *group)
{
    char *name = group ? bytes_line(*group) : NULL;
    size_t i;
    for (i = 0; i < s->n_tallies; i++)
        if (strcmp(s->tallies[i].topic, topic) == 0 &&
            (name ? s->tallies[i].group && strcmp(s->tallies[i].group, name) == 0 : !s->tallies[i].group)) {
            free(name);
            return i;
        }
    s->tallies = mem_grow(s->tallies, i + 1, sizeof *s->tallies);
    s->tallies[i] = (struct tally){.group = name};
    snprintf(s->tallies[i].topic, sizeof s->tallies[i].topic, "%s", topic);
    return s->n_tallies++;
}

/* produce gives the letter to the producer, waiting while its queue is full. */
static void
produce(struct dead_sender *s, const rd_kafka_message_t *m, const char *topic, int32_t partition,
        rd_kafka_headers_t *headers_take, const struct bytes *group)
{
    struct parcel *parcel = mem_alloc(sizeof *parcel);
    rd_kafka_resp_err_t err;
    *parcel = (struct parcel){{m->partition, m->offset}, tally_for(s, topic, group)};
    for (;;) {
        err = rd_kafka_producev(s->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(m->key, m->key_len),
                                RD_KAFKA_V_VALUE(m->payload, m->len), RD_KAFKA_V_HEADERS(headers_take),
                                RD_KAFKA_V_OPAQUE(parcel), RD_KAFKA_V_END);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL || s->stop)
            break;
        if (rd_kafka_outq_len(s->rk) == 0) { /* there will never be room for it */
            err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
            break;
        }
        rd_kafka_poll(s->rk, 100); /* reports make room */
    }
    if (err) {
        rd_kafka_headers_destroy(headers_take); /* they are the producer's only where the call succeeds */
        refused(s, parcel->place, topic, err);
        free(parcel);
    }
}

/* send_back sends a letter to where it came from, or says why not. */
static void
send_back(struct dead_sender *s, const rd_kafka_message_t *m, const struct letter *l,
          const rd_kafka_headers_t *headers)
{
    struct reader_place at = {m->partition, m->offset};
    char topic[LETTER_TOPIC_MAX + 1];
    int64_t partition;
    const struct bytes *group = &l->field[LETTER_GROUP];
    if (!letter_topic(l, topic)) {
        leave(s, at, "it does not say where it came from (headrace.topic); --to TOPIC sends it somewhere");
    } else if (group->size == 0) {
        leave(s, at, "it does not say whose it is (headrace.group); --to TOPIC sends it for all groups");
    } else if (reader_partitions(s->reader, topic) == 0) {
        refused(s, at, topic,
                refusal_hidden(s->reader->rk, topic, HIDDEN_MS) ? RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
                                                                : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    } else {
        if (!letter_number(l, LETTER_PARTITION, 0, reader_partitions(s->reader, topic) - 1, &partition))
            partition = RD_KAFKA_PARTITION_UA;
        produce(s, m, topic, (int32_t)partition, letter_original(l, headers, group), group);
    }
}

void
dead_send(struct dead_sender *s, const rd_kafka_message_t *m)
{
    struct letter l;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    letter_read(&l, headers);
    if (s->w->to)
        produce(s, m, s->w->to, RD_KAFKA_PARTITION_UA, letter_original(&l, headers, NULL), NULL);
    else
        send_back(s, m, &l, headers);
    rd_kafka_poll(s->rk, 0);
}

void
dead_sender_report(const struct dead_sender *s)
{
    for (size_t i = 0; i < s->n_tallies; i++) {
        const struct tally *t = &s->tallies[i];
        if (t->sent > 0)
            printf("sent %" PRIu64 " letter%s to %s%s%s\n", t->sent, t->sent == 1 ? "" : "s", t->topic,
                   t->group ? ", for group " : "", t->group ? t->group : "");
    }
    if (s->left > 0)
        printf("%" PRIu64 " letter%s could not be sent\n", s->left, s->left == 1 ? "" : "s");
}
