/* producer.c - lines into a topic.
 *
 * Owns: librdkafka's producer, and the count of what was confirmed.
 *
 * DESIGN: the producer is idempotent, so a retry neither repeats nor reorders. Each record carries the number
 * of its line, which the delivery report gives back. The linger is short: the producer keeps up with a file
 * by batching while it waits for the broker, and a slow pipe sees its lines sent at once.
 *
 * Guarantees: each record given is counted once, as confirmed or as failed, and exit code 0 means that all
 * were confirmed. A broker that is away is waited for no longer than message.timeout.ms.
 *
 * Must not know: where the lines come from. */
#include "supervisor/client/producer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/client/usage.h"
#include "supervisor/properties.h"
#include "supervisor/refusal.h"

#define LINES_NAMED 5 /* failures that are printed one by one */

/* Records without a key spread evenly, however fast they come (no sticky partitioner); the limit on a
 * record's size that counts is the broker's. */
static const char *const defaults[][2] = {
    {"client.id", "headrace-send"},
    {"enable.idempotence", "true"},
    {"linger.ms", "5"},
    {"sticky.partitioning.linger.ms", "0"},
    {"message.timeout.ms", "30000"},
    {"topic.metadata.propagation.max.ms", "10000"}, /* a topic that is not there by then does not exist */
    {"message.max.bytes", "104857600"},
    {"queue.buffering.max.kbytes", "262144"},
};

rd_kafka_conf_t *
producer_conf(void)
{
    char wrong[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (rd_kafka_conf_set(conf, defaults[i][0], defaults[i][1], wrong, sizeof wrong) != RD_KAFKA_CONF_OK)
            panic("%s", wrong);
    return conf;
}

/* is_nobody: errors that say that no broker took the record, rather than that one refused it. */
static bool
is_nobody(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || err == RD_KAFKA_RESP_ERR__TRANSPORT ||
           err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
           err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT || err == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static bool
is_missing(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* refused keeps why there is no point in going on; only the first reason counts. */
static void
refused(struct producer *p, char *text_take)
{
    if (p->refused)
        free(text_take);
    else
        p->refused = text_take;
}

static void
note_failure(struct producer *p, uint64_t line, rd_kafka_resp_err_t err)
{
    p->failed++;
    if (refusal_of_right(err)) {
        refused(p, refusal_right(p->rk, "Write", "topic", p->topic));
    } else if (is_nobody(err)) {
        p->unreachable = true;
    } else if (is_missing(err)) {
        p->missing = true;
    } else if (p->lines_named < LINES_NAMED) {
        p->lines_named++;
        fprintf(stderr, "headrace %s: line %" PRIu64 ": not sent to %s: %s\n", p->command, line, p->topic,
                rd_kafka_err2str(err));
    }
}

static void
on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct producer *p = opaque;
    (void)rk;
    if (m->err)
        note_failure(p, (uint64_t)(uintptr_t)m->_private, m->err);
    else
        p->confirmed++;
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct producer *p = opaque;
    char text[512];
    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, text, sizeof text);
        if (refusal_of_right(cause)) { /* no right to write to any topic */
            refused(p, refusal_right(rk, "Write", "topic", p->topic));
            return;
        }
        fprintf(stderr, "headrace %s: the producer cannot go on: %s: %s\n", p->command,
                rd_kafka_err2name(cause), text);
        p->fatal = true;
    } else if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || p->last_error[0] == '\0') {
        char *words = refusal_words(rk, err, reason);
        snprintf(p->last_error, sizeof p->last_error, "%s", words);
        free(words);
        if (refusal_of_login(err) && p->confirmed == 0) /* else it may be a broker that is only just back */
            refused(p, mem_string(p->last_error));
    }
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text; /* what matters comes as errors and reports */
}

/* take_settings keeps what messages will need. */
static void
take_settings(struct producer *p, const rd_kafka_conf_t *conf)
{
    char text[64] = "";
    size_t size = sizeof text, brokers_size = sizeof p->brokers;
    if (rd_kafka_conf_get(conf, "message.timeout.ms", text, &size) == RD_KAFKA_CONF_OK)
        p->timeout = atof(text) / 1000;
    if (rd_kafka_conf_get(conf, "bootstrap.servers", p->brokers, &brokers_size) != RD_KAFKA_CONF_OK)
        snprintf(p->brokers, sizeof p->brokers, "the broker");
}

