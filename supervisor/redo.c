/* redo.c - positions of one ledger that wait to be handed out again, by when they are due.
 *
 * Owns: which positions are in, and their order. Guarantees: at[0] is the one that is due first, of those the
 * oldest. Must not know: lanes, workers, the clock. */
#include "supervisor/redo.h"

#include <stdlib.h>

#include "shared/mem.h"

static bool
before(struct ledger *led, uint64_t a, uint64_t b)
{
    mono_ns due_a = ledger_entry(led, a)->due, due_b = ledger_entry(led, b)->due;
    return due_a < due_b || (due_a == due_b && a < b);
}

void
redo_add(struct redo *r, struct ledger *led, uint64_t pos)
{
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 16;
        r->at = mem_grow(r->at, r->room, sizeof *r->at);
    }
    uint32_t i = r->n++;
    for (; i > 0 && before(led, pos, r->at[(i - 1) / 2]); i = (i - 1) / 2)
        r->at[i] = r->at[(i - 1) / 2];
    r->at[i] = pos;
}

static void
remove_first(struct redo *r, struct ledger *led)
{
    uint64_t last = r->at[--r->n];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < r->n; i = child) {
        if (child + 1 < r->n && before(led, r->at[child + 1], r->at[child]))
            child++;
        if (!before(led, r->at[child], last))
            break;
        r->at[i] = r->at[child];
    }
    if (r->n > 0)
        r->at[i] = last;
}

void
redo_remove(struct redo *r, struct ledger *led, uint64_t pos)
{
    if (redo_is_first(r, pos)) {
        remove_first(r, led);
        return;
    }
    uint32_t kept = 0, n = r->n;
    for (uint32_t i = 0; i < n; i++)
        if (r->at[i] != pos)
            r->at[kept++] = r->at[i];
    if (kept == n)
        return;
    r->n = 0;
    for (uint32_t i = 0; i < kept; i++) /* a heap again: each one goes in behind those before it */
        redo_add(r, led, r->at[i]);
}

void
redo_clear(struct redo *r)
{
    free(r->at);
    *r = (struct redo){0};
}
