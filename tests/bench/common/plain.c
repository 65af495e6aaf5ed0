/* plain.c - what the plain librdkafka programs share that headrace is measured against. */
#include "tests/bench/common/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
plain_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

double
plain_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
plain_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[300];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
        plain_die(name, error);
}

void
plain_option(rd_kafka_conf_t *conf, char *option)
{
    char *equals = strchr(option, '=');
    if (!equals)
        plain_die(option, "must be PROPERTY=VALUE");
    *equals = '\0';
    plain_set(conf, option, equals + 1);
}

rd_kafka_t *
plain_open(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char error[300];
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof error);
    if (!rk)
        plain_die("client", error);
    return rk;
}

rd_kafka_queue_t *
plain_read(rd_kafka_t *rk, const char *topic, long partitions)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (long p = 0; p < partitions; p++)
        if (rd_kafka_consume_start_queue(handle, (int32_t)p, RD_KAFKA_OFFSET_BEGINNING, queue) != 0)
            plain_die("start", rd_kafka_err2str(rd_kafka_last_error()));
    return queue;
}

ssize_t
plain_batch(rd_kafka_queue_t *queue, rd_kafka_message_t **messages, double *first)
{
    ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, messages, PLAIN_BATCH);
    if (got > 0 && *first == 0)
        *first = plain_now();
    return got;
}

void
plain_leave(long records, double seconds)
{
    printf("%ld %.6f\n", records, seconds);
    fflush(stdout);
    _exit(0);
}
