/* offsets.c - which records a topic has now: prints "PARTITION OFFSET" for each of them.
 *
 *   offsets -b ADDRESS -t TOPIC -p PARTITIONS
 *
 * Read with librdkafka alone, to the ends of the partitions. What cannot be read ends the program with the reason. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kafka/common/options.h"
#include "tests/kafka/common/producer.h"

#define WAIT_MS 30000

static rd_kafka_t *
open_consumer(const char *brokers)
{
    char error[256];
    const char *pairs[][2] = {{"bootstrap.servers", brokers},
                              {"group.id", "offsets"}, /* it joins none and commits nothing */
                              {"enable.auto.commit", "false"},
                              {"enable.partition.eof", "true"},
                              {"log_level", "3"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], error, sizeof error) != RD_KAFKA_CONF_OK)
            producer_die(pairs[i][0], error);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk)
        producer_die("consumer", error);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static void
assign(rd_kafka_t *rk, const char *topic, long partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t error = rd_kafka_assign(rk, list);
    if (error)
        producer_die(topic, rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(list);
}

/* print_next prints a record; true where it came to the end of a partition instead. */
static bool
print_next(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
    if (!m)
        producer_die(topic, "it cannot be read to its end");
    bool end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (m->err && !end)
        producer_die(topic, rd_kafka_message_errstr(m));
    if (!end)
        printf("%" PRId32 " %" PRId64 "\n", m->partition, m->offset);
    rd_kafka_message_destroy(m);
    return end;
}

int
main(int argc, char **argv)
{
    const char *brokers, *topic;
    long partitions;
    const struct tool_option table[] = {{'b', .text = &brokers, .needed = true},
                                        {'t', .text = &topic, .needed = true},
                                        {'p', .number = &partitions, .least = 1, .needed = true},
                                        {0}};
    options_read(argc, argv, table, 0, "-b ADDRESS -t TOPIC -p PARTITIONS");
    rd_kafka_t *rk = open_consumer(brokers);
    assign(rk, topic, partitions);
    for (long ends = 0; ends < partitions;)
        ends += print_next(rk, topic);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return fflush(stdout) == 0 ? 0 : 1;
}
