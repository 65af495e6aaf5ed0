/* emit_topics.c - what the broker says of the topics that tasks send to.
 *
 * Owns: the topics by name, the producer's handles of them.
 * Guarantees: a group is refused only for what the broker said after the group had come; where the broker
 * does not tell (no right to describe a topic's configuration), the producer finds out; a task that makes up
 * topics costs no more than EMIT_TOPICS_MAX of them. Must not know: what becomes of a group.
 *
 * DESIGN
 * What one record sends is sent as a whole or not at all, so before the first message all topics are known to
 * be there and to take messages of that size. Asked is the topic's configuration (DescribeConfigs): it is the
 * one question about a topic that librdkafka answers without blocking, and it tells max.message.bytes, too. A
 * topic that is missing gets MISSING_GRACE the first time, for brokers that create topics when they are first
 * asked for (the producer's handle does). The embedded broker cannot be asked: it names a controller that it
 * does not have, and librdkafka would wait for that. */
#include "supervisor/emit_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/refusal.h"

#define MISSING_GRACE (1 * NS_PER_S)
#define MISSING_AGAIN (200 * NS_PER_MS)
#define ANSWER_WITHIN 10000         /* ms */
#define LOOK_AGAIN (20 * NS_PER_MS) /* whether the broker has told who it is */

static int64_t
number_of(const rd_kafka_conf_t *conf, const char *name)
{
    char text[64];
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoll(text, NULL, 10) : 0;
}

void
topics_open(struct emitter *e, const rd_kafka_conf_t *conf)
{
    char codec[64] = "none";
    size_t size = sizeof codec;
    rd_kafka_conf_get(conf, "compression.codec", codec, &size);
    e->compresses = strcmp(codec, "none") != 0;
    e->max_bytes = number_of(conf, "message.max.bytes");
    e->batch_bytes = number_of(conf, "batch.size");
}

static void
ask(struct emitter *e, struct emit_topic *t)
{
    if (t->asking)
        return;
    char text[256];
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->name);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(e->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WITHIN, text, sizeof text);
    rd_kafka_AdminOptions_set_opaque(options, t);
    rd_kafka_DescribeConfigs(e->rk, &resource, 1, options, e->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    t->asking = true;
    t->ask_at = MONO_NEVER;
}

rd_kafka_topic_t *
topics_handle(struct emitter *e, struct emit_topic *t)
{
    if (!t->handle)
        t->handle = rd_kafka_topic_new(e->rk, t->name, NULL);
    if (!t->handle)
        fatal(70, "%s: no handle of topic %s: %s", e->task->conf->name, t->name,
              rd_kafka_err2str(rd_kafka_last_error()));
    return t->handle;
}

struct emit_topic *
topics_of(struct emitter *e, const char *name)
{
    struct emit_topic *t = e->last_topic;
    if (t && strcmp(t->name, name) == 0)
        return t;
    int n = 0;
    for (t = e->topics; t && strcmp(t->name, name) != 0; t = t->next)
        n++;
    if (!t && n == EMIT_TOPICS_MAX)
        return NULL;
    if (!t) {
        t = mem_alloc(sizeof *t);
        t->name = mem_string(name);
        t->next = e->topics;
        e->topics = t;
    }
    e->last_topic = t;
    return t;
}

/* ---- looking ---- */

/* doubtful: the group cannot be sent as it seems; but what is known may be older than the group. */
static enum emit_verdict
doubtful(struct emitter *e, struct emit_topic *t, const struct outgoing *o)
{
    if (t->answered_at > o->parcel->arrived)
        return EMIT_REFUSE;
    ask(e, t);
    return EMIT_WAIT;
}

static enum emit_verdict
too_large(struct emitter *e, struct emit_topic *t, struct outgoing *o, int64_t bytes)
{
    if (bytes > e->max_bytes) {
        o->refused = mem_printf("%s: larger than message.max.bytes (%" PRId64 ")", t->name, e->max_bytes);
        return EMIT_REFUSE;
    }
    if (e->compresses || t->max_bytes == 0 || bytes <= t->max_bytes)
        return EMIT_GO;
    enum emit_verdict verdict = doubtful(e, t, o);
    if (verdict == EMIT_REFUSE)
        o->refused =
            mem_printf("%s: larger than the topic's max.message.bytes (%" PRId64 ")", t->name, t->max_bytes);
    return verdict;
}

/* is_embedded: librdkafka's mock cluster. False while it is not known. */
static bool
is_embedded(struct emitter *e)
{
    char *cluster = rd_kafka_clusterid(e->rk, 0); /* what is known: no question is asked */
    bool mock = cluster && strncmp(cluster, "mockCluster", strlen("mockCluster")) == 0;
    if (cluster)
        rd_kafka_mem_free(e->rk, cluster);
    return mock;
}

static enum emit_verdict
not_answered(struct emitter *e, struct emit_topic *t)
{
    if (!t->asking && t->ask_at == 0)
        ask(e, t);
    e->produce_at = clock_mono() + LOOK_AGAIN;
    return EMIT_WAIT;
}

