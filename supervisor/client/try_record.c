/* try_record.c - the record that `headrace try --record` runs a task on.
 *
 * Owns: what of a dead letter is the record that died.
 * Must not know: how the worker runs it (worker/try.c). */
#include "supervisor/client/try_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/mem.h"
#include "shared/wire.h"
#include "supervisor/client/usage.h"

#define COMMAND "try"

bool
try_record_read(const char *text, struct try_record *record)
{
    size_t length = strcspn(text, ":");
    if (text[length] != ':' || !letter_topic_name(text, length))
        return false;
    memcpy(record->topic, text, length);
    record->topic[length] = '\0';
    return reader_place_read(text + length + 1, &record->place);
}

/* ---- the record as the task is to see it ---- */

/* Who the record is. */
struct identity {
    char topic[LETTER_TOPIC_MAX + 1];
    int64_t partition, offset, timestamp;
};

/* names_topic says whether the task reads this topic by its name. */
static bool
names_topic(const char *task_topics, const char *topic)
{
    size_t length = strlen(topic);
    for (const char *at = task_topics; at && *at; at += strcspn(at, ", ")) {
        at += strspn(at, ", ");
        if (strcspn(at, ", ") == length && memcmp(at, topic, length) == 0)
            return true;
    }
    return false;
}

/* died_as says whether the letter tells which record it was. */
static bool
died_as(const struct letter *l, struct identity *who)
{
    if (!letter_topic(l, who->topic) || !letter_number(l, LETTER_PARTITION, 0, INT32_MAX, &who->partition) ||
        !letter_number(l, LETTER_OFFSET, 0, INT64_MAX, &who->offset))
        return false;
    if (!letter_number(l, LETTER_TIMESTAMP, 0, INT64_MAX, &who->timestamp))
        who->timestamp = -1;
    return true;
}

/* identify says who the record is, and what of its headers is its own. */
static struct identity
identify(const rd_kafka_message_t *m, const char *topic, const char *task_topics, struct letter *l)
{
    struct identity who;
    if (!names_topic(task_topics, topic) && died_as(l, &who))
        return who;
    l->begins = SIZE_MAX; /* no header is a letter's */
    snprintf(who.topic, sizeof who.topic, "%s", topic);
    who.partition = m->partition;
    who.offset = m->offset;
    who.timestamp = rd_kafka_message_timestamp(m, NULL);
    return who;
}

static void
add_headers(struct wire_builder *builder, size_t at, const struct letter *l,
            const rd_kafka_headers_t *headers)
{
    rd_kafka_headers_t *original = letter_original(l, headers, NULL);
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; !rd_kafka_header_get_all(original, i, &name, &value, &size); i++)
        wire_batch_header(builder, at, name, (struct wire_bytes){value, size});
    rd_kafka_headers_destroy(original);
}

/* say_who tells which record it is, and how it died. */
static void
say_who(const rd_kafka_message_t *m, const char *topic, const struct identity *who, const struct letter *l)
{
    fprintf(stderr, "headrace " COMMAND ": record %s:%" PRId64 ":%" PRId64, who->topic, who->partition,
            who->offset);
    if (l->begins != SIZE_MAX) {
        char *reason = letter_text(l, LETTER_REASON);
        fprintf(stderr, ", dead letter %s:%d:%" PRId64 ", %s", topic, m->partition, m->offset,
                *reason ? reason : "no reason given");
        free(reason);
    }
    fputc('\n', stderr);
}

unsigned char *
try_record_frame(const rd_kafka_message_t *m, const char *topic, const char *task_topics, size_t *size)
{
    struct letter l;
    struct wire_builder builder;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    letter_read(&l, headers);
    struct identity who = identify(m, topic, task_topics, &l);
    say_who(m, topic, &who, &l);
    wire_batch_begin(&builder, m->len + m->key_len);
    struct wire_record record = {.origin = wire_batch_origin(&builder, who.topic, (int32_t)who.partition),
                                 .attempt = 1,
                                 .offset = who.offset,
                                 .timestamp = who.timestamp};
    size_t at = wire_batch_record(&builder, &record, (struct wire_bytes){m->key, m->key_len},
                                  (struct wire_bytes){m->payload, m->len});
    add_headers(&builder, at, &l, headers);
    wire_batch_end(&builder, at);
    return wire_batch_finish(&builder, 1, 0, 0, size);
}

/* ---- fetching it ---- */

/* kafka_conf puts the task's properties over the reader's; NULL with *code. */
static rd_kafka_conf_t *
kafka_conf(const struct conf_task *t, int *code)
{
    char wrong[512];
    rd_kafka_conf_t *conf = reader_conf();
    const char *name;
    json_t *value;
    json_object_foreach(t->kafka, name, value) {
        if (rd_kafka_conf_set(conf, name, json_string_value(value), wrong, sizeof wrong) == RD_KAFKA_CONF_OK)
            continue;
        *code = command_error(COMMAND, EX_CONFIG, "kafka.%s: %s", name, wrong);
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

/* put_aside writes the frame into a file in memory. */
static int
put_aside(const unsigned char *frame, size_t size, int *code)
{
    int fd = memfd_create("headrace record", 0); /* the worker inherits it */
    for (size_t at = 0; fd >= 0 && at < size;) {
        ssize_t n = write(fd, frame + at, size - at);
        if (n < 0 && errno != EINTR) {
            int why = errno;
            close(fd);
            errno = why;
            fd = -1;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0)
        *code =
            command_error(COMMAND, EX_SOFTWARE, "the record cannot be kept in memory: %s", strerror(errno));
    return fd;
}

int
try_record_fetch(const struct try_record *record, const struct conf_task *t, int *code)
{
    struct reader r;
    int fd = -1;
    rd_kafka_conf_t *conf = kafka_conf(t, code);
    if (!conf)
        return -1;
    rd_kafka_message_t *m = NULL;
    if (reader_open(&r, COMMAND, record->topic, NULL, conf) == 0)
        m = reader_fetch(&r, record->place);
    *code = r.code;
    if (m) {
        size_t size;
        unsigned char *frame = try_record_frame(m, record->topic, t->topic, &size);
        fd = put_aside(frame, size, code);
        free(frame);
        rd_kafka_message_destroy(m);
    }
    reader_close(&r);
    return fd;
}
