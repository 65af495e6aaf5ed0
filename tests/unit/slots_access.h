/* slots_access.h - makes every access of the code included after it to shared memory a step of the explorer.
 *
 * Included first by the files of the model that include the code under test or call it. The atomic operations become
 * calls; those that have no call here do not compile, so that no access can go unseen. The functions get
 * other names, for the program that runs the tests holds the product's own objects too. */
#ifndef TESTS_UNIT_SLOTS_ACCESS_H
#define TESTS_UNIT_SLOTS_ACCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"

uint64_t slots_load(const volatile void *object, size_t size);
void slots_store(volatile void *object, size_t size, uint64_t value);
bool slots_swap(volatile void *object, uint8_t from, uint8_t to);
void slots_text(char *text, const char *from);

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
#define atomic_load_explicit(object, order) slots_load((object), sizeof *(object))
#define atomic_store_explicit(object, value, order) slots_store((object), sizeof *(object), (uint64_t)(value))
#define atomic_compare_exchange_strong_explicit(object, expected, to, success, failure)                      \
    slots_swap((object), *(expected), (to))

/* The text of a reason is written here: an access as well, though not an atomic one. */
#define snprintf(text, size, format, from) slots_text((text), (from))

#undef panic
#define panic(...) slots_wrong(__VA_ARGS__)

#define RENAMED(name) slots_##name
#include "tests/unit/renamed_holding.h"
#include "tests/unit/renamed_turn.h"

#include "tests/unit/slots_model.h"

#endif
