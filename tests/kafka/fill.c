/* fill.c - fills a topic with records that `check` can account for.
 *
 *   fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-c] [-w WORDS] [-s BYTES]
 *        [-x RECORDS [-a TRANSACTIONS]] [-f FIRST] [-k KEYS]
 *
 * Record i goes to partition i % PARTITIONS; its value is "PARTITION/SEQUENCE", where the sequence counts up from
 * FIRST (0) in each partition, then WORDS (what the recorder is to do), filled up with blanks to BYTES; its key is
 * "k<i>", or with -k one of so many in each partition. With -c the topic is created first. With -x the records are written in transactions of that many, whose
 * markers leave gaps in the offsets; with -a every that many'th transaction is followed by one that is aborted, so
 * that there are records ("aborted") which no reader of committed ones may see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/common/options.h"
#include "tests/kafka/common/producer.h"

struct fill {
    const char *brokers, *topic, *words;
    bool create;
    long records, partitions, size, per_transaction, abort_every, first, keys;
    struct producer to;
};

static void
expect(const char *what, rd_kafka_error_t *error)
{
    if (error != NULL)
        producer_die(what, rd_kafka_error_string(error));
}

/* Records in every partition that are written and then taken back. */
static void
write_aborted(struct fill *f)
{
    expect("begin", rd_kafka_begin_transaction(f->to.rk));
    for (long p = 0; p < f->partitions; p++)
        producer_send(&f->to, p, "aborted", "aborted", strlen("aborted"));
    rd_kafka_flush(f->to.rk, PRODUCER_WAIT_MS);
    expect("abort", rd_kafka_abort_transaction(f->to.rk, PRODUCER_WAIT_MS));
}

static void
write_records(struct fill *f)
{
    size_t least = 64 + strlen(f->words), size = f->size > (long)least ? (size_t)f->size : least;
    char *value = malloc(size + 1), key[32];
    long in_transaction = 0, transactions = 0;
    for (long i = 0; i < f->records; i++) {
        if (f->per_transaction > 0 && in_transaction == 0)
            expect("begin", rd_kafka_begin_transaction(f->to.rk));
        long partition = i % f->partitions;
        int n = snprintf(value, size + 1, "%ld/%ld%s%s", partition, f->first + i / f->partitions,
                         f->words[0] != '\0' ? " " : "", f->words);
        memset(value + n, ' ', size - (size_t)n);
        snprintf(key, sizeof key, "k%ld", f->keys > 0 ? i / f->partitions % f->keys : i);
        producer_send(&f->to, partition, key, value, n > f->size ? (size_t)n : (size_t)f->size);
        if (f->per_transaction > 0 && (++in_transaction == f->per_transaction || i == f->records - 1)) {
            expect("commit", rd_kafka_commit_transaction(f->to.rk, PRODUCER_WAIT_MS));
            in_transaction = 0;
            if (f->abort_every > 0 && ++transactions % f->abort_every == 0)
                write_aborted(f);
        }
    }
    free(value);
}

static void
read_options(struct fill *f, int argc, char **argv)
{
    const struct tool_option table[] = {
        {'b', .text = &f->brokers, .needed = true},
        {'t', .text = &f->topic, .needed = true},
        {'n', .number = &f->records, .needed = true},
        {'p', .number = &f->partitions, .least = 1, .needed = true},
        {'c', .flag = &f->create},
        {'w', .text = &f->words},
        {'s', .number = &f->size},
        {'x', .number = &f->per_transaction, .least = 1},
        {'a', .number = &f->abort_every, .least = 1},
        {'f', .number = &f->first},
        {'k', .number = &f->keys, .least = 1},
        {0},
    };
    options_read(argc, argv, table, 0,
                 "-b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-c] [-w WORDS] [-s BYTES] "
                 "[-x RECORDS [-a TRANSACTIONS]] [-f FIRST] [-k KEYS]");
}

int
main(int argc, char **argv)
{
    struct fill f = {.words = ""};
    read_options(&f, argc, argv);
    producer_open(&f.to, f.brokers, f.topic, f.per_transaction > 0);
    if (f.per_transaction > 0)
        expect("transactions", rd_kafka_init_transactions(f.to.rk, PRODUCER_WAIT_MS));
    if (f.create)
        producer_create_topic(&f.to, f.partitions);
    write_records(&f);
    producer_close(&f.to);
    printf("%ld records in %ld partitions of %s\n", f.records, f.partitions, f.topic);
    return 0;
}
