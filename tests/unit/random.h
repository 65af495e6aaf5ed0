/* random.h - random input that can be repeated: HEADRACE_SEED=n gives the run of that seed again. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"

static uint64_t random_state;

static inline void
random_start(const char *test)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("%s: HEADRACE_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    random_state = seed * 2 + 1; /* never zero */
}

static inline uint64_t
random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du >> 16;
}

static inline uint32_t
random_below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

static inline bool
random_once_in(uint32_t n)
{
    return random_below(n) == 0;
}

#endif
