/* reader.c - the records of a topic that are there now.
 *
 * Owns: librdkafka's consumer, of the simple kind: partitions are chosen, not assigned, so no group is joined
 * and nothing is committed unless the caller does. Guarantees: it ends at the ends that were there when it
 * was opened, wherever the offsets have gaps; a broker that is away is waited for no longer than 30 s. Must
 * not know: what is in the records.
 *
 * DESIGN: each partition has a queue of its own, and a record of it (its head) waits here until it is the
 * oldest of all heads. So records come in the order of their timestamps without being collected, and what is
 * read ahead is bounded by librdkafka's queues. */
#include "supervisor/client/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/client/usage.h"
#include "supervisor/properties.h"
#include "supervisor/refusal.h"

#define METADATA_MS 10000
#define LOGIN_MS 2000 /* a login that is refused has been by then */
#define PATIENCE (30 * NS_PER_S)
#define POLL_MS 100

static const char *const defaults[][2] = {
    {"client.id", "headrace-dead"},         {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "100"},      {"queued.max.messages.kbytes", "8192"},
    {"fetch.message.max.bytes", "1048576"},
};

/* What reading rests on; it wins over the user's. */
static const char *const owned[][2] = {
    {"auto.offset.reset", "earliest"}, /* what was deleted in the meantime is passed over */
    {"enable.partition.eof", "true"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
};

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char wrong[256];
    if (rd_kafka_conf_set(conf, name, value, wrong, sizeof wrong) != RD_KAFKA_CONF_OK)
        panic("%s", wrong);
}

rd_kafka_conf_t *
reader_conf(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        set(conf, defaults[i][0], defaults[i][1]);
    return conf;
}

/* ---- opening ---- */

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct reader *r = opaque;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && r->last_error[0])
        return;
    char *words = refusal_words(rk, err, reason);
    snprintf(r->last_error, sizeof r->last_error, "%s", words);
    free(words);
    r->login_refused = refusal_of_login(err);
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text; /* what matters comes as errors */
}

static int
open_client(struct reader *r, rd_kafka_conf_t *conf, const char *group)
{
    char wrong[512], debug[256] = "";
    size_t size = sizeof debug, brokers_size = sizeof r->brokers;
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        set(conf, owned[i][0], owned[i][1]);
    if (group)
        set(conf, "group.id", group);
    if (rd_kafka_conf_get(conf, "bootstrap.servers", r->brokers, &brokers_size) != RD_KAFKA_CONF_OK)
        snprintf(r->brokers, sizeof r->brokers, "the broker");
    rd_kafka_conf_set_opaque(conf, r);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (rd_kafka_conf_get(conf, "debug", debug, &size) != RD_KAFKA_CONF_OK || debug[0] == '\0')
        rd_kafka_conf_set_log_cb(conf, on_log); /* with -X debug=... librdkafka's log is wanted */
    r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, wrong, sizeof wrong);
    if (r->rk)
        return 0;
    char *refusal = properties_refusal(conf, wrong);
    rd_kafka_conf_destroy(conf);
    int code = command_error(r->command, EX_CONFIG, "%s", refusal);
    free(refusal);
    return code;
}

/* unreachable prints that the broker does not answer; with what librdkafka said of the connection. */
static int
unreachable(struct reader *r, rd_kafka_resp_err_t err)
{
    rd_kafka_poll(r->rk, 0);
    return command_error(r->command, EX_UNAVAILABLE, "%s: cannot be asked about topic %s: %s", r->brokers,
                         r->topic, r->last_error[0] ? r->last_error : rd_kafka_err2str(err));
}

static const struct rd_kafka_metadata_topic *
find_topic(const struct reader *r, const char *name)
{
    for (int i = 0; i < r->metadata->topic_cnt; i++)
        if (strcmp(r->metadata->topics[i].topic, name) == 0)
            return &r->metadata->topics[i];
    return NULL;
}

int
reader_partitions(const struct reader *r, const char *topic)
{
    const struct rd_kafka_metadata_topic *t = find_topic(r, topic);
    return t ? t->partition_cnt : 0;
}

