/* verdict.h - what is wrong, some of it shown; and one line for each promise. */
#ifndef TESTS_KAFKA_CHAOS_VERDICT_H
#define TESTS_KAFKA_CHAOS_VERDICT_H

#include <stdbool.h>

/* wrong counts, and shows the first few of each count. */
void wrong(long *count, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* verdict prints the line of a promise: it is kept where `bad` is 0. */
void verdict(long bad, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

bool verdict_failed(void); /* a promise was not kept */

#endif
