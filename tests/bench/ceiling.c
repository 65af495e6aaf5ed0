/* ceiling.c - the plain librdkafka consumer that headrace is measured against: one process, no group, no isolation.
 *
 *   ceiling -b BROKERS -t TOPIC -n RECORDS -p PARTITIONS [-j] [-X PROPERTY=VALUE]...
 *
 * It reads so many records of all partitions in batches and does nothing, or with -j what the logs app does, with jansson:
 * parse, two look-ups, count, compare, print errors. "records seconds" from the first record to the last, on stdout. */
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 10000

static FILE *errors;
static long counted;

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "ceiling: %s: %s\n", what, why);
    exit(1);
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[300];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        die(name, error);
}

static void
set_option(rd_kafka_conf_t *conf, char *option)
{
    char *equals = strchr(option, '=');
    if (!equals)
        die(option, "must be PROPERTY=VALUE");
    *equals = '\0';
    set(conf, option, equals + 1);
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
do_logs(const rd_kafka_message_t *m)
{
    json_error_t error;
    json_t *json = json_loadb(m->payload, m->len, 0, &error);
    if (!json)
        die("record", error.text);
    const char *severity = json_string_value(json_object_get(json, "severity"));
    const char *message = json_string_value(json_object_get(json, "message"));
    counted++;
    if (strcmp(severity, "ERROR") == 0)
        fprintf(errors, "ERROR: %s\n", message);
    json_decref(json);
}

static rd_kafka_queue_t *
read_all(rd_kafka_t *rk, rd_kafka_topic_t *topic, long partitions)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (long p = 0; p < partitions; p++)
        if (rd_kafka_consume_start_queue(topic, (int32_t)p, RD_KAFKA_OFFSET_BEGINNING, queue) != 0)
            die("start", rd_kafka_err2str(rd_kafka_last_error()));
    return queue;
}

int
main(int argc, char **argv)
{
    const char *topic_name = "";
    long records = 0, partitions = 8, n = 0;
    bool logs = false;
    static rd_kafka_message_t *messages[BATCH];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (int option; (option = getopt(argc, argv, "b:t:n:p:jX:")) >= 0;)
        switch (option) {
        case 'b': set(conf, "bootstrap.servers", optarg); break;
        case 't': topic_name = optarg; break;
        case 'n': records = atol(optarg); break;
        case 'p': partitions = atol(optarg); break;
        case 'j': logs = true; break;
        case 'X': set_option(conf, optarg); break;
        default: die("usage", "see the head of ceiling.c");
        }
    char error[300];
    errors = fopen("/dev/null", "w");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk)
        die("consumer", error);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
    rd_kafka_queue_t *queue = read_all(rk, topic, partitions);
    double first = 0;
    while (n < records) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, messages, BATCH);
        if (got > 0 && n == 0)
            first = now();
        for (ssize_t i = 0; i < got; i++) {
            if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                n++;
                if (logs)
                    do_logs(messages[i]);
            }
            rd_kafka_message_destroy(messages[i]);
        }
    }
    printf("%ld %.6f\n", n, now() - first);
    fflush(stdout);
    _exit(0); /* closing in order would only cost time that is not measured */
}
