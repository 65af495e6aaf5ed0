/* wire_int.h - what the files of the wire share: texts, headers and room in a frame. For shared/wire*.c only. */
#ifndef SHARED_WIRE_INT_H
#define SHARED_WIRE_INT_H

#include "shared/wire.h"

#define WIRE_TOPIC_MAX 249 /* Kafka's own limit */

static inline size_t
wire_round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static inline size_t
wire_space(int32_t length)
{
    return length > 0 ? (size_t)length : 0;
}

/* wire.c, writing */
/* wire_reserve makes room for `more` bytes behind the first `size` of a block. */
unsigned char *wire_reserve(unsigned char *data, size_t size, size_t *capacity, size_t more);
/* wire_put_text copies bytes and puts a NUL behind them; absent ones leave the NUL alone. Returns what is behind it. */
unsigned char *wire_put_text(unsigned char *at, struct wire_bytes bytes);
int32_t wire_length(struct wire_bytes bytes); /* -1: absent */

/* wire_read.c, reading; NULL, or what is wrong */
/* wire_take_text moves *at over `length` bytes and their NUL, all of which must stand before `end`. A negative length is
 * an absent text, of which only the NUL is there; *text is then NULL. */
const char *wire_take_text(const unsigned char **at, const unsigned char *end, int32_t length, const char **text);
/* wire_take_header moves *at over one header. */
const char *wire_take_header(const unsigned char **at, const unsigned char *end, const char **name, const char **value,
                             int32_t *value_length);
/* wire_check_headers walks the headers of a record; behind them only the padding to 8 bytes may stand. */
const char *wire_check_headers(const unsigned char *at, const unsigned char *end, uint32_t headers);

#endif
