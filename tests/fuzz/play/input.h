/* input.h - the bytes that a fuzzer made up, taken from the front. Behind their end everything is zero. */
#ifndef TESTS_FUZZ_PLAY_INPUT_H
#define TESTS_FUZZ_PLAY_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
    const uint8_t *at, *end;
};

/* What every target defines; the name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline bool
input_ended(const struct input *in)
{
    return in->at == in->end;
}

static inline uint8_t
input_byte(struct input *in)
{
    return input_ended(in) ? 0 : *in->at++;
}

/* input_below returns a number from 0 to n - 1; n is at most 256. */
static inline uint32_t
input_below(struct input *in, uint32_t n)
{
    return input_byte(in) % n;
}

static inline uint64_t
input_number(struct input *in, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n |= (uint64_t)input_byte(in) << 8 * i;
    return n;
}

/* input_take takes up to n bytes off; *size says how many there were. */
static inline const uint8_t *
input_take(struct input *in, size_t n, size_t *size)
{
    const uint8_t *at = in->at;
    *size = (size_t)(in->end - at) < n ? (size_t)(in->end - at) : n;
    in->at += *size;
    return at;
}

/* input_part takes everything up to the next byte that is `separator`, which is passed over. */
static inline const uint8_t *
input_part(struct input *in, uint8_t separator, size_t *size)
{
    const uint8_t *at = in->at,
                  *stop = input_ended(in) ? NULL : memchr(at, separator, (size_t)(in->end - at));
    *size = (size_t)((stop ? stop : in->end) - at);
    in->at = stop ? stop + 1 : in->end;
    return at;
}

#endif
