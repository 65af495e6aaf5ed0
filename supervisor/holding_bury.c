/* holding_bury.c - what a dead worker held, and what can be seen of a holding from outside.
 *
 * Owns: nothing beside holding.c. Guarantees: everything is settled when holding_bury returns: what ended before the death as
 *   the scoreboard says it, one record at most as the one that the worker died of, the rest goes back. What stands on a
 *   scoreboard that was written over is not believed: at worst records are repeated.
 * Must not know: sockets, processes, Kafka, the clock; how a failed record is treated. */
#include "supervisor/holding_int.h"

#include <stdlib.h>

/* ---- a death ---- */

bool
holding_intact(const struct holding *h)
{
    return scoreboard_intact(h->sb, h->slots, h->mark);
}

/* state_at is what can be believed: a record that was not begun has no state of its worker's doing. */
static unsigned
state_at(const struct holding *h, const struct holding_frame *f, uint32_t i)
{
    uint64_t taken = holding_taken(h);
    unsigned state = taken <= h->head && f->first + i < taken ? slot_get(holding_slot(h, f, i)) : SLOT_WAITING;
    return holding_intact(h) ? state : SLOT_WAITING;
}

bool
holding_alone(const struct holding *h, struct partition **p, uint64_t *pos)
{
    const struct holding_frame *f = h->oldest;
    while (f && f->settled == f->n)
        f = f->next;
    if (!f || h->alone == 0 || h->unsettled != 1)
        return false;
    *p = f->items[f->scanned].part;
    *pos = f->items[f->scanned].pos;
    return true;
}

bool
holding_accuse(struct holding *h)
{
    bool one = h->alone > 0 && h->unsettled == 1, some = h->unsettled > 0;
    for (struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++) {
            struct holding_item item = f->items[i];
            if (!item.part)
                continue;
            ledger_entry(&item.part->led, item.pos)->suspect = 1;
            if (!one)
                continue;
            holding_forget(h, f, i);
            h->ended(h->arg, item.part, item.pos, ENDING_CRASHED, NULL);
        }
    return some;
}

/* suspect_half: the record was on with others, of which one is to blame: next time it has half as many with it. */
static void
suspect_half(struct entry *e, uint32_t on)
{
    uint32_t half = (on < 2u * UINT16_MAX ? on : 2u * UINT16_MAX) / 2;
    e->suspect = (uint16_t)(half > 0 ? half : 1);
}

/* bury_item settles one item of a dead worker; true if it is the record that was on. `on`: how many were, where it is pinned on
 * them; 0: it is not. */
static bool
bury_item(struct holding *h, struct holding_frame *f, uint32_t i, uint32_t on, uint64_t *returned)
{
    struct holding_item item = f->items[i];
    struct reason reason;
    switch (state_at(h, f, i)) {
    case SLOT_FINISHED:
        if (dispatch_goes_back(h->dispatch, item.part, item.pos)) {
            holding_item_returned(h, f, i);
            ++*returned;
        } else {
            holding_item_finished(h, f, i);
        }
        return false;
    case SLOT_FAILED:
        holding_read_reason(h, f->first + i, &reason);
        h->handled++;
        holding_forget(h, f, i);
        h->ended(h->arg, item.part, item.pos, ENDING_FAILED, &reason);
        return false;
    case SLOT_ON:
        if (on > 1)
            suspect_half(ledger_entry(&item.part->led, item.pos), on);
        if (on == 1) {
            holding_forget(h, f, i);
            ledger_entry(&item.part->led, item.pos)->suspect = 1;
            h->ended(h->arg, item.part, item.pos, ENDING_CRASHED, NULL);
            return true;
        }
        /* fall through */
    default:
        holding_item_returned(h, f, i);
        ++*returned;
        return false;
    }
}

uint64_t
holding_bury(struct holding *h, bool pinned)
{
    uint64_t returned = 0;
    uint32_t on = pinned ? holding_n_on(h) : 0;
    if (on > 1 && h->batch == 0)
        on = 1; /* one record at most was on; anything else is scribble */
    for (struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++)
            if (f->items[i].part && bury_item(h, f, i, on, &returned))
                on = 0;
    while (h->oldest) {
        struct holding_frame *f = h->oldest;
        h->oldest = f->next;
        free(f);
    }
    h->newest = NULL;
    h->n_frames = 0;
    h->bytes = 0;
    h->tail = h->head;
    h->alone = 0;
    return returned;
}

/* ---- looking ---- */

bool
holding_on(const struct holding *h, struct partition **p, uint64_t *pos)
{
    for (const struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++)
            if (f->items[i].part && state_at(h, f, i) == SLOT_ON) {
                *p = f->items[i].part;
                *pos = f->items[i].pos;
                return true;
            }
    return false;
}

uint32_t
holding_n_on(const struct holding *h)
{
    uint32_t n = 0;
    for (const struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++)
            n += f->items[i].part && state_at(h, f, i) == SLOT_ON;
    return n;
}

uint64_t
holding_holds(const struct holding *h, const struct partition *p)
{
    uint64_t n = 0;
    for (const struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++)
            n += f->items[i].part == p;
    return n;
}
