/* chaos_fill.c - fills the topic of scripts/chaos.sh: healthy records with poison among them.
 *
 *   chaos_fill -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS -e EACH -s SEED
 *
 * The topic is created. Record i goes to partition i % PARTITIONS, its key is "k<i % 1000>", its value
 * {"sequence": N, "act": "work"}, where N counts from 0 in its partition. In each partition EACH records of
 * each kind of poison take the place of healthy ones, at random places; the last record of partition 0 and
 * the first of partition 1 are poison too. A record that cannot be decoded is text, or lacks its act. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/common/options.h"
#include "tests/kafka/common/producer.h"

#define USAGE                                                                                                \
    "-b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS -e EACH -s SEED\n"                                         \
    "RECORDS is a multiple of PARTITIONS, and at least four times the poison"

static const char *const acts[] = {"work",   "segv",   "abort", "exit", "loop", "fail",
                                   "reject", "return", "hog",   "text", "lacks"};
#define N_ACTS (sizeof acts / sizeof acts[0])

struct fill {
    const char *brokers, *topic;
    long records, partitions, each;
    uint64_t random;
    unsigned char *act; /* by record: an index into acts */
    struct producer to;
};

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
    producer_send(&f->to, i % f->partitions, key, value, (size_t)size);
}

static void
read_options(struct fill *f, int argc, char **argv)
{
    long seed = 0;
    const struct tool_option table[] = {
        {'b', .text = &f->brokers, .needed = true},
        {'t', .text = &f->topic, .needed = true},
        {'n', .number = &f->records, .least = 1, .needed = true},
        {'p', .number = &f->partitions, .least = 2, .needed = true},
        {'e', .number = &f->each},
        {'s', .number = &seed},
        {0},
    };
    options_read(argc, argv, table, 0, USAGE);
    if (f->records % f->partitions != 0 || f->records / f->partitions < 4 * (f->each + 1) * (long)N_ACTS)
        options_refuse("RECORDS does not fit", USAGE);
    f->random = (uint64_t)seed * 2 + 0x9E3779B97F4A7C15;
}

int
main(int argc, char **argv)
{
    struct fill f = {0};
    read_options(&f, argc, argv);
    place_poison(&f);
    producer_open(&f.to, f.brokers, f.topic, false);
    producer_create_topic(&f.to, f.partitions);
    for (long i = 0; i < f.records; i++)
        produce(&f, i);
    producer_close(&f.to);
    free(f.act);
    return 0;
}
