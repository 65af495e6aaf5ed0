/* letter.c - fuzzing of the dead-letter reader: `headrace dead list` and `show` over messages that say
 * anything.
 *
 * reader.h is imitated, and so are the three calls that ask librdkafka for what stands behind a message: its
 * headers, its time, its end. So there is no broker, and all the rest is the real thing, from the command
 * line on.
 *
 * An input is a way of asking, and then messages: fields of bytes, each behind its length (255: absent).
 *
 * Checked: nothing of it moves a terminal's cursor; --json prints a document a line; the headers of the
 * record are given back as they were, whatever stands between them. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/reader.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"

#define HEADERS 16
#define MESSAGES 4
#define ABSENT 255

struct letter_message {
    rd_kafka_message_t m; /* the first member: messages are told by its address */
    rd_kafka_headers_t *headers;
    int64_t timestamp;
};

static struct input in;
static int given;

/* ---- messages ---- */

static struct bytes
field(void)
{
    size_t n, length = input_byte(&in);
    if (length == ABSENT)
        return (struct bytes){NULL, 0};
    const char *data = (const char *)input_take(&in, length, &n);
    return (struct bytes){data, n};
}

/* add_header: names are mostly those that a letter has. */
static void
add_header(rd_kafka_headers_t *headers)
{
    static const char *const names[] = {"topic", "partition", "offset",   "timestamp", "group",
                                        "task",  "reason",    "attempts", "backtrace", "for"};
    unsigned which = input_byte(&in);
    char known[32];
    if (which < sizeof names / sizeof names[0]) {
        snprintf(known, sizeof known, "%s%s", LETTER_PREFIX, names[which]);
        struct bytes value = field();
        rd_kafka_header_add(headers, known, -1, value.data, value.data ? (ssize_t)value.size : -1);
        return;
    }
    struct bytes name = field(), value = field();
    rd_kafka_header_add(headers, name.data ? name.data : "", (ssize_t)name.size, value.data,
                        value.data ? (ssize_t)value.size : -1);
}

/* exact copies a field into memory of its own size, so that a step too far is seen. */
static void *
exact(struct bytes b)
{
    return b.data ? memcpy(malloc(b.size ? b.size : 1), b.data, b.size) : NULL;
}

static rd_kafka_message_t *
next_message(void)
{
    if (input_ended(&in) || given++ == MESSAGES)
        return NULL;
    struct letter_message *l = mem_alloc(sizeof *l);
    unsigned n = input_below(&in, HEADERS + 1);
    l->headers = n > 0 ? rd_kafka_headers_new(n) : NULL;
    for (unsigned i = 0; i < n; i++)
        add_header(l->headers);
    struct bytes key = field(), value = field();
    l->m.key = exact(key);
    l->m.key_len = key.size;
    l->m.payload = exact(value);
    l->m.len = value.size;
    l->m.partition = (int32_t)input_below(&in, 3);
    l->m.offset = (int64_t)(input_number(&in, 8) >> 1);
    l->timestamp = (int64_t)input_number(&in, 8);
    return &l->m;
}

/* ---- what librdkafka says of them ---- */

rd_kafka_resp_err_t
rd_kafka_message_headers(const rd_kafka_message_t *m, rd_kafka_headers_t **headers)
{
    *headers = ((const struct letter_message *)m)->headers;
    return *headers ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__NOENT;
}

int64_t
rd_kafka_message_timestamp(const rd_kafka_message_t *m, rd_kafka_timestamp_type_t *type)
{
    (void)type;
    return ((const struct letter_message *)m)->timestamp;
}

void
rd_kafka_message_destroy(rd_kafka_message_t *m)
{
    struct letter_message *l = (struct letter_message *)m;
    if (l->headers)
        rd_kafka_headers_destroy(l->headers);
    free(m->key);
    free(m->payload);
    free(l);
}

/* ---- the topic ---- */

rd_kafka_conf_t *
reader_conf(void)
{
    return rd_kafka_conf_new();
}

int
reader_open(struct reader *r, const char *command, const char *topic, const char *group,
            rd_kafka_conf_t *conf)
{
    rd_kafka_conf_destroy(conf);
    (void)group;
    r->command = command;
    r->topic = topic;
    return 0;
}

void
reader_close(struct reader *r)
{
    (void)r;
}