int
reader_no_topic(const struct reader *r, const char *topic, const char *operation)
{
    char *hidden =
        refusal_hidden(r->rk, topic, METADATA_MS) ? refusal_right(r->rk, operation, "topic", topic) : NULL;
    size_t n = (size_t)r->metadata->topic_cnt;
    const char **known = mem_array(n + 1, sizeof *known);
    for (size_t i = 0; i < n; i++)
        known[i] = r->metadata->topics[i].topic;
    bool to_read = strcmp(operation, "Read") == 0;
    const char *nearest = to_read ? conf_nearest(topic, known, n) : NULL;
    int code = hidden ? command_error(r->command, EX_UNAVAILABLE, "%s: %s", r->brokers, hidden)
               : nearest
                   ? command_error(r->command, EX_UNAVAILABLE, "%s: there is no topic %s; did you mean %s?",
                                   r->brokers, topic, nearest)
                   : command_error(r->command, EX_UNAVAILABLE, "%s: there is no topic %s%s", r->brokers,
                                   topic, to_read ? "" : "; create it first");
    free(known);
    free(hidden);
    return code;
}

/* find_partitions asks for all topics, since asking for one by name could create it. */
static int
find_partitions(struct reader *r)
{
    rd_kafka_resp_err_t err = rd_kafka_metadata(r->rk, 1, NULL, &r->metadata, LOGIN_MS);
    if (err)
        rd_kafka_poll(r->rk, 0);
    if (err && !r->login_refused)
        err = rd_kafka_metadata(r->rk, 1, NULL, &r->metadata, METADATA_MS - LOGIN_MS);
    if (err)
        return unreachable(r, err);
    const struct rd_kafka_metadata_topic *t = find_topic(r, r->topic);
    if (!t || (t->partition_cnt == 0 && t->err))
        return reader_no_topic(r, r->topic, "Read");
    r->partitions = mem_array((size_t)t->partition_cnt, sizeof *r->partitions);
    r->n_partitions = t->partition_cnt;
    for (int i = 0; i < t->partition_cnt; i++)
        r->partitions[i].number = i; /* they are numbered without gaps */
    return 0;
}

/* ask_offsets asks for the offset of each partition that `logical` stands for. */
static rd_kafka_resp_err_t
ask_offsets(struct reader *r, int64_t logical)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->n_partitions);
    for (int32_t i = 0; i < r->n_partitions; i++)
        rd_kafka_topic_partition_list_add(list, r->topic, i)->offset = logical;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(r->rk, list, METADATA_MS);
    for (int i = 0; i < list->cnt && !err; i++) {
        struct reader_partition *p = &r->partitions[list->elems[i].partition];
        err = list->elems[i].err;
        if (logical == RD_KAFKA_OFFSET_END)
            p->end = list->elems[i].offset;
        else
            p->low = p->from = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

int
reader_open(struct reader *r, const char *command, const char *topic, const char *group,
            rd_kafka_conf_t *conf)
{
    *r = (struct reader){.command = command, .topic = topic};
    if ((r->code = open_client(r, conf, group)) || (r->code = find_partitions(r)))
        return r->code;
    rd_kafka_resp_err_t err = ask_offsets(r, RD_KAFKA_OFFSET_BEGINNING);
    if (!err)
        err = ask_offsets(r, RD_KAFKA_OFFSET_END);
    if (err)
        return r->code = unreachable(r, err);
    r->rkt = rd_kafka_topic_new(r->rk, topic, NULL);
    return 0;
}

/* ---- reading ---- */

static int
begin(struct reader *r, struct reader_partition *p, int64_t offset)
{
    p->queue = rd_kafka_queue_new(r->rk);
    p->ended = false;
    if (rd_kafka_consume_start_queue(r->rkt, p->number, offset, p->queue) == 0)
        return 0;
    rd_kafka_queue_destroy(p->queue);
    p->queue = NULL;
    return r->code = command_error(r->command, EX_SOFTWARE, "%s: partition %d cannot be read: %s", r->topic,
                                   p->number, rd_kafka_err2str(rd_kafka_last_error()));
}

static void
finish(struct reader *r, struct reader_partition *p)
{
    if (!p->queue)
        return;
    rd_kafka_consume_stop(r->rkt, p->number);
    rd_kafka_queue_destroy(p->queue);
    p->queue = NULL;
    p->ended = true;
}

int
reader_start(struct reader *r)
{
    for (int32_t i = 0; i < r->n_partitions; i++) {
        struct reader_partition *p = &r->partitions[i];
        p->ended = p->from >= p->end;
        if (!p->ended && begin(r, p, p->from))
            return r->code;
    }
    return 0;
}

/* take looks at what came: a record becomes the head. */
static void
take(struct reader *r, struct reader_partition *p, rd_kafka_message_t *m)
{
    if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        char *why = refusal_of_right(m->err) ? refusal_right(r->rk, "Read", "topic", r->topic)
                                             : mem_string(rd_kafka_message_errstr(m));
        r->code = command_error(r->command, EX_UNAVAILABLE, "%s: partition %d cannot be read: %s", r->topic,
                                p->number, why);
        free(why);
    } else if (m->offset >=
               p->end) { /* also the end as Kafka says it: then it is the offset of the next one */
        p->ended = true;
    } else if (!m->err) {
        p->head = m;
        return;
    } /* else an end that was reached before the records in front of it could be seen */
    rd_kafka_message_destroy(m);
}

