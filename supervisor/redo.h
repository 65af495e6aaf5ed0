/* redo.h - positions of one ledger that wait to be handed out again and may go out of turn, by when they are
 * due. Pure. */
#ifndef SUPERVISOR_REDO_H
#define SUPERVISOR_REDO_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/ledger.h"

/* A heap by (due, position). While an entry is in it, its `due` must not change. All zero: empty. */
struct redo {
    uint64_t *at;
    uint32_t n, room;
};

void redo_add(struct redo *r, struct ledger *led, uint64_t pos);
/* redo_remove takes an entry out, wherever it is; nothing happens where it is not in. Costs little for the
 * first one. */
void redo_remove(struct redo *r, struct ledger *led, uint64_t pos);
void redo_clear(struct redo *r);

static inline bool
redo_is_first(const struct redo *r, uint64_t pos)
{
    return r->n > 0 && r->at[0] == pos;
}

#endif
