/* headers.h - whether a record that librdkafka gave has no headers, without asking it.
 *
 * rd_kafka_message_headers makes a buffer to look at a record's headers, also where there are none: a third of all that the
 * supervisor does for a record. In a record of Kafka's format (v2, since 0.11) the number of headers stands right behind the
 * value, and librdkafka gives the value where it stands (rd_kafka_msgset_reader_msg_v2, the same from 1.0 to 2.16; nothing is
 * said of a later one before its source was read, and the tests have run over it). So the byte behind a value that is not empty is
 * that number, and 0 means none. Records in the older formats have no headers at all, whatever stands there; that there is a
 * byte is certain only in the page of the value's last one. */
#ifndef SUPERVISOR_HEADERS_H
#define SUPERVISOR_HEADERS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#define HEADERS_KNOWN_UP_TO 0x0210ffff /* the version of librdkafka */
#define HEADERS_PAGE 4096              /* the least that there is */

/* headers_known says whether librdkafka is one of which that is known. */
static inline bool
headers_known(void)
{
    return rd_kafka_version() <= HEADERS_KNOWN_UP_TO;
}

/* headers_none: true where the record certainly has none; false says nothing. Only with headers_known. */
__attribute__((no_sanitize("address"))) static inline bool
headers_none(const void *value, size_t length)
{
    const unsigned char *behind = (const unsigned char *)value + length;
    return length > 0 && (uintptr_t)behind % HEADERS_PAGE != 0 && *behind == 0;
}

#endif