int
producer_open(struct producer *p, const char *command, const char *topic, rd_kafka_conf_t *conf)
{
    char wrong[512], debug[256] = "";
    size_t size = sizeof debug;
    *p = (struct producer){.command = command, .topic = topic, .partition = RD_KAFKA_PARTITION_UA};
    take_settings(p, conf);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (rd_kafka_conf_get(conf, "debug", debug, &size) != RD_KAFKA_CONF_OK || debug[0] == '\0')
        rd_kafka_conf_set_log_cb(conf, on_log); /* with -X debug=... librdkafka's log is wanted */
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, wrong, sizeof wrong);
    if (p->rk)
        return 0;
    char *refusal = properties_refusal(conf, wrong);
    rd_kafka_conf_destroy(conf);
    int code = command_error(command, EX_CONFIG, "%s", refusal);
    free(refusal);
    return code;
}

/* is_hopeless: more records would fare no better. */
static bool
is_hopeless(const struct producer *p)
{
    return p->unreachable || p->missing || p->fatal || p->refused;
}

bool
producer_send(struct producer *p, uint64_t line, struct producer_text key, struct producer_text value)
{
    rd_kafka_resp_err_t err;
    p->given++;
    for (;;) {
        err = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(p->topic), RD_KAFKA_V_PARTITION(p->partition),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data, key.size),
                                RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size),
                                RD_KAFKA_V_OPAQUE((void *)(uintptr_t)line), RD_KAFKA_V_END);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL || is_hopeless(p))
            break;
        rd_kafka_poll(p->rk, 100); /* reports make room */
        if (p->give_up && p->give_up())
            break;
    }
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL || (err == RD_KAFKA_RESP_ERR__FATAL && is_hopeless(p)))
        p->failed++; /* why is known already */
    else if (err == RD_KAFKA_RESP_ERR__FATAL && refusal_of_right(rd_kafka_fatal_error(p->rk, NULL, 0)))
        note_failure(p, line, rd_kafka_fatal_error(p->rk, NULL, 0));
    else if (err)
        note_failure(p, line, err);
    rd_kafka_poll(p->rk, 0);
    return !is_hopeless(p);
}

static void
print_sum(const struct producer *p)
{
    char why[64] = "interrupted before all records were confirmed";
    if (!p->gave_up)
        snprintf(why, sizeof why, "records were not confirmed within %g s", p->timeout);
    if (p->failed > p->lines_named && p->lines_named > 0)
        fprintf(stderr, "headrace %s: ... and %" PRIu64 " more\n", p->command, p->failed - p->lines_named);
    if (p->refused)
        fprintf(stderr, "headrace %s: %s: %s\n", p->command, p->brokers, p->refused);
    else if (p->missing)
        fprintf(stderr, "headrace %s: %s: there is no topic %s; create it first\n", p->command, p->brokers,
                p->topic);
    else if (p->unreachable)
        fprintf(stderr, "headrace %s: %s: %s%s%s\n", p->command, p->brokers, why,
                p->last_error[0] ? ": " : "", p->last_error);
    if (p->failed > 0)
        fprintf(stderr, "sent %" PRIu64 " of %" PRIu64 " records to %s\n", p->confirmed, p->given, p->topic);
    else
        fprintf(stderr, "sent %" PRIu64 " record%s to %s\n", p->confirmed, p->confirmed == 1 ? "" : "s",
                p->topic);
}

int
producer_close(struct producer *p)
{
    while (rd_kafka_outq_len(p->rk) > 0) {
        p->gave_up = p->gave_up || (p->give_up && p->give_up());
        if (p->gave_up || (is_hopeless(p) && p->confirmed == 0)) /* there is no hope for the others */
            rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(p->rk, 500);
    }
    print_sum(p);
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
    bool is_refused = p->refused != NULL;
    free(p->refused);
    p->refused = NULL;
    if (p->fatal)
        return EX_SOFTWARE;
    if (is_refused || p->unreachable || p->missing)
        return EX_UNAVAILABLE;
    return p->failed > 0 ? 1 : 0;
}
