/* topics.c - whole topics, read with librdkafka alone.
 *
 * Guarantees: nothing is left out silently; what cannot be read ends the program with the reason.
 * Must not know: what the records are. */
#include "tests/kafka/chaos/topics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 30000

void
topics_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

rd_kafka_t *
topics_open(const char *brokers, const char *group)
{
    char error[256];
    const char *pairs[][2] = {{"bootstrap.servers", brokers},
                              {"group.id", group},
                              {"enable.auto.commit", "false"},
                              {"log_level", "3"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], error, sizeof error) != RD_KAFKA_CONF_OK)
            topics_die(pairs[i][0], error);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk)
        topics_die("consumer", error);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static int
partitions_of(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, handle, &metadata, WAIT_MS);
    if (error)
        topics_die(topic, rd_kafka_err2str(error));
    int n = metadata->topic_cnt == 1 && !metadata->topics[0].err ? metadata->topics[0].partition_cnt : 0;
    if (n < 1 || n > TOPICS_PARTITIONS)
        topics_die(topic, "no such topic, or too many partitions");
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return n;
}

static void
watermarks(rd_kafka_t *rk, const char *topic, int p, int64_t *low, int64_t *high)
{
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(rk, topic, p, low, high, WAIT_MS);
    if (error)
        topics_die(topic, rd_kafka_err2str(error));
}

int
topics_ends(rd_kafka_t *rk, const char *topic, int64_t *ends)
{
    int n = partitions_of(rk, topic);
    int64_t low;
    for (int p = 0; p < n; p++)
        watermarks(rk, topic, p, &low, &ends[p]);
    return n;
}

void
topics_read(rd_kafka_t *rk, const char *topic, void (*take)(const rd_kafka_message_t *))
{
    int n = partitions_of(rk, topic);
    int64_t left = 0, low, high;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int p = 0; p < n; p++) {
        watermarks(rk, topic, p, &low, &high);
        left += high - low;
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (; left > 0; left--) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
        if (!m || m->err)
            topics_die(topic, m ? rd_kafka_message_errstr(m) : "it cannot be read to its end");
        take(m);
        rd_kafka_message_destroy(m);
    }
}

void
topics_committed(rd_kafka_t *rk, const char *topic, int partitions, int64_t *committed)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p);
    rd_kafka_resp_err_t error = rd_kafka_committed(rk, list, WAIT_MS);
    if (error)
        topics_die("committed offsets", rd_kafka_err2str(error));
    for (int p = 0; p < partitions; p++)
        committed[p] = list->elems[p].offset;
    rd_kafka_topic_partition_list_destroy(list);
}

void
topics_header(const rd_kafka_message_t *m, const char *name, char *out, size_t size)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    out[0] = '\0';
    if (!rd_kafka_message_headers(m, &headers) && !rd_kafka_header_get_last(headers, name, &value, &length))
        snprintf(out, size, "%.*s", (int)length, (const char *)value);
}

static uint64_t
add_bytes(uint64_t hash, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u; /* FNV-1a */
    return hash;
}

uint64_t
topics_hash(const rd_kafka_message_t *m)
{
    return add_bytes(add_bytes(14695981039346656037u, m->key, m->key_len), m->payload, m->len);
}
