/* letter.h - what the headers of a dead letter say, and the record that it was.
 *
 * The supervisor writes behind the record's own headers: headrace.topic, .partition, .offset, .timestamp,
 * .group, .task, .reason, .attempts and perhaps .backtrace. A record may have had headers of these names
 * before (it was read from a dead-letter topic): those are its own, and only what stands from the last
 * headrace.topic on is the letter's. Everything in here is untrusted. */
#ifndef SUPERVISOR_CLIENT_LETTER_H
#define SUPERVISOR_CLIENT_LETTER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/client/bytes.h"

#define LETTER_PREFIX "headrace."
#define LETTER_FOR "headrace.for"
#define LETTER_TOPIC_MAX 249 /* Kafka's own limit */

enum letter_field {
    LETTER_TOPIC,
    LETTER_PARTITION,
    LETTER_OFFSET,
    LETTER_TIMESTAMP,
    LETTER_GROUP,
    LETTER_TASK,
    LETTER_REASON,
    LETTER_ATTEMPTS,
    LETTER_BACKTRACE,
    LETTER_FIELDS
};

struct letter {
    struct bytes field[LETTER_FIELDS]; /* as they stand; point into the message */
    size_t begins;                     /* index of the first header that may be the letter's */
};

/* letter_read reads the headers of a record; NULL where it has none. What is missing is absent. */
void letter_read(struct letter *l, const rd_kafka_headers_t *headers);

/* letter_is_ours says whether the header at `index` is the letter's, and not the record's. */
bool letter_is_ours(const struct letter *l, size_t index, const char *name);

/* letter_text returns a field as one line of text, "" where it is absent. Free it. */
char *letter_text(const struct letter *l, enum letter_field field);

/* letter_number reads a field that is a decimal number within bounds; false where it is none. */
bool letter_number(const struct letter *l, enum letter_field field, int64_t low, int64_t high, int64_t *out);

/* letter_topic copies the name of the topic that the record came from; false where it is missing, or no name.
 */
bool letter_topic(const struct letter *l, char topic[LETTER_TOPIC_MAX + 1]);

/* letter_original returns the headers of the record as it was, never NULL; with `group`, which replay adds,
 * for that group alone. */
rd_kafka_headers_t *letter_original(const struct letter *l, const rd_kafka_headers_t *headers,
                                    const struct bytes *group);

/* letter_topic_name says whether a text can be the name of a topic. */
bool letter_topic_name(const char *name, size_t length);

#endif