int
reader_start(struct reader *r)
{
    (void)r;
    return 0;
}

rd_kafka_message_t *
reader_next(struct reader *r)
{
    (void)r;
    return next_message();
}

rd_kafka_message_t *
reader_fetch(struct reader *r, struct reader_place place)
{
    (void)r, (void)place;
    return next_message();
}

int
reader_partitions(const struct reader *r, const char *topic)
{
    (void)r, (void)topic;
    return 3;
}

int
reader_no_topic(const struct reader *r, const char *topic, const char *operation)
{
    (void)r, (void)topic, (void)operation;
    return 69;
}

bool
reader_place_read(const char *text, struct reader_place *place)
{
    (void)text;
    *place = (struct reader_place){0, given++};
    return true;
}

/* ---- what must hold ---- */

/* is_ours says what letter.h says, by other means: the letter's are all headrace.* from the last topic on. */
static bool
is_ours(const rd_kafka_headers_t *headers, size_t index)
{
    const char *name, *other;
    const void *value;
    size_t size, topic = 0;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &other, &value, &size); i++)
        topic = strcmp(other, "headrace.topic") == 0 ? i : topic;
    rd_kafka_header_get_all(headers, index, &name, &value, &size);
    return index >= topic && strstr(name, "headrace.") == name;
}

/* check_original: the record's headers are those before the letter, and those behind it that are none of it.
 */
static void
check_original(const rd_kafka_message_t *m)
{
    struct letter l;
    rd_kafka_headers_t *headers;
    const char *name, *same;
    const void *value, *copy;
    size_t size, copy_size, n = 0;
    char topic[LETTER_TOPIC_MAX + 1];
    rd_kafka_message_headers(m, &headers);
    letter_read(&l, headers);
    rd_kafka_headers_t *original = letter_original(&l, headers, NULL);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        if (is_ours(headers, i))
            continue;
        MUST(!rd_kafka_header_get_all(original, n++, &same, &copy, &copy_size), "header %zu", i);
        MUST(strcmp(same, name) == 0 && copy_size == size && !copy == !value, "header %zu", i);
        MUST(!value || memcmp(copy, value, size) == 0, "header %zu", i);
    }
    MUST(rd_kafka_header_get_all(original, n, &same, &copy, &copy_size), "more than %zu headers", n);
    rd_kafka_headers_destroy(original);
    if (letter_topic(&l, topic))
        MUST(letter_topic_name(topic, strlen(topic)), "%s", topic);
}

static void
check_documents(const char *out, size_t size)
{
    for (const char *at = out, *stop; (stop = memchr(at, '\n', (size_t)(out + size - at))); at = stop + 1) {
        json_t *document = json_loadb(at, (size_t)(stop - at), JSON_REJECT_DUPLICATES, NULL);
        MUST(json_is_object(document), "%.*s", (int)(stop - at), at);
        json_decref(document);
    }
}

static void
check_messages(struct input messages)
{
    rd_kafka_message_t *m;
    in = messages;
    given = 0;
    while ((m = next_message())) {
        check_original(m);
        rd_kafka_message_destroy(m);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { WORDS = 9 };
    static const char *const ways[][WORDS] = {
        {"dead", "list", "logs.dlq", "-b", "x"},
        {"dead", "list", "logs.dlq", "-b", "x", "--json"},
        {"dead", "list", "logs.dlq", "-b", "x", "-n", "2"},
        {"dead", "list", "logs.dlq", "-b", "x", "--reason", "c"},
        {"dead", "show", "logs.dlq", "-b", "x", "--offset", "0:0", "--offset", "0:1"},
    };
    struct input whole = {data, data + size};
    unsigned way = input_below(&whole, sizeof ways / sizeof ways[0]);
    char *argv[WORDS + 1] = {NULL};
    int argc = 0;
    size_t n;
    for (; argc < WORDS && ways[way][argc]; argc++)
        argv[argc] = (char *)(uintptr_t)ways[way][argc];
    check_messages(whole);
    in = whole;
    given = optind = 0;
    terminal_begin();
    int code = dead_main(argc, argv);
    const char *out = terminal_end(&n);
    MUST(code == 0, "%d: %s", code, out);
    if (way == 1)
        check_documents(out, n);
    return 0;
}
