/* random.c - random input that can be repeated. Owns the state of the generator (xorshift64*). */
#include "tests/unit/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"

static uint64_t state;

void
random_start(const char *test)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("%s: HEADRACE_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    state = seed * 2 + 1; /* never zero */
}

uint64_t
random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du >> 16;
}

uint32_t
random_below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

bool
random_once_in(uint32_t n)
{
    return random_below(n) == 0;
}
