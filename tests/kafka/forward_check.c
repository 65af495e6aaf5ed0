/* forward_check.c - accounts for what modules/forward.c sent.
 *
 *   forward_check -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-r REPEATS]
 *
 * RECORDS were written by "fill" to PARTITIONS partitions, and TOPIC is where they were sent on to. Each of them must be there,
 * and those of one key in their order, where one may come again (REPEATS in all, 0) if all that follow it come again, too:
 * what is seen for the first time is always the next one of its key. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/chaos/topics.h"

#define SHOWN 8
#define LANES 16 /* of a partition, as in forward.c */

static long records, partitions, repeats_allowed, read_all, repeats, wrong_ones;
static long *next; /* by partition and lane: how many of it were seen */

static void
wrong(const char *what, long partition, long sequence)
{
    if (wrong_ones++ < SHOWN)
        fprintf(stderr, "forward_check: %s: %ld/%ld\n", what, partition, sequence);
}

static void
take(const rd_kafka_message_t *m)
{
    char value[64] = "", key[64] = "", expected[80];
    long partition, sequence;
    snprintf(value, sizeof value, "%.*s", (int)m->len, (const char *)m->payload);
    snprintf(key, sizeof key, "%.*s", (int)m->key_len, m->key ? (const char *)m->key : "");
    read_all++;
    if (sscanf(value, "%ld/%ld", &partition, &sequence) != 2 || partition < 0 || partition >= partitions) {
        wrong("not one of the records", read_all, 0);
        return;
    }
    snprintf(expected, sizeof expected, "%ld.%ld", partition, sequence % LANES);
    if (strcmp(key, expected) != 0)
        wrong("with another key", partition, sequence);
    long *seen = &next[partition * LANES + sequence % LANES], place = sequence / LANES;
    if (place > *seen)
        wrong("before one of the same key", partition, sequence);
    repeats += place < *seen;
    if (place >= *seen)
        *seen = place + 1;
}

static long
count_missing(void)
{
    long missing = 0;
    for (long p = 0; p < partitions; p++)
        for (long lane = 0; lane < LANES; lane++) {
            long of_partition = (records - p + partitions - 1) / partitions;
            missing += (of_partition - lane + LANES - 1) / LANES - next[p * LANES + lane];
        }
    return missing;
}

int
main(int argc, char **argv)
{
    const char *brokers = NULL, *topic = NULL;
    for (int option; (option = getopt(argc, argv, "b:t:n:p:r:")) != -1;) {
        if (option == 'b')
            brokers = optarg;
        else if (option == 't')
            topic = optarg;
        else if (option == 'n')
            records = atol(optarg);
        else if (option == 'p')
            partitions = atol(optarg);
        else if (option == 'r')
            repeats_allowed = atol(optarg);
    }
    if (!brokers || !topic || records < 1 || partitions < 1) {
        fprintf(stderr, "usage: forward_check -b ADDRESS -t TOPIC -n RECORDS -p PARTITIONS [-r REPEATS]\n");
        return 64;
    }
    next = calloc((size_t)partitions * LANES, sizeof *next);
    rd_kafka_t *rk = topics_open(brokers, "forward_check");
    topics_read(rk, topic, take);
    rd_kafka_destroy(rk);
    long missing = count_missing();
    printf("%ld records sent on: %ld missing, %ld repeated, %ld wrong\n", records, missing, repeats, wrong_ones);
    return missing > 0 || wrong_ones > 0 || repeats > repeats_allowed;
}
