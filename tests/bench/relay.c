/* relay.c - the plain librdkafka program that sending is measured against: one process, no group, no isolation.
 *
 *   relay -b BROKERS -t TOPIC -o TOPIC -n RECORDS -p PARTITIONS [-X PROPERTY=VALUE]... [-Y PROPERTY=VALUE]...
 *
 * It reads so many records of all partitions in batches, produces each to the topic of -o with its key and value, by an
 * idempotent producer, and waits until all are confirmed. -X is for its consumer, -Y for its producer. "records seconds" from
 * the first record to the last confirmation, on stdout. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/common/plain.h"

static long confirmed;

static void
reported(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk, (void)opaque;
    if (m->err)
        plain_die("not confirmed", rd_kafka_err2str(m->err));
    confirmed++;
}

static void
pass_on(rd_kafka_t *rk, rd_kafka_topic_t *to, const rd_kafka_message_t *m)
{
    while (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, m->payload, m->len, m->key, m->key_len, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            plain_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
}

int
main(int argc, char **argv)
{
    const char *from = "", *to = "";
    long records = 0, partitions = 8, n = 0;
    static rd_kafka_message_t *messages[PLAIN_BATCH];
    rd_kafka_conf_t *in = rd_kafka_conf_new(), *out = rd_kafka_conf_new();
    plain_set(out, "enable.idempotence", "true");
    plain_set(out, "queue.buffering.max.messages", "1000000");
    rd_kafka_conf_set_dr_msg_cb(out, reported);
    for (int option; (option = getopt(argc, argv, "b:t:o:n:p:X:Y:")) >= 0;)
        switch (option) {
        case 'b': plain_set(in, "bootstrap.servers", optarg), plain_set(out, "bootstrap.servers", optarg); break;
        case 't': from = optarg; break;
        case 'o': to = optarg; break;
        case 'n': records = atol(optarg); break;
        case 'p': partitions = atol(optarg); break;
        case 'X': plain_option(in, optarg); break;
        case 'Y': plain_option(out, optarg); break;
        default: plain_die("usage", "see the head of relay.c");
        }
    rd_kafka_t *producer = plain_open(RD_KAFKA_PRODUCER, out);
    rd_kafka_topic_t *sink = rd_kafka_topic_new(producer, to, NULL);
    rd_kafka_queue_t *queue = plain_read(plain_open(RD_KAFKA_CONSUMER, in), from, partitions);
    double first = 0;
    while (n < records) {
        ssize_t got = plain_batch(queue, messages, &first);
        for (ssize_t i = 0; i < got; i++) {
            if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR && n++ < records)
                pass_on(producer, sink, messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
        rd_kafka_poll(producer, 0);
    }
    while (confirmed < records)
        rd_kafka_poll(producer, 1000);
    plain_leave(confirmed, plain_now() - first);
}
