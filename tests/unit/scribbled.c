/* scribbled.c - holding.c over segments that change under its eyes, as a task that writes anywhere would do
 * it.
 *
 * Owns: what is scribbled, and when: between any two accesses of the code under test, while
 * scribbled_hostile. */
#include "tests/unit/scribbled.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "tests/unit/random.h"

bool scribbled_hostile;
struct scoreboard *scribbled[SCRIBBLED];

static void maybe_scribble(volatile void *object, size_t size);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(object, order)                                                                  \
    (maybe_scribble((object), sizeof *(object)), __atomic_load_n((object), __ATOMIC_SEQ_CST))
#define atomic_store_explicit(object, value, order)                                                          \
    (maybe_scribble((object), sizeof *(object)), __atomic_store_n((object), (value), __ATOMIC_SEQ_CST))
/* The inline functions of scoreboard.h were compiled before: these three go through the macros above. */
#define slot_get(slot) atomic_load_explicit((slot), 0)
#define slot_set(slot, to) atomic_store_explicit((slot), (uint8_t)(to), 0)
#define slot_move(slot, from, to) (maybe_scribble((slot), 1), (slot_move)((slot), (from), (to)))

#include "supervisor/holding.c"
#include "supervisor/holding_bury.c"

void
scribble(void)
{
    struct scoreboard *sb = scribbled[random_below(SCRIBBLED)];
    switch (random_below(8)) {
    case 0:
        sb->taken = random_once_in(2) ? random_next() : random_below(200);
        break;
    case 1:
        sb->passed = random_once_in(2) ? random_next() : random_below(200);
        break;
    case 2:
        sb->failures = (uint32_t)random_next();
        sb->failures_read = (uint32_t)random_next();
        break;
    case 3:
        sb->slots = (uint32_t)random_next();
        sb->phase = (uint32_t)random_next();
        break;
    case 4:
        for (uint32_t i = 0; i < sizeof sb->reasons[0]; i++)
            ((unsigned char *)&sb->reasons[random_below(SCOREBOARD_REASONS)])[i] =
                (unsigned char)random_next();
        break;
    default:
        sb->state[random_below(SCRIBBLED_SLOTS)] =
            (uint8_t)random_below(random_once_in(4) ? 256 : SLOT_STATES);
    }
}

/* maybe_scribble: before an access, and most of all over the very slot that is accessed. */
static void
maybe_scribble(volatile void *object, size_t size)
{
    if (scribbled_hostile && random_once_in(4))
        scribble();
    if (scribbled_hostile && size == 1 && random_once_in(4))
        *(volatile uint8_t *)object = (uint8_t)random_below(SLOT_STATES);
}
