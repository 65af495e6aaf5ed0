/* dispatch.c - which worker gets which record: order, lanes, turns.
 *
 * Owns: the lanes: who holds them, where each one stands, what waits to be handed out again.
 * Guarantees: records of one lane are handed out in the order of their offsets, to one worker at a time; a lane
 *   moves to another worker only when nothing of it is held; a record that waits for its next attempt holds up its
 *   own lane and no other.
 * Must not know: Kafka, sockets, processes, the clock; what a worker is beyond an address.
 *
 * DESIGN
 * With order partition the entries of a lane are, by position: done or held ones, then `next`, then waiting ones.
 * Handing out moves next up, taking back moves it down. With order none every entry is free to go anywhere: those
 * that came back wait in a heap by due time, and the others are handed out the moment they are read. */
#include "supervisor/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"

void
dispatch_init(struct dispatch *d, enum dispatch_order order, uint64_t window, uint64_t window_bytes)
{
    *d = (struct dispatch){.order = order, .window = window, .window_bytes = window_bytes};
}

void
dispatch_clear(struct dispatch *d)
{
    free(d->parts);
    memset(d, 0, sizeof *d);
}

void
dispatch_add(struct dispatch *d, struct partition *p, void (*release)(void *body))
{
    d->parts = mem_grow(d->parts, d->n_parts + 1, sizeof *d->parts);
    d->parts[d->n_parts++] = p;
    ledger_init(&p->led, release);
    p->lane = ++d->last_lane;
    if (p->lane == 0) /* after 2^32 assignments; 0 means none */
        p->lane = ++d->last_lane;
    p->epoch = 1;
}

void
dispatch_remove(struct dispatch *d, struct partition *p)
{
    if (p->led.held > 0)
        panic("%s/%d given up while %llu records of it are held", p->topic, p->number,
              (unsigned long long)p->led.held);
    for (uint32_t i = 0; i < d->n_parts; i++)
        if (d->parts[i] == p) {
            d->parts[i] = d->parts[--d->n_parts];
            break;
        }
    ledger_clear(&p->led);
    free(p->redo);
    p->redo = NULL;
    p->n_redo = p->redo_room = 0;
}

/* ---- the heap of entries that came back (order none) ---- */

static bool
redo_before(const struct partition *p, uint64_t a, uint64_t b)
{
    struct ledger *led = (struct ledger *)&p->led;
    mono_ns due_a = ledger_entry(led, a)->due, due_b = ledger_entry(led, b)->due;
    return due_a < due_b || (due_a == due_b && a < b);
}

static void
redo_push(struct partition *p, uint64_t pos)
{
    if (p->n_redo == p->redo_room) {
        p->redo_room = p->redo_room ? p->redo_room * 2 : 16;
        p->redo = mem_grow(p->redo, p->redo_room, sizeof *p->redo);
    }
    uint32_t i = p->n_redo++;
    for (; i > 0 && redo_before(p, pos, p->redo[(i - 1) / 2]); i = (i - 1) / 2)
        p->redo[i] = p->redo[(i - 1) / 2];
    p->redo[i] = pos;
}

static void
redo_pop(struct partition *p)
{
    uint64_t last = p->redo[--p->n_redo];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < p->n_redo; i = child) {
        if (child + 1 < p->n_redo && redo_before(p, p->redo[child + 1], p->redo[child]))
            child++;
        if (!redo_before(p, p->redo[child], last))
            break;
        p->redo[i] = p->redo[child];
    }
    if (p->n_redo > 0)
        p->redo[i] = last;
}

