/* random.h - random input that can be repeated: HEADRACE_SEED=n gives the run of that seed again. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* random_start prints the seed. */
void random_start(const char *test);
uint64_t random_next(void);
uint32_t random_below(uint32_t n);
bool random_once_in(uint32_t n);

#endif
