/* letter.c - what the headers of a dead letter say.
 *
 * Guarantees: the last header of a name counts; what is missing or odd is absent, and no error.
 * Owns nothing. Must not know: how letters are read from a topic, or shown. */
#include "supervisor/client/letter.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/usage.h"

static const char *const names[LETTER_FIELDS] = {
    [LETTER_TOPIC] = LETTER_PREFIX "topic",         [LETTER_PARTITION] = LETTER_PREFIX "partition",
    [LETTER_OFFSET] = LETTER_PREFIX "offset",       [LETTER_TIMESTAMP] = LETTER_PREFIX "timestamp",
    [LETTER_GROUP] = LETTER_PREFIX "group",         [LETTER_TASK] = LETTER_PREFIX "task",
    [LETTER_REASON] = LETTER_PREFIX "reason",       [LETTER_ATTEMPTS] = LETTER_PREFIX "attempts",
    [LETTER_BACKTRACE] = LETTER_PREFIX "backtrace",
};

static bool
header_at(const rd_kafka_headers_t *headers, size_t i, const char **name, struct bytes *value)
{
    const void *data;
    if (!headers || rd_kafka_header_get_all(headers, i, name, &data, &value->size))
        return false;
    value->data = data;
    return true;
}

void
letter_read(struct letter *l, const rd_kafka_headers_t *headers)
{
    const char *name;
    struct bytes value;
    *l = (struct letter){0};
    for (size_t i = 0; header_at(headers, i, &name, &value); i++)
        if (strcmp(name, names[LETTER_TOPIC]) == 0)
            l->begins = i;
    for (size_t i = l->begins; header_at(headers, i, &name, &value); i++)
        for (int field = 0; field < LETTER_FIELDS; field++)
            if (strcmp(name, names[field]) == 0)
                l->field[field] = value;
}

bool
letter_is_ours(const struct letter *l, size_t index, const char *name)
{
    return index >= l->begins && strncmp(name, LETTER_PREFIX, strlen(LETTER_PREFIX)) == 0;
}

char *
letter_text(const struct letter *l, enum letter_field field)
{
    return bytes_line(l->field[field]);
}

bool
letter_number(const struct letter *l, enum letter_field field, int64_t low, int64_t high, int64_t *out)
{
    char text[32];
    struct bytes value = l->field[field];
    if (!value.data || value.size >= sizeof text)
        return false;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    return strlen(text) == value.size && usage_number(text, low, high, out);
}

bool
letter_topic_name(const char *name, size_t length)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < length; i++)
        if (name[i] == '\0' || !strchr(good, name[i]))
            return false;
    return length > 0 && length <= LETTER_TOPIC_MAX && !(length <= 2 && memcmp(name, "..", length) == 0);
}

bool
letter_topic(const struct letter *l, char topic[LETTER_TOPIC_MAX + 1])
{
    struct bytes value = l->field[LETTER_TOPIC];
    if (!value.data || !letter_topic_name(value.data, value.size))
        return false;
    memcpy(topic, value.data, value.size);
    topic[value.size] = '\0';
    return true;
}

rd_kafka_headers_t *
letter_original(const struct letter *l, const rd_kafka_headers_t *headers, const struct bytes *group)
{
    rd_kafka_headers_t *original = rd_kafka_headers_new(8);
    const char *name;
    struct bytes value;
    for (size_t i = 0; header_at(headers, i, &name, &value); i++)
        if (!letter_is_ours(l, i, name) &&
            !(group && strcmp(name, LETTER_FOR) == 0)) /* of an earlier replay */
            rd_kafka_header_add(original, name, -1, value.data, value.data ? (ssize_t)value.size : -1);
    if (group)
        rd_kafka_header_add(original, LETTER_FOR, -1, group->data, (ssize_t)group->size);
    return original;
}
