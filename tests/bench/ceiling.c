/* ceiling.c - the plain librdkafka consumer that headrace is measured against: one process, no group, no isolation.
 *
 *   ceiling -b BROKERS -t TOPIC -n RECORDS -p PARTITIONS [-j] [-X PROPERTY=VALUE]...
 *
 * It reads so many records of all partitions in batches and does nothing, or with -j what the logs app does, with jansson:
 * parse, two look-ups, count, compare, print errors. "records seconds" from the first record to the last, on stdout. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/common/plain.h"

static FILE *errors;
static long counted;

static void
do_logs(const rd_kafka_message_t *m)
{
    json_error_t error;
    json_t *json = json_loadb(m->payload, m->len, 0, &error);
    if (!json)
        plain_die("record", error.text);
    const char *severity = json_string_value(json_object_get(json, "severity"));
    const char *message = json_string_value(json_object_get(json, "message"));
    counted++;
    if (strcmp(severity, "ERROR") == 0)
        fprintf(errors, "ERROR: %s\n", message);
    json_decref(json);
}

int
main(int argc, char **argv)
{
    const char *topic = "";
    long records = 0, partitions = 8, n = 0;
    bool logs = false;
    static rd_kafka_message_t *messages[PLAIN_BATCH];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (int option; (option = getopt(argc, argv, "b:t:n:p:jX:")) >= 0;)
        switch (option) {
        case 'b': plain_set(conf, "bootstrap.servers", optarg); break;
        case 't': topic = optarg; break;
        case 'n': records = atol(optarg); break;
        case 'p': partitions = atol(optarg); break;
        case 'j': logs = true; break;
        case 'X': plain_option(conf, optarg); break;
        default: plain_die("usage", "see the head of ceiling.c");
        }
    errors = fopen("/dev/null", "w");
    rd_kafka_queue_t *queue = plain_read(plain_open(RD_KAFKA_CONSUMER, conf), topic, partitions);
    double first = 0;
    while (n < records) {
        ssize_t got = plain_batch(queue, messages, &first);
        for (ssize_t i = 0; i < got; i++) {
            if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                n++;
                if (logs)
                    do_logs(messages[i]);
            }
            rd_kafka_message_destroy(messages[i]);
        }
    }
    plain_leave(n, plain_now() - first);
}
