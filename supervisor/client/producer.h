/* producer.h - lines into a topic, each confirmed by the broker or accounted for. */
#ifndef SUPERVISOR_CLIENT_PRODUCER_H
#define SUPERVISOR_CLIENT_PRODUCER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

struct producer {
    const char *command, *topic;
    int32_t partition; /* RD_KAFKA_PARTITION_UA: Kafka's choice */
    rd_kafka_t *rk;
    double timeout; /* seconds after which a record that is not confirmed is given up on */
    char brokers[256];
    uint64_t given, confirmed, failed;
    uint64_t lines_named; /* failures of lines that were printed */
    bool unreachable;     /* records were given up on since nobody confirmed them */
    bool missing;         /* there is no such topic */
    bool fatal;           /* the producer cannot go on */
    char *refused;        /* the login, or a right that is missing; NULL: neither */
    bool (*give_up)(
        void); /* asked now and then: true, and what is not confirmed is given up on; NULL: never */
    bool gave_up;
    char last_error[512]; /* of the connection; "" without one */
};

struct producer_text {
    const char *data; /* NULL: absent */
    size_t size;
};

/* producer_conf returns the properties that a producer begins with; the user's come over them. */
rd_kafka_conf_t *producer_conf(void);
/* producer_open takes over `conf`: 0, or an exit code, what is wrong was then printed. `p` must not move
 * afterwards. */
int producer_open(struct producer *p, const char *command, const char *topic, rd_kafka_conf_t *conf);
/* producer_send gives one record to the producer, waiting while its queue is full; `line` is for messages.
 * False: there is no point in going on. */
bool producer_send(struct producer *p, uint64_t line, struct producer_text key, struct producer_text value);
/* producer_close waits until every record is confirmed or given up on, prints the sum and returns the exit
 * code. */
int producer_close(struct producer *p);

#endif
