/* must.h - what must hold; where it does not, the process ends, and the fuzzer keeps the input. */
#ifndef TESTS_FUZZ_PLAY_MUST_H
#define TESTS_FUZZ_PLAY_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition, ...)                                                                                 \
    ((condition) ? (void)0                                                                                   \
                 : (dprintf(2, "%s:%d: must hold: %s: ", __FILE__, __LINE__, #condition),                    \
                    dprintf(2, __VA_ARGS__), dprintf(2, "\n"), abort()))

#endif