/* redo_take takes an entry out, if it is in: mostly it is the first one. */
static void
redo_take(struct partition *p, uint64_t pos)
{
    uint32_t kept = 0, n = p->n_redo;
    if (n == 0)
        return;
    if (p->redo[0] == pos) {
        redo_pop(p);
        return;
    }
    if (!p->single) /* it comes straight from Kafka */
        return;
    for (uint32_t i = 0; i < n; i++)
        if (p->redo[i] != pos)
            p->redo[kept++] = p->redo[i];
    p->n_redo = 0;
    for (uint32_t i = 0; i < kept; i++) /* a heap again: each one goes in behind those before it */
        redo_push(p, p->redo[i]);
}

/* ---- what may be handed out ---- */

/* singly: with order none, too, the record at the commit point goes first, since that is the one which was marked. */
static bool
in_place(const struct dispatch *d, const struct partition *p)
{
    return d->order == DISPATCH_NONE && p->single;
}

static bool
has_waiting(const struct dispatch *d, const struct partition *p)
{
    if (in_place(d, p))
        return p->led.base < p->led.head;
    return d->order == DISPATCH_NONE ? p->n_redo > 0 : p->next < p->led.head;
}

uint64_t
dispatch_waiting(const struct dispatch *d, const struct partition *p)
{
    if (in_place(d, p))
        return p->led.base;
    return d->order == DISPATCH_NONE ? p->redo[0] : p->next;
}

uint32_t
dispatch_lane(const struct dispatch *d, const struct partition *p)
{
    return d->order == DISPATCH_NONE ? 0 : p->lane;
}

static mono_ns
waiting_due(const struct dispatch *d, const struct partition *p)
{
    return ledger_entry((struct ledger *)&p->led, dispatch_waiting(d, p))->due;
}

static enum dispatch_supply
fresh(const struct dispatch *d, const struct partition *p)
{
    if (d->full && p->led.base < p->led.head)
        return SUPPLY_NOTHING;
    if (p->confirms && p->led.head - p->confirmed >= d->window)
        return SUPPLY_NOTHING; /* what is done and not committed would be repeated, too */
    return p->more && ledger_admits(&p->led, d->window, d->window_bytes) ? SUPPLY_FRESH : SUPPLY_NOTHING;
}

enum dispatch_supply
dispatch_supplies(const struct dispatch *d, const struct partition *p, const struct holding *h, mono_ns now)
{
    if (!p->open)
        return SUPPLY_NOTHING;
    if (p->single && (!p->permitted || p->led.held > 0 || ledger_confirming(&p->led) > 0))
        return SUPPLY_NOTHING;
    if (d->order == DISPATCH_PARTITION && ((p->holder && p->holder != h) || p->led.letters > 0))
        return SUPPLY_NOTHING;
    if (!has_waiting(d, p))
        return fresh(d, p);
    if (waiting_due(d, p) <= now)
        return SUPPLY_WAITING;
    return d->order == DISPATCH_NONE && !p->single ? fresh(d, p) : SUPPLY_NOTHING;
}

struct partition *
dispatch_pick(struct dispatch *d, const struct holding *h, mono_ns now, enum dispatch_supply *supply)
{
    for (uint32_t i = 0; i < d->n_parts; i++) {
        uint32_t at = (d->turn + i) % d->n_parts;
        struct partition *p = d->parts[at];
        if ((*supply = dispatch_supplies(d, p, h, now)) != SUPPLY_NOTHING) {
            d->turn = (at + 1) % d->n_parts;
            return p;
        }
    }
    return NULL;
}

uint64_t
dispatch_bytes(const struct dispatch *d)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < d->n_parts; i++)
        bytes += d->parts[i]->led.bytes;
    return bytes;
}

bool
dispatch_has(const struct dispatch *d, const struct holding *h, mono_ns now)
{
    for (uint32_t i = 0; i < d->n_parts; i++)
        if (dispatch_supplies(d, d->parts[i], h, now) != SUPPLY_NOTHING)
            return true;
    return false;
}

