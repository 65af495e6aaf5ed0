/* fill.c - fills a topic for the benchmark, as fast as it goes.
 *
 *   fill -b BROKERS -t TOPIC -n RECORDS -p PARTITIONS [-s BYTES] [-k KEYS] [-z CODEC]
 *
 * Each value is a line of the logs app as JSON, of BYTES (120) in all; one in ten is an ERROR. Keys are "k0" to "kKEYS-1"
 * (10000), each of which stays in one partition. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "fill: %s: %s\n", what, why);
    exit(1);
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[300];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        die(name, error);
}

static size_t
make_value(char *value, size_t size, long i)
{
    size_t n = (size_t)sprintf(value, "{\"severity\": \"%s\", \"message\": \"%010ld ", i % 10 == 0 ? "ERROR" : "INFO", i);
    for (; n < size - 2; n++)
        value[n] = (char)('a' + n % 26);
    memcpy(value + n, "\"}", 2);
    return n + 2;
}

static void
produce(rd_kafka_topic_t *topic, rd_kafka_t *rk, long partition, const char *key, char *value, size_t size)
{
    while (rd_kafka_produce(topic, (int32_t)partition, RD_KAFKA_MSG_F_COPY, value, size, key, strlen(key), NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
}

int
main(int argc, char **argv)
{
    const char *brokers = "", *topic_name = "", *codec = "none";
    long records = 0, partitions = 8, size = 120, keys = 10000;
    for (int option; (option = getopt(argc, argv, "b:t:n:p:s:k:z:")) >= 0;)
        switch (option) {
        case 'b': brokers = optarg; break;
        case 't': topic_name = optarg; break;
        case 'n': records = atol(optarg); break;
        case 'p': partitions = atol(optarg); break;
        case 's': size = atol(optarg); break;
        case 'k': keys = atol(optarg); break;
        case 'z': codec = optarg; break;
        default: die("usage", "see the head of fill.c");
        }
    if (size < 80 || records < 1 || partitions < 1 || keys < 1)
        die("usage", "see the head of fill.c");
    char error[300], key[32], *value = malloc((size_t)size + 1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "compression.codec", codec);
    set(conf, "linger.ms", "50");
    set(conf, "batch.num.messages", "10000");
    set(conf, "batch.size", "1000000");
    set(conf, "queue.buffering.max.messages", "500000");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!rk || !value)
        die("producer", error);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
    for (long i = 0; i < records; i++) {
        long k = i % keys;
        sprintf(key, "k%ld", k);
        produce(topic, rk, k % partitions, key, value, make_value(value, (size_t)size, i));
        if (i % 10000 == 0)
            rd_kafka_poll(rk, 0);
    }
    if (rd_kafka_flush(rk, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("flush", "not everything was confirmed within 120 s");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    free(value);
    return 0;
}