static bool
is_interrupted(const struct reader *r)
{
    return r->interrupted && *r->interrupted;
}

/* await_head waits until the partition has a head, or has ended. False: there is no point in going on. */
static bool
await_head(struct reader *r, struct reader_partition *p)
{
    mono_ns until = clock_mono() + PATIENCE;
    while (!p->head && !p->ended && !r->code) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(p->queue, POLL_MS);
        if (m)
            take(r, p, m);
        rd_kafka_poll(r->rk, 0); /* errors of the connection */
        if (is_interrupted(r))
            return false;
        if (!m && clock_mono() > until)
            r->code = unreachable(r, RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    return r->code == 0;
}

static int64_t
timestamp_of(const rd_kafka_message_t *m)
{
    return rd_kafka_message_timestamp(m, NULL);
}

rd_kafka_message_t *
reader_next(struct reader *r)
{
    struct reader_partition *oldest = NULL;
    for (int32_t i = 0; i < r->n_partitions; i++) {
        struct reader_partition *p = &r->partitions[i];
        if (!p->ended && !await_head(r, p))
            return NULL;
        if (p->head && (!oldest || timestamp_of(p->head) < timestamp_of(oldest->head)))
            oldest = p;
    }
    if (!oldest || is_interrupted(r))
        return NULL;
    rd_kafka_message_t *m = oldest->head;
    oldest->head = NULL;
    oldest->ended = m->offset + 1 >= oldest->end;
    return m;
}

/* check_place says what is wrong with a place before it is asked for. */
static int
check_place(const struct reader *r, struct reader_place at)
{
    if (at.partition >= r->n_partitions)
        return command_error(r->command, EX_NOINPUT,
                             "%s:%" PRId64 ":%" PRId64
                             ": there is no such partition; the topic has %d, from 0 on",
                             r->topic, at.partition, at.offset, r->n_partitions);
    const struct reader_partition *p = &r->partitions[at.partition];
    if (p->low == p->end)
        return command_error(r->command, EX_NOINPUT,
                             "%s:%" PRId64 ":%" PRId64 ": there is no such record; the partition is empty",
                             r->topic, at.partition, at.offset);
    if (at.offset < p->low || at.offset >= p->end)
        return command_error(r->command, EX_NOINPUT,
                             "%s:%" PRId64 ":%" PRId64
                             ": there is no such record; the partition holds %" PRId64 " to %" PRId64,
                             r->topic, at.partition, at.offset, p->low, p->end - 1);
    return 0;
}

rd_kafka_message_t *
reader_fetch(struct reader *r, struct reader_place at)
{
    if ((r->code = check_place(r, at)))
        return NULL;
    struct reader_partition *p = &r->partitions[at.partition];
    if (begin(r, p, at.offset) == 0)
        await_head(r, p);
    finish(r, p);
    rd_kafka_message_t *m = p->head;
    p->head = NULL;
    if (m && m->offset == at.offset)
        return m;
    if (r->code == 0)
        r->code = command_error(r->command, EX_NOINPUT,
                                "%s:%" PRId64 ":%" PRId64
                                ": there is no record at this offset: it was compacted away,"
                                " or a transaction ended there",
                                r->topic, at.partition, at.offset);
    if (m)
        rd_kafka_message_destroy(m);
    return NULL;
}

void
reader_close(struct reader *r)
{
    for (int32_t i = 0; i < r->n_partitions; i++) {
        finish(r, &r->partitions[i]);
        if (r->partitions[i].head)
            rd_kafka_message_destroy(r->partitions[i].head);
    }
    free(r->partitions);
    if (r->metadata)
        rd_kafka_metadata_destroy(r->metadata);
    if (r->rkt)
        rd_kafka_topic_destroy(r->rkt);
    if (r->rk)
        rd_kafka_destroy(r->rk);
    *r = (struct reader){0};
}

bool
reader_place_read(const char *text, struct reader_place *place)
{
    char *partition = mem_string(text), *colon = strchr(partition, ':');
    bool good = colon && usage_number(colon + 1, 0, INT64_MAX, &place->offset);
    if (colon)
        *colon = '\0';
    good = good && usage_number(partition, 0, INT32_MAX, &place->partition);
    free(partition);
    return good;
}