bool
dispatch_has_suspect(const struct dispatch *d, const struct holding *h, mono_ns now)
{
    for (uint32_t i = 0; i < d->n_parts; i++) {
        struct partition *p = d->parts[i];
        if (dispatch_supplies(d, p, h, now) == SUPPLY_WAITING && ledger_entry(&p->led, dispatch_waiting(d, p))->suspect)
            return true;
    }
    return false;
}

mono_ns
dispatch_due(const struct dispatch *d, mono_ns now)
{
    mono_ns due = MONO_NEVER;
    for (uint32_t i = 0; i < d->n_parts; i++) {
        const struct partition *p = d->parts[i];
        if (p->open && has_waiting(d, p) && waiting_due(d, p) > now)
            due = mono_earlier(due, waiting_due(d, p));
    }
    return due;
}

/* ---- what happened ---- */

static bool
has_ended(struct ledger *led, uint64_t pos)
{
    uint8_t state = ledger_entry(led, pos)->state;
    return state == ENTRY_DONE || state == ENTRY_SENDING;
}

/* skip_ended: an entry in the middle of the waiting ones can have ended only where a worker's segment said so against
 * the protocol; it must not be handed out all the same. */
static void
skip_ended(struct partition *p)
{
    if (p->next < p->led.base)
        p->next = p->led.base;
    while (p->next < p->led.head && has_ended(&p->led, p->next))
        p->next++;
}

void
dispatch_handed(struct dispatch *d, struct partition *p, uint64_t pos, const struct holding *h)
{
    if (d->order == DISPATCH_NONE) {
        redo_take(p, pos);
    } else {
        if (p->holder && p->holder != h)
            panic("%s/%d handed to a second worker", p->topic, p->number);
        if (pos != p->next)
            panic("%s/%d: entry %llu handed out before %llu", p->topic, p->number, (unsigned long long)pos,
                  (unsigned long long)p->next);
        p->holder = h;
    }
    ledger_hand(&p->led, pos);
    if (d->order == DISPATCH_PARTITION) {
        p->next = pos + 1;
        skip_ended(p);
    }
}

static void
came_back(struct dispatch *d, struct partition *p, uint64_t pos)
{
    if (d->order == DISPATCH_NONE)
        redo_push(p, pos);
    else if (pos < p->next)
        p->next = pos;
    if (p->led.held == 0)
        p->holder = NULL;
}

void
dispatch_kept(struct dispatch *d, struct partition *p, uint64_t pos)
{
    if (d->order == DISPATCH_NONE)
        redo_push(p, pos);
}

void
dispatch_returned(struct dispatch *d, struct partition *p, uint64_t pos)
{
    ledger_take_back(&p->led, pos);
    came_back(d, p, pos);
}

void
dispatch_retry(struct dispatch *d, struct partition *p, uint64_t pos, mono_ns due)
{
    ledger_retry(&p->led, pos, due);
    came_back(d, p, pos);
}

void
dispatch_letter(struct dispatch *d, struct partition *p, uint64_t pos)
{
    ledger_letter(&p->led, pos);
    if (d->order == DISPATCH_PARTITION && pos == p->next)
        p->next++; /* it was never handed out */
    if (p->led.held == 0)
        p->holder = NULL;
}

void
dispatch_sending(struct dispatch *d, struct partition *p, uint64_t pos)
{
    ledger_sending(&p->led, pos);
    if (d->order == DISPATCH_PARTITION)
        skip_ended(p);
    if (p->led.held == 0)
        p->holder = NULL;
}

bool
dispatch_goes_back(const struct dispatch *d, const struct partition *p, uint64_t pos)
{
    return d->order == DISPATCH_PARTITION && p->next <= pos;
}

void
dispatch_done(struct dispatch *d, struct partition *p, uint64_t pos)
{
    ledger_done(&p->led, pos);
    if (d->order == DISPATCH_PARTITION)
        skip_ended(p);
    if (p->led.held == 0)
        p->holder = NULL;
}

void
dispatch_lane_returned(struct partition *p)
{
    p->epoch++;
}
