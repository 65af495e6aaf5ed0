/* latency.c - records at a steady pace, and a plain consumer that says how long they took.
 *
 *   latency produce BROKERS TOPIC SECONDS     1000 records a second; each value is the time it was made (CLOCK_MONOTONIC, ns)
 *   latency consume BROKERS TOPIC SECONDS     reads what comes in that time, by a callback; prints "p50_ms p99_ms" */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX 1000000
#define WARM 2000 /* the first ones are not counted: connections are made, leaders asked for */

static double took[MAX];
static long seen, n;

static int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static rd_kafka_t *
client(rd_kafka_type_t type, const char *brokers)
{
    char error[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof error);
    if (!rk) {
        fprintf(stderr, "latency: %s\n", error);
        exit(1);
    }
    return rk;
}

static void
produce(const char *brokers, const char *topic_name, int64_t end)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
    for (int64_t next = now(), i = 0; next < end; next += 1000000, i++) {
        char value[128] = "", key[32];
        for (int64_t left; (left = next - now()) > 0;) {
            struct timespec rest = {0, left};
            nanosleep(&rest, NULL);
        }
        sprintf(key, "k%d", (int)(i % 100));
        snprintf(value, sizeof value, "%lld", (long long)now());
        rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, 120, key, strlen(key), NULL);
        rd_kafka_poll(rk, 0);
    }
    rd_kafka_flush(rk, 10000);
}

static void
take(rd_kafka_message_t *m, void *arg)
{
    (void)arg;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && ++seen > WARM && n < MAX)
        took[n++] = (double)(now() - atoll(m->payload)) / 1e6;
}

static int
less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
consume(const char *brokers, const char *topic_name, int64_t end)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int32_t p = 0; p < 8; p++)
        rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_END, queue);
    while (now() < end)
        rd_kafka_consume_callback_queue(queue, 100, take, NULL);
    qsort(took, (size_t)n, sizeof *took, less);
    printf("%.3f %.3f\n", n ? took[n / 2] : 0, n ? took[n * 99 / 100] : 0);
    fflush(stdout);
    _exit(0);
}

int
main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: see the head of latency.c\n");
        return 64;
    }
    int64_t end = now() + (int64_t)(atof(argv[4]) * 1e9);
    if (strcmp(argv[1], "produce") == 0)
        produce(argv[2], argv[3], end);
    else
        consume(argv[2], argv[3], end);
    return 0;
}
