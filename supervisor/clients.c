/* clients.c - the configuration of a task's librdkafka clients: its consumer, its producer of sends and dead
 * letters.
 *
 * Owns: the defaults that differ from librdkafka's. Guarantees: what is ours alone wins over the file, the
 * file over the defaults. Must not know: what is done with the client. */
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/source_int.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Defaults where they differ from librdkafka's; the configuration's kafka section comes after and wins. */
static const char *const consumer_defaults[][2] = {
    {"auto.offset.reset", "earliest"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"session.timeout.ms", "10000"},
    {"queued.min.messages", "1000000"},     /* the bytes count: */
    {"queued.max.messages.kbytes", "1024"}, /* of the values, in each partition */
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "2000"},
    {"fetch.queue.backoff.ms", "10"}, /* last: known from 2.2 on; before, see fetching.c */
};

static size_t
known_defaults(void)
{
    return COUNT(consumer_defaults) - (rd_kafka_version() < FETCH_BACKOFF_SINCE ? 1 : 0);
}

/* Ours alone: conf refuses them in the file. */
static const char *const consumer_owned[][2] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
};

static const char *const producer_defaults[][2] = {
    {"linger.ms", "5"},
    {"message.max.bytes",
     "200000000"},               /* what could be read can be written; the topic has a limit of its own */
    {"message.timeout.ms", "0"}, /* nothing is dropped by a timeout */
    {"queue.buffering.max.messages", "10000000"}, /* headrace itself bounds what is under way */
    {"queue.buffering.max.kbytes", "2097151"},
};
static const char *const producer_owned[][2] = {
    {"enable.idempotence", "true"},
};

/* ---- seeing when the group is joined: commit.c says why ---- */

enum { API_JOIN_GROUP = 11, API_SYNC_GROUP = 14 }; /* Kafka's numbers */

static rd_kafka_resp_err_t
request_sent(rd_kafka_t *rk, int fd, const char *name, int32_t id, int16_t key, int16_t version,
             int32_t correlation, size_t size, void *source)
{
    (void)rk, (void)fd, (void)name, (void)id, (void)version, (void)correlation, (void)size;
    if (key == API_JOIN_GROUP)
        atomic_store(&((struct source *)source)->joining, true);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
response_received(rd_kafka_t *rk, int fd, const char *name, int32_t id, int16_t key, int16_t version,
                  int32_t correlation, size_t size, int64_t took, rd_kafka_resp_err_t err, void *source)
{
    (void)rk, (void)fd, (void)name, (void)id, (void)version, (void)correlation, (void)size, (void)took;
    struct source *s = source;
    if (key == API_JOIN_GROUP)
        atomic_store(&s->join_answered, true);
    if (key == API_SYNC_GROUP && !err)
        atomic_store(&s->joining, false);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
client_made(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *source, char *text, size_t size)
{
    (void)conf, (void)text, (void)size;
    rd_kafka_interceptor_add_on_request_sent(rk, "headrace", request_sent, source);
    return rd_kafka_interceptor_add_on_response_received(rk, "headrace", response_received, source);
}

/* say_why: that a session has timed out, and what the coordinator last said, stands in this line only. The
 * loss follows. */
static void
say_why(const struct source *s, const char *text)
{
    const char *line = strstr(text, "Consumer group session timed out");
    char quoted[600];
    log_warn("session timed out", "task=%s error=\"%s\"", s->task->conf->name,
             log_quote(line ? line : text, quoted, sizeof quoted));
}

static void
log_of_rdkafka(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct source *s = rd_kafka_opaque(rk); /* NULL: a producer */
    if (s)
        expired_note(&s->expired, level, facility, text);
    if (s && strcmp(facility, "SESSTMOUT") == 0)
        say_why(s, text);
    /* what else matters to the user comes as an error event, said in our words */
    log_debug("kafka", "facility=%s text=\"%s\"", facility, text);
}

static int
set(rd_kafka_conf_t *conf, const char *name, const char *value, char **error)
{
    char text[512];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return 0;
    *error = mem_printf("%s: %s", name, text);
    return -1;
}

typedef const char *const property[2];

/* clients_conf puts a client's properties together: the defaults, the user's, what is ours alone. */
static rd_kafka_conf_t *
clients_conf(const struct task *t, property *ours_first, size_t n_first, property *ours_last, size_t n_last,
             char **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *name;
    json_t *value;
    for (size_t i = 0; i < n_first; i++)
        if (set(conf, ours_first[i][0], ours_first[i][1], error) < 0)
            goto out;
    json_object_foreach(t->conf->kafka ? t->conf->kafka : t->app->conf->kafka, name, value)
        if (set(conf, name, json_string_value(value), error) < 0)
            goto out;
    for (size_t i = 0; i < n_last; i++)
        if (set(conf, ours_last[i][0], ours_last[i][1], error) < 0)
            goto out;
    rd_kafka_conf_set_log_cb(conf, log_of_rdkafka);
    return conf;
out:
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_conf_t *
clients_consumer(struct source *s, const struct task *t, char **error)
{
    rd_kafka_conf_t *conf =
        clients_conf(t, consumer_defaults, known_defaults(), consumer_owned, COUNT(consumer_owned), error);
    if (conf && set(conf, "group.id", t->conf->group, error) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    if (!conf)
        return NULL;
    rd_kafka_conf_set_opaque(conf, s);
    rd_kafka_conf_interceptor_add_on_new(conf, "headrace", client_made, s);
    rd_kafka_conf_set_events(conf,
                             RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR);
    return conf;
}

rd_kafka_conf_t *
clients_producer(const struct task *t, char **error)
{
    rd_kafka_conf_t *conf = clients_conf(t, producer_defaults, COUNT(producer_defaults), producer_owned,
                                         COUNT(producer_owned), error);
    if (conf)
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    return conf;
}
