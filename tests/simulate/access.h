/* access.h - makes each access of the code included after it to shared memory a point at which the other side
 * may move.
 *
 * Included first by the two files that include the two halves of the slot protocol. An atomic operation
 * without a call here does not compile, so that none goes unseen. */
#ifndef TESTS_SIMULATE_ACCESS_H
#define TESTS_SIMULATE_ACCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t access_load(const volatile void *object, size_t size);
void access_store(volatile void *object, size_t size, uint64_t value);
bool access_swap(volatile void *object, uint8_t from, uint8_t to);
void access_text(char *text, size_t size, const char *from);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#define atomic_load_explicit(object, order) access_load((object), sizeof *(object))
#define atomic_store_explicit(object, value, order)                                                          \
    access_store((object), sizeof *(object), (uint64_t)(value))
#define atomic_compare_exchange_strong_explicit(object, expected, to, success, failure)                      \
    access_swap((object), *(expected), (to))

/* The text of a reason is written here: an access as well, though not an atomic one. */
#define snprintf(text, size, format, from) access_text((text), (size), (from))

#endif
