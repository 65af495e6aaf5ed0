/* topics.h - whole topics, read with librdkafka alone; what cannot be read ends the program. */
#ifndef TESTS_KAFKA_CHAOS_TOPICS_H
#define TESTS_KAFKA_CHAOS_TOPICS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#define TOPICS_PARTITIONS 64 /* a topic has at most so many */

_Noreturn void topics_die(const char *what, const char *why);

rd_kafka_t *topics_open(const char *brokers, const char *group);

/* The end of each partition; how many there are. */
int topics_ends(rd_kafka_t *rk, const char *topic, int64_t *ends);

/* Gives every message of the topic, to its present end, to `take`. */
void topics_read(rd_kafka_t *rk, const char *topic, void (*take)(const rd_kafka_message_t *));

/* What the group has committed of each partition. */
void topics_committed(rd_kafka_t *rk, const char *topic, int partitions, int64_t *committed);

/* The last header of that name as text, cut to size; "" where there is none. */
void topics_header(const rd_kafka_message_t *m, const char *name, char *out, size_t size);

uint64_t topics_hash(const rd_kafka_message_t *m); /* of key and value */
#endif
