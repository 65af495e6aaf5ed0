/* chaos_fill.c - fills the topic of scripts/chaos.sh: healthy records with poison among them.
 *
 *   chaos_fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS -e EACH -s SEED
 *
 * The topic is created. Record i goes to partition i % PARTITIONS, its key is "k<i % 1000>", its value
 * {"sequence": N, "act": "work"}, where N counts from 0 in its partition. In each partition EACH records of
 * each kind of poison take the place of healthy ones, at random places; the last record of partition 0 and
 * the first of partition 1 are poison too. A record that cannot be decoded is text, or lacks its act. */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 60000

static const char *const acts[] = {"work",   "segv",   "abort", "exit", "loop", "fail",
                                   "reject", "return", "hog",   "text", "lacks"};
#define N_ACTS (sizeof acts / sizeof acts[0])

struct fill {
    const char *brokers, *topic;
    long records, partitions, each;
    uint64_t random;
    unsigned char *act; /* by record: an index into acts */
    rd_kafka_t *rk;
    long refused;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "chaos_fill: %s: %s\n", what, why);
    exit(1);
}

static long
random_below(struct fill *f, long n)
{
    f->random ^= f->random << 13; /* xorshift64 */
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (long)(f->random % (uint64_t)n);
}

static void
place_poison(struct fill *f)
{
    long per_partition = f->records / f->partitions;
    f->act = calloc((size_t)f->records, 1);
    for (long p = 0; p < f->partitions; p++)
        for (unsigned char act = 1; act < N_ACTS; act++)
            for (long left = f->each; left > 0;) {
                unsigned char *at = &f->act[random_below(f, per_partition) * f->partitions + p];
                left -= *at == 0;
                *at = *at == 0 ? act : *at;
            }
    f->act[(per_partition - 1) * f->partitions] = 1;
    f->act[1] = 5;
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    ((struct fill *)opaque)->refused += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        die(name, error);
}

static void
open_producer(struct fill *f)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", f->brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "20");
    set(conf, "log_level", "3"); /* "coordinator load in progress" of a fresh broker is no news */
    rd_kafka_conf_set_opaque(conf, f);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    f->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!f->rk)
        die("producer", error);
}

static void
create_topic(struct fill *f)
{
    char error[256];
    size_t n = 0;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(f->rk);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(f->topic, (int)f->partitions, 1, error, sizeof error);
    if (!topic)
        die(f->topic, error);
    rd_kafka_CreateTopics(f->rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (!event || rd_kafka_event_error(event))
        die(f->topic, event ? rd_kafka_event_error_string(event) : "no answer to its creation");
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    if (n != 1 || rd_kafka_topic_result_error(results[0]))
        die(f->topic,
            n == 1 ? rd_kafka_topic_result_error_string(results[0]) : "an answer about other topics");
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
}

static void
produce(struct fill *f, long i)
{
    char key[32], value[128];
    const char *act = acts[f->act[i]];
    int size;
    if (strcmp(act, "text") == 0)
        size = snprintf(value, sizeof value, "record %ld is not JSON", i / f->partitions);
    else if (strcmp(act, "lacks") == 0)
        size = snprintf(value, sizeof value, "{\"sequence\": %ld}", i / f->partitions);
    else
        size = snprintf(value, sizeof value, "{\"sequence\": %ld, \"act\": \"%s\"}", i / f->partitions, act);
    snprintf(key, sizeof key, "k%ld", i % 1000);
    rd_kafka_resp_err_t error;
    while ((error = rd_kafka_producev(
                f->rk, RD_KAFKA_V_TOPIC(f->topic), RD_KAFKA_V_PARTITION((int32_t)(i % f->partitions)),
                RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE(value, (size_t)size),
                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(f->rk, 100);
    if (error)
        die(f->topic, rd_kafka_err2str(error));
    rd_kafka_poll(f->rk, 0);
}

static long
number(const char *text, long least)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < least) {
        fprintf(stderr, "chaos_fill: %s: must be a number of at least %ld\n", text, least);
        exit(64);
    }
    return n;
}

static void
read_options(struct fill *f, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "b:t:n:p:e:s:")) != -1;)
        switch (option) {
        case 'b':
            f->brokers = optarg;
            break;
        case 't':
            f->topic = optarg;
            break;
        case 'n':
            f->records = number(optarg, 1);
            break;
        case 'p':
            f->partitions = number(optarg, 2);
            break;
        case 'e':
            f->each = number(optarg, 0);
            break;
        case 's':
            f->random = (uint64_t)number(optarg, 0) * 2 + 0x9E3779B97F4A7C15;
            break;
        default:
            exit(64);
        }
    if (!f->brokers || !f->topic || f->partitions == 0 || f->records % f->partitions != 0 || optind != argc ||
        f->records / f->partitions < 4 * (f->each + 1) * (long)N_ACTS) {
        fprintf(stderr, "usage: chaos_fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS -e EACH -s SEED\n"
                        "RECORDS is a multiple of PARTITIONS, and at least four times the poison\n");
        exit(64);
    }
}

int
main(int argc, char **argv)
{
    struct fill f = {.random = 1};
    read_options(&f, argc, argv);
    place_poison(&f);
    open_producer(&f);
    create_topic(&f);
    for (long i = 0; i < f.records; i++)
        produce(&f, i);
    rd_kafka_resp_err_t error = rd_kafka_flush(f.rk, WAIT_MS);
    if (error)
        die(f.topic, rd_kafka_err2str(error));
    rd_kafka_destroy(f.rk);
    free(f.act);
    if (f.refused > 0)
        die(f.topic, "records were refused");
    return 0;
}
