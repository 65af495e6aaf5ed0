/* dead_world.h - what the tests of dead letters stand on: librdkafka's mock cluster in this process, the
 * programs themselves, and what is in a topic. */
#ifndef TESTS_UNIT_DEAD_WORLD_H
#define TESTS_UNIT_DEAD_WORLD_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "shared/clock.h"

#define DLQ "logs.read.dlq" /* it has 3 partitions; "logs" has 4 */

extern rd_kafka_mock_cluster_t *dead_cluster;
extern char dead_folder[64];
extern char *dead_out, *dead_err; /* what the last program said */

/* For a checked fixture. */
void dead_setup(void);
void dead_teardown(void);

/* dead_put writes a record and waits until it is confirmed. Each is a millisecond younger than the one
 * before. A key or a value of NULL is absent. */
void dead_put(const char *topic, int32_t partition, const char *key, const char *value, size_t size,
              rd_kafka_headers_t *headers_take);

/* dead_headers returns the headers of a letter about a record with the header trace=7, of group logs.read and
 * task read; no headrace.topic where `topic` is NULL. */
rd_kafka_headers_t *dead_headers(const char *topic, int partition, int offset, const char *reason);
void dead_add(rd_kafka_headers_t *headers, const char *name, const char *value);

/* dead_put_letter writes a letter about record `offset` of partition `partition` of `topic`, whose value is
 * text. */
void dead_put_letter(int32_t into, const char *topic, int partition, int offset, const char *value);

/* dead_run runs `headrace` with the words of a line, and -b of the cluster. */
void dead_run(int expected_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* dead_said fails where a text lacks a part. */
void dead_said(const char *text, const char *part);

/* dead_slurp returns what is in a file, to be freed. */
char *dead_slurp(const char *path);

struct dead_content {
    char text[4096]; /* a line for each record: "partition:key=value name=value..." */
    int records;
};
struct dead_content dead_content(const char *topic, int32_t partitions);

/* dead_committed returns what the replay's group has committed in one partition; -1: nothing. */
int64_t dead_committed(int32_t partition);

#endif
