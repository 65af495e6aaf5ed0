/* broker.c - the embedded broker of a flow test, and a client of librdkafka that asks and feeds it.
 *
 * Owns: one producer and one consumer that is in no group; both are made when first used. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define ANSWER_MS 20000

static const char *address;
static rd_kafka_t *producer;
static int refused;

struct flow_process *
flow_broker(const char *topic, ...)
{
    const char *words[32] = {"headrace", "broker"};
    int n = 2;
    va_list rest;
    va_start(rest, topic);
    for (const char *t = topic; t != NULL && n < 30; t = va_arg(rest, const char *)) {
        words[n++] = "--topic";
        words[n++] = t;
    }
    va_end(rest);
    struct flow_process *p = scene_start(words, "/dev/null");
    flow_await(p, "\n");
    char *line = (char *)flow_read(p->out);
    line[strcspn(line, "\n")] = '\0';
    flow_use_broker(line);
    return p;
}

const char *
flow_brokers(void)
{
    return address;
}

void
flow_use_broker(const char *broker_address)
{
    scene_end_broker();
    address = broker_address;
}

static rd_kafka_conf_t *
settings(void)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ck_assert_msg(address != NULL, "flow_broker or flow_use_broker comes first");
    ck_assert_msg(rd_kafka_conf_set(conf, "bootstrap.servers", address, error, sizeof error) == RD_KAFKA_CONF_OK,
                  "%s", error);
    rd_kafka_conf_set_log_cb(conf, NULL); /* brokers come and go here */
    return conf;
}

static rd_kafka_t *
client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char error[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof error);
    ck_assert_msg(rk != NULL, "%s", error);
    return rk;
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    refused += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *
the_producer(void)
{
    if (producer == NULL) {
        rd_kafka_conf_t *conf = settings();
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
        rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
        rd_kafka_conf_set(conf, "message.max.bytes", "20971520", NULL, 0);
        producer = client(RD_KAFKA_PRODUCER, conf);
    }
    return producer;
}

void
flow_send_message(const struct flow_message *m)
{
    rd_kafka_resp_err_t error;
    do {
        rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
        for (int i = 0; i < m->n_headers; i++)
            rd_kafka_header_add(headers, m->headers[i].name, -1, m->headers[i].value, (ssize_t)m->headers[i].size);
        error = rd_kafka_producev(the_producer(), RD_KAFKA_V_TOPIC(m->topic), RD_KAFKA_V_PARTITION(m->partition),
                                  RD_KAFKA_V_KEY(m->key, m->key_size),
                                  RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value, m->value_size),
                                  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                  RD_KAFKA_V_END);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_headers_destroy(headers); /* it is the producer's only where the call succeeds */
        rd_kafka_poll(producer, error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    ck_assert_msg(error == RD_KAFKA_RESP_ERR_NO_ERROR, "%s: %s", m->topic, rd_kafka_err2str(error));
}

void
flow_send_bytes(const char *topic, int partition, const void *key, size_t key_size, const void *value,
                size_t value_size)
{
    flow_send_message(&(struct flow_message){.topic = topic,
                                             .partition = partition,
                                             .key = key,
                                             .key_size = key_size,
                                             .value = value,
                                             .value_size = value_size});
}

void
flow_send(const char *topic, int partition, const char *key, const char *format, ...)
{
    char *value;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&value, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(size, 0);
    flow_send_bytes(topic, partition, key, key != NULL ? strlen(key) : 0, value, (size_t)size);
    free(value);
}

void
flow_flush(void)
{
    if (producer == NULL)
        return;
    ck_assert_int_eq(rd_kafka_flush(producer, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(refused, 0);
}

rd_kafka_t *
scene_observer(const char *group)
{
    rd_kafka_conf_t *conf = settings();
    rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    return client(RD_KAFKA_CONSUMER, conf);
}

static int64_t
committed(rd_kafka_t *rk, const char *topic, int partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t error = rd_kafka_committed(rk, list, ANSWER_MS);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    ck_assert_msg(error == RD_KAFKA_RESP_ERR_NO_ERROR, "%s [%d]: %s", topic, partition, rd_kafka_err2str(error));
    return offset >= 0 ? offset : -1;
}

static int64_t
end_offset(rd_kafka_t *rk, const char *topic, int partition)
{
    int64_t low, high;
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, ANSWER_MS);
    ck_assert_msg(error == RD_KAFKA_RESP_ERR_NO_ERROR, "%s [%d]: %s", topic, partition, rd_kafka_err2str(error));
    return high;
}

int64_t
flow_committed(const char *group, const char *topic, int partition)
{
    rd_kafka_t *rk = scene_observer(group);
    int64_t offset = committed(rk, topic, partition);
    rd_kafka_destroy(rk);
    return offset;
}

int64_t
flow_end_offset(const char *topic, int partition)
{
    rd_kafka_t *rk = scene_observer("flow");
    int64_t offset = end_offset(rk, topic, partition);
    rd_kafka_destroy(rk);
    return offset;
}

bool
flow_all_committed(const char *group, const char *topic, int n)
{
    rd_kafka_t *rk = scene_observer(group);
    bool all = true;
    for (int i = 0; i < n && all; i++) {
        int64_t end = end_offset(rk, topic, i), offset = committed(rk, topic, i);
        all = offset == end || (end == 0 && offset == -1);
    }
    rd_kafka_destroy(rk);
    return all;
}

void
scene_end_broker(void)
{
    if (producer != NULL)
        rd_kafka_destroy(producer);
    producer = NULL;
    refused = 0;
    address = NULL;
}
