/* slots_front.c - the worlds of one depth of the exploration, waiting for their turn.
 *
 * Owns: their memory, a queue. A world is kept as what differs from the first one, word by word, since most
 * of it is the same in every state: a tenth of its size. */
#include "tests/unit/slots_model.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define WORDS (sizeof(struct slots_world) / sizeof(uint64_t))
#define BITS ((WORDS + 63) / 64)

_Static_assert(sizeof(struct slots_world) % sizeof(uint64_t) == 0, "a world is a row of words");

static uint64_t first[WORDS];

void
slots_front_first(void)
{
    memcpy(first, &slots_now, sizeof first);
}

void
slots_front_add(struct slots_front *front, uint32_t state)
{
    uint64_t words[WORDS];
    memcpy(words, &slots_now, sizeof words);
    if (front->end + 1 + BITS + WORDS > front->room) {
        front->room = front->room ? front->room * 2 : 1 << 16;
        front->words = mem_grow(front->words, front->room, sizeof *front->words);
    }
    uint64_t *bits = front->words + front->end + 1, *at = bits + BITS;
    bits[-1] = state;
    memset(bits, 0, BITS * sizeof *bits);
    for (size_t i = 0; i < WORDS; i++)
        if (words[i] != first[i]) {
            bits[i / 64] |= 1ull << i % 64;
            *at++ = words[i];
        }
    front->end = (size_t)(at - front->words);
}

bool
slots_front_take(struct slots_front *front, struct slots_world *world, uint32_t *state)
{
    if (front->start == front->end) {
        front->start = front->end = 0;
        return false;
    }
    uint64_t words[WORDS];
    const uint64_t *bits = front->words + front->start + 1, *at = bits + BITS;
    *state = (uint32_t)bits[-1];
    for (size_t i = 0; i < WORDS; i++)
        words[i] = bits[i / 64] >> i % 64 & 1 ? *at++ : first[i];
    memcpy(world, words, sizeof words);
    front->start = (size_t)(at - front->words);
    return true;
}

void
slots_front_clear(struct slots_front *front)
{
    free(front->words);
    memset(front, 0, sizeof *front);
}
