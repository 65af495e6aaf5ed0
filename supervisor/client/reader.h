/* reader.h - the records of a topic that are there now, read without being a member of any group. */
#ifndef SUPERVISOR_CLIENT_READER_H
#define SUPERVISOR_CLIENT_READER_H

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct reader_partition {
    int32_t number;
    int64_t low, end; /* the oldest record's offset, and the one behind the newest, when it was opened */
    int64_t from;     /* where to begin; low, unless it is set before reader_start */
    rd_kafka_queue_t *queue;  /* NULL: not being read */
    rd_kafka_message_t *head; /* its next record */
    bool ended;
};

struct reader {
    const char *command, *topic;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    struct reader_partition *partitions;
    int32_t n_partitions;
    const struct rd_kafka_metadata *metadata; /* of all topics, when it was opened */
    const volatile sig_atomic_t *interrupted; /* NULL: reading cannot be interrupted */
    int code;                                 /* why reading ended early, an exit code; it was printed */
    char brokers[256];
    char last_error[512]; /* of the connection; "" without one */
    bool login_refused;   /* is what it says */
};

/* A record's place. */
struct reader_place {
    int64_t partition, offset;
};

/* reader_conf returns the properties that a reader begins with; the user's come over them. */
rd_kafka_conf_t *reader_conf(void);

/* reader_open takes over `conf` and looks at the topic: 0, or an exit code, what is wrong was then printed.
 * `group` is whose commits may be asked for and made; NULL: none. `r` must not move afterwards, and is always
 * closed. */
int reader_open(struct reader *r, const char *command, const char *topic, const char *group,
                rd_kafka_conf_t *conf);
void reader_close(struct reader *r);

/* reader_start begins to read all partitions from their `from` up to their `end`; reader_next gives their
 * records, merged by timestamp, each partition's in order. NULL: all were given, or `code` says why not, or
 * it was interrupted. The caller destroys the message. */
int reader_start(struct reader *r);
rd_kafka_message_t *reader_next(struct reader *r);

/* reader_fetch gives the record at one place; NULL with `code` 66 where there is none, or another one; it was
 * printed. Not while reader_start's records are being read. */
rd_kafka_message_t *reader_fetch(struct reader *r, struct reader_place place);

/* reader_partitions returns how many partitions a topic has, 0 where there is no such topic. */
int reader_partitions(const struct reader *r, const char *topic);

/* reader_no_topic prints that there is no such topic, or none that the user may see, for which it needs the right to
 * `operation`; returns the exit code. */
int reader_no_topic(const struct reader *r, const char *topic, const char *operation);

/* reader_place_read reads "PARTITION:OFFSET"; false if it is none. */
bool reader_place_read(const char *text, struct reader_place *place);

#endif
