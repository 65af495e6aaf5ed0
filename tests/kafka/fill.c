/* fill.c - fills a topic with records that `check` can account for.
 *
 *   fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-c] [-w WORDS] [-s BYTES]
 *        [-x RECORDS [-a TRANSACTIONS]] [-f FIRST]
 *
 * Record i goes to partition i % PARTITIONS; its value is "PARTITION/SEQUENCE", where the sequence counts up from
 * FIRST (0) in each partition, then WORDS (what the recorder is to do), filled up with blanks to BYTES; its key is
 * "k<i>". With -c the topic is created first. With -x the records are written in transactions of that many, whose
 * markers leave gaps in the offsets; with -a every that many'th transaction is followed by one that is aborted, so
 * that there are records ("aborted") which no reader of committed ones may see. */
#include <errno.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 60000

struct fill {
    const char *brokers, *topic, *words;
    bool create;
    long records, partitions, size, per_transaction, abort_every, first;
    rd_kafka_t *rk;
    long refused;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "fill: %s: %s\n", what, why);
    exit(1);
}

static void
expect(const char *what, rd_kafka_error_t *error)
{
    if (error != NULL)
        die(what, rd_kafka_error_string(error));
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct fill *f = opaque;
    (void)rk;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        f->refused++;
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
    char error[256], id[64];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", f->brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "20");
    set(conf, "log_level", "3"); /* "coordinator load in progress" of a fresh broker is no news */
    set(conf, "message.max.bytes", "20971520");
    if (f->per_transaction > 0) {
        snprintf(id, sizeof id, "fill-%d", (int)getpid());
        set(conf, "transactional.id", id);
    }
    rd_kafka_conf_set_opaque(conf, f);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    f->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (f->rk == NULL)
        die("producer", error);
    if (f->per_transaction > 0)
        expect("transactions", rd_kafka_init_transactions(f->rk, WAIT_MS));
}

static void
create_topic(struct fill *f)
{
    char error[256];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(f->rk);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(f->topic, (int)f->partitions, 1, error, sizeof error);
    if (topic == NULL)
        die(f->topic, error);
    rd_kafka_CreateTopics(f->rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die(f->topic, event != NULL ? rd_kafka_event_error_string(event) : "no answer to its creation");
    size_t n;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    if (n != 1 || rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die(f->topic, n == 1 ? rd_kafka_topic_result_error_string(results[0]) : "an answer about other topics");
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
}

static void
produce(struct fill *f, long partition, const char *key, const char *value, size_t size)
{
    rd_kafka_resp_err_t error;
    while ((error = rd_kafka_producev(f->rk, RD_KAFKA_V_TOPIC(f->topic), RD_KAFKA_V_PARTITION((int32_t)partition),
                                      RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)value, size),
                                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(f->rk, 100);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        die(f->topic, rd_kafka_err2str(error));
    rd_kafka_poll(f->rk, 0);
}

/* Records in every partition that are written and then taken back. */
static void
write_aborted(struct fill *f)
{
    expect("begin", rd_kafka_begin_transaction(f->rk));
    for (long p = 0; p < f->partitions; p++)
        produce(f, p, "aborted", "aborted", strlen("aborted"));
    rd_kafka_flush(f->rk, WAIT_MS);
    expect("abort", rd_kafka_abort_transaction(f->rk, WAIT_MS));
}

static void
write_records(struct fill *f)
{
    size_t least = 64 + strlen(f->words), size = f->size > (long)least ? (size_t)f->size : least;
    char *value = malloc(size + 1), key[32];
    long in_transaction = 0, transactions = 0;
    for (long i = 0; i < f->records; i++) {
        if (f->per_transaction > 0 && in_transaction == 0)
            expect("begin", rd_kafka_begin_transaction(f->rk));
        long partition = i % f->partitions;
        int n = snprintf(value, size + 1, "%ld/%ld%s%s", partition, f->first + i / f->partitions,
                         f->words[0] != '\0' ? " " : "", f->words);
        memset(value + n, ' ', size - (size_t)n);
        snprintf(key, sizeof key, "k%ld", i);
        produce(f, partition, key, value, n > f->size ? (size_t)n : (size_t)f->size);
        if (f->per_transaction > 0 && (++in_transaction == f->per_transaction || i == f->records - 1)) {
            expect("commit", rd_kafka_commit_transaction(f->rk, WAIT_MS));
            in_transaction = 0;
            if (f->abort_every > 0 && ++transactions % f->abort_every == 0)
                write_aborted(f);
        }
    }
    free(value);
}

static long
number(const char *text, long least)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < least) {
        fprintf(stderr, "fill: %s: must be a number of at least %ld\n", text, least);
        exit(64);
    }
    return n;
}

static void
read_options(struct fill *f, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "b:t:n:p:cw:s:x:a:f:")) != -1;)
        switch (option) {
        case 'b': f->brokers = optarg; break;
        case 't': f->topic = optarg; break;
        case 'n': f->records = number(optarg, 0); break;
        case 'p': f->partitions = number(optarg, 1); break;
        case 'c': f->create = true; break;
        case 'w': f->words = optarg; break;
        case 's': f->size = number(optarg, 0); break;
        case 'x': f->per_transaction = number(optarg, 1); break;
        case 'a': f->abort_every = number(optarg, 1); break;
        case 'f': f->first = number(optarg, 0); break;
        default: exit(64);
        }
    if (f->brokers == NULL || f->topic == NULL || f->partitions == 0 || optind != argc) {
        fprintf(stderr, "usage: fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-c] [-w WORDS] [-s BYTES] "
                        "[-x RECORDS [-a TRANSACTIONS]] [-f FIRST]\n");
        exit(64);
    }
}

int
main(int argc, char **argv)
{
    struct fill f = {.words = ""};
    read_options(&f, argc, argv);
    open_producer(&f);
    if (f.create)
        create_topic(&f);
    write_records(&f);
    rd_kafka_resp_err_t error = rd_kafka_flush(f.rk, WAIT_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        die(f.topic, rd_kafka_err2str(error));
    rd_kafka_destroy(f.rk);
    if (f.refused > 0)
        die(f.topic, "records were refused");
    printf("%ld records in %ld partitions of %s\n", f.records, f.partitions, f.topic);
    return 0;
}
