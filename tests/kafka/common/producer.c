/* producer.c - fills one topic, with librdkafka alone.
 *
 * Guarantees: a record that was not delivered ends the program at producer_close. */
#include "tests/kafka/common/producer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
producer_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct producer *p = opaque;
    (void)rk;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        p->refused++;
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        producer_die(name, error);
}

void
producer_open(struct producer *p, const char *brokers, const char *topic, bool transactional)
{
    char error[256], id[64];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    *p = (struct producer){.topic = topic};
    set(conf, "bootstrap.servers", brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "20");
    set(conf, "log_level", "3"); /* "coordinator load in progress" of a fresh broker is no news */
    set(conf, "message.max.bytes", "20971520");
    if (transactional) {
        snprintf(id, sizeof id, "fill-%d", (int)getpid());
        set(conf, "transactional.id", id);
    }
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!p->rk)
        producer_die("producer", error);
}

void
producer_create_topic(struct producer *p, long partitions)
{
    char error[256];
    size_t n = 0;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(p->topic, (int)partitions, -1, error, sizeof error);
    if (!topic)
        producer_die(p->topic, error);
    rd_kafka_CreateTopics(p->rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PRODUCER_WAIT_MS);
    if (!event || rd_kafka_event_error(event))
        producer_die(p->topic, event ? rd_kafka_event_error_string(event) : "no answer to its creation");
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    if (n != 1 || rd_kafka_topic_result_error(results[0]))
        producer_die(p->topic,
                     n == 1 ? rd_kafka_topic_result_error_string(results[0]) : "an answer about other topics");
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
}

void
producer_send(struct producer *p, long partition, const char *key, const char *value, size_t size)
{
    rd_kafka_resp_err_t error;
    while ((error = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(p->topic), RD_KAFKA_V_PARTITION((int32_t)partition),
                                      RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)value, size),
                                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(p->rk, 100);
    if (error)
        producer_die(p->topic, rd_kafka_err2str(error));
    rd_kafka_poll(p->rk, 0);
}

void
producer_close(struct producer *p)
{
    rd_kafka_resp_err_t error = rd_kafka_flush(p->rk, PRODUCER_WAIT_MS);
    if (error)
        producer_die(p->topic, rd_kafka_err2str(error));
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
    if (p->refused > 0)
        producer_die(p->topic, "records were refused");
}
