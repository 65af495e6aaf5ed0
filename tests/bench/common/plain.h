/* plain.h - what the plain librdkafka programs share that headrace is measured against. What goes wrong ends the program. */
#ifndef TESTS_BENCH_COMMON_PLAIN_H
#define TESTS_BENCH_COMMON_PLAIN_H

#include <librdkafka/rdkafka.h>

#define PLAIN_BATCH 10000 /* messages taken in one call */

_Noreturn void plain_die(const char *what, const char *why);
double plain_now(void); /* seconds, monotonic */

void plain_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* plain_option sets "PROPERTY=VALUE", which it cuts in two. */
void plain_option(rd_kafka_conf_t *conf, char *option);
/* plain_open takes over conf. */
rd_kafka_t *plain_open(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* plain_read starts to read all partitions from their beginnings, without a group, into one queue. */
rd_kafka_queue_t *plain_read(rd_kafka_t *rk, const char *topic, long partitions);
/* plain_batch takes the next messages, at most PLAIN_BATCH; the caller destroys them. *first is 0 until there were some, and then
 * the time of the first. */
ssize_t plain_batch(rd_kafka_queue_t *queue, rd_kafka_message_t **messages, double *first);
/* plain_leave prints "records seconds" and ends the program; closing in order would only cost time that is not measured. */
_Noreturn void plain_leave(long records, double seconds);

#endif