static enum emit_verdict
look(struct emitter *e, struct outgoing *o, struct outgoing_message *m)
{
    const struct wire_message_view *v = &m->view;
    struct emit_topic *t = m->topic;
    if (t->state == TOPIC_ASKED && is_embedded(e))
        t->state = TOPIC_UNKNOWN;
    int64_t bytes = (v->key ? v->m.key_length : 0) + (int64_t)(v->value ? v->m.value_length : 0);
    enum emit_verdict verdict;
    switch (t->state) {
    case TOPIC_ASKED:
        return not_answered(e, t);
    case TOPIC_MISSING:
        verdict = doubtful(e, t, o);
        if (verdict == EMIT_REFUSE)
            o->refused = mem_printf("topic %s does not exist", t->name);
        return verdict;
    default:
        return too_large(e, t, o, bytes);
    }
}

enum emit_verdict
topics_look(struct emitter *e, struct outgoing *o)
{
    enum emit_verdict verdict = EMIT_GO;
    for (uint32_t i = 0; i < o->n && verdict != EMIT_REFUSE; i++) {
        enum emit_verdict one = look(e, o, &o->messages[i]);
        if (one != EMIT_GO)
            verdict = one;
    }
    return verdict;
}

/* ---- answers ---- */

/* is_missing: it may still be on its way the first time. */
static void
is_missing(struct emitter *e, struct emit_topic *t, mono_ns now)
{
    topics_handle(e, t); /* its metadata is asked for, which creates it where the broker does that */
    if (t->missing_since == 0)
        t->missing_since = now;
    if (now >= t->missing_since + MISSING_GRACE) {
        t->state = TOPIC_MISSING;
    } else {
        t->state = TOPIC_ASKED;
        t->ask_at = now + MISSING_AGAIN;
    }
}

/* fit_batches: the limit of a topic is for whole batches. Where librdkafka makes larger ones, the producer is made anew before
 * the first of them. */
static void
fit_batches(struct emitter *e, const struct emit_topic *t)
{
    if (t->max_bytes <= 0 || t->max_bytes >= e->batch_bytes)
        return;
    log_info("batches are made smaller, as a topic takes them", "task=%s topic=%s max_message_bytes=%" PRId64,
             e->task->conf->name, t->name, t->max_bytes);
    e->batch_limit = t->max_bytes;
    e->failed = true;
    e->renew_at = 0;
}

static void
is_there(struct emitter *e, struct emit_topic *t, const rd_kafka_ConfigResource_t *resource)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    t->state = TOPIC_THERE;
    t->missing_since = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") == 0 &&
            rd_kafka_ConfigEntry_value(entries[i]))
            t->max_bytes = strtoll(rd_kafka_ConfigEntry_value(entries[i]), NULL, 10);
    fit_batches(e, t);
}

static void
answered(struct emitter *e, struct emit_topic *t, rd_kafka_resp_err_t err,
         const rd_kafka_ConfigResource_t *resource)
{
    mono_ns now = clock_mono();
    t->asking = false;
    switch (err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        if (t->state != TOPIC_UNKNOWN)
            t->ask_at = now + EMIT_AGAIN; /* whatever was known stays */
        return;
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        if (resource)
            is_there(e, t, resource);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        is_missing(e, t, now);
        break;
    default:
        if (!refusal_of_right(err) && err != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE &&
            err != RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION) {
            t->ask_at = now + EMIT_AGAIN;
            return;
        }
        t->state = TOPIC_UNKNOWN;
        log_debug("it cannot be told whether a topic is there", "task=%s topic=%s error=\"%s\"",
                  e->task->conf->name, t->name, rd_kafka_err2str(err));
    }
    t->answered_at = now;
}

void
topics_answered(struct emitter *e, rd_kafka_event_t *event)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    size_t n = 0;
    const rd_kafka_ConfigResource_t **resources =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    if (!err && n > 0)
        err = rd_kafka_ConfigResource_error(resources[0]);
    answered(e, rd_kafka_event_opaque(event), err, n > 0 ? resources[0] : NULL);
}

void
topics_renew(struct emitter *e)
{
    for (struct emit_topic *t = e->topics; t; t = t->next) {
        if (t->handle)
            rd_kafka_topic_destroy(t->handle);
        t->handle = NULL;
        t->asking = false;
        if (t->state == TOPIC_ASKED)
            t->ask_at = 0;
    }
}

void
topics_free(struct emitter *e)
{
    while (e->topics) {
        struct emit_topic *t = e->topics;
        e->topics = t->next;
        free(t->name);
        free(t);
    }
}

mono_ns
topics_tick(struct emitter *e, mono_ns now)
{
    mono_ns next = MONO_NEVER;
    for (struct emit_topic *t = e->topics; t; t = t->next) {
        if (t->asking || t->ask_at == 0)
            continue;
        if (now >= t->ask_at)
            ask(e, t);
        else
            next = mono_earlier(next, t->ask_at);
    }
    return next;
}
