/* producer.h - fills one topic, with librdkafka alone; what goes wrong ends the program with the reason. */
#ifndef TESTS_KAFKA_COMMON_PRODUCER_H
#define TESTS_KAFKA_COMMON_PRODUCER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#define PRODUCER_WAIT_MS 60000

struct producer {
    rd_kafka_t *rk;
    const char *topic;
    long refused; /* records that were not delivered */
};

_Noreturn void producer_die(const char *what, const char *why);

void producer_open(struct producer *p, const char *brokers, const char *topic, bool transactional);
void producer_create_topic(struct producer *p, long partitions);
void producer_send(struct producer *p, long partition, const char *key, const char *value, size_t size);
/* producer_close waits until all is delivered. */
void producer_close(struct producer *p);

#endif
