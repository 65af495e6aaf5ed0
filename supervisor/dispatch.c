/* dispatch.c - which worker gets which record: order, lanes, turns.
 *
 * Owns: the partitions' turns. What happens to entries and their lanes is in dispatch_moves.c.
 * Guarantees: records of one lane are handed out in the order of their offsets, to one worker at a time; a
 * lane moves to another worker only when nothing of it is held; a record that waits for its next attempt
 * holds up its own lane and no other. Must not know: Kafka, sockets, processes, the clock; what a worker is
 * beyond its seat.
 *
 * DESIGN
 * With order partition the entries of a lane are, by position: done or held ones, then `next`, then waiting
 * ones. Handing out moves next up, taking back moves it down. With order none every entry is free to go
 * anywhere: those that came back wait in a heap by due time, and the others are handed out the moment they
 * are read.
 *
 * With order key the same is true of each lane, along its links. A lane of which something waits stands in
 * one list: that of the worker that holds some of it already, or the list of the free ones, first in first
 * out. So neither the number of lanes nor that of the records costs anything here. A fresh record of a lane
 * that is with another worker goes there, and not to the one that asked. */
#include "supervisor/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"

void
dispatch_init(struct dispatch *d, enum dispatch_order order, uint64_t window, uint64_t window_bytes,
              uint64_t seed)
{
    *d = (struct dispatch){.order = order, .window = window, .window_bytes = window_bytes};
    lanes_init(&d->lanes, seed);
}

void
dispatch_clear(struct dispatch *d)
{
    free(d->parts);
    lanes_clear(&d->lanes);
    memset(d, 0, sizeof *d);
}

void
dispatch_add(struct dispatch *d, struct partition *p, void (*release)(void *body))
{
    d->parts = mem_grow(d->parts, d->n_parts + 1, sizeof *d->parts);
    d->parts[d->n_parts++] = p;
    ledger_init(&p->led, release);
    uint32_t number = ++d->last_lane;
    if (number == 0) /* after 2^32 assignments; 0 means none */
        number = ++d->last_lane;
    p->lane = (struct lane){.number = number, .epoch = 1, .part = p};
}

static void
forget_lanes(struct dispatch *d, const struct partition *p)
{
    for (uint32_t number = 1; number < d->lanes.n; number++)
        if (d->lanes.at[number].part == p)
            lanes_forget(&d->lanes, number);
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
    forget_lanes(d, p);
    ledger_clear(&p->led);
    redo_clear(&p->redo);
    free(p->links);
    free(p->seats);
    p->links = NULL;
    p->seats = NULL;
    p->free = (struct lane_list){0};
    p->n_links = p->n_seats = 0;
}

struct lane *
dispatch_lane(const struct dispatch *d, const struct partition *p, uint64_t pos)
{
    if (d->order == DISPATCH_PARTITION)
        return (struct lane *)&p->lane;
    uint32_t number = d->order == DISPATCH_KEY ? p->links[pos & (p->n_links - 1)].lane : 0;
    return number != 0 ? &d->lanes.at[number] : NULL;
}

void
dispatch_stamp(const struct dispatch *d, const struct partition *p, uint64_t pos, uint32_t *lane,
               uint32_t *epoch)
{
    const struct lane *of = dispatch_lane(d, p, pos);
    *lane = of ? of->number : 0;
    *epoch = of ? of->epoch : 0;
}

bool
dispatch_same(const struct dispatch *d, const struct partition *p, uint64_t a, uint64_t b)
{
    struct lane *lane = dispatch_lane(d, p, a);
    return a == b || (lane && lane == dispatch_lane(d, p, b));
}

/* ---- what may be handed out ---- */

static mono_ns
due(const struct partition *p, uint64_t pos)
{
    return ledger_entry((struct ledger *)&p->led, pos)->due;
}

/* in_place: singly, the record at the commit point goes first with every order, since that is the one which
 * was marked. */
static bool
in_place(const struct dispatch *d, const struct partition *p)
{
    return d->order != DISPATCH_PARTITION && p->single;
}

static bool
is_for(const struct lane *lane, const struct seat *s)
{
    return !lane || ((!lane->holder || lane->holder == s) && lane->letters == 0 && !lane->waits);
}

/* next_by_key: the worker's own lanes first, since nobody else can do them; then what is due again. */
static uint64_t
next_by_key(const struct dispatch *d, const struct partition *p, const struct seat *s, mono_ns now)
{
    uint32_t own = s->number < p->n_seats ? p->seats[s->number].first : 0;
    if (own != 0 && d->lanes.at[own].holder == s)
        return d->lanes.at[own].next;
    if (p->redo.n > 0 && due(p, p->redo.at[0]) <= now && is_for(dispatch_lane(d, p, p->redo.at[0]), s))
        return p->redo.at[0];
    return p->free.first != 0 ? d->lanes.at[p->free.first].next : LANE_NONE;
}

/* next_for is the position that the worker may go on with now, LANE_NONE: there is none. */
static uint64_t
next_for(const struct dispatch *d, const struct partition *p, const struct seat *s, mono_ns now)
{
    uint64_t pos = LANE_NONE;
    if (in_place(d, p))
        pos = p->led.base;
    else if (d->order == DISPATCH_KEY)
        return next_by_key(d, p, s, now);
    else if (d->order == DISPATCH_PARTITION)
        pos = is_for(&p->lane, s) ? p->lane.next : LANE_NONE;
    else if (p->redo.n > 0)
        pos = p->redo.at[0];
    return pos < p->led.head && due(p, pos) <= now ? pos : LANE_NONE;
}

uint64_t
dispatch_waiting(const struct dispatch *d, const struct partition *p, const struct seat *s, mono_ns now)
{
    return next_for(d, p, s, now);
}

/* reads_on: whether records behind those that wait may be read; in a lane of the whole partition they would
 * wait, too. */
static bool
reads_on(const struct dispatch *d, const struct partition *p, const struct seat *s)
{
    if (in_place(d, p))
        return p->led.base == p->led.head;
    return d->order != DISPATCH_PARTITION || (is_for(&p->lane, s) && p->lane.next >= p->led.head);
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
dispatch_supplies(const struct dispatch *d, const struct partition *p, const struct seat *s, mono_ns now)
{
    if (!p->open)
        return SUPPLY_NOTHING;
    if (p->single && (!p->permitted || p->led.held > 0 || ledger_confirming(&p->led) > 0))
        return SUPPLY_NOTHING;
    if (next_for(d, p, s, now) != LANE_NONE)
        return SUPPLY_WAITING;
    return reads_on(d, p, s) ? fresh(d, p) : SUPPLY_NOTHING;
}

struct partition *
dispatch_pick(struct dispatch *d, const struct seat *s, mono_ns now, enum dispatch_supply *supply)
{
    for (uint32_t i = 0; i < d->n_parts; i++) {
        uint32_t at = (d->turn + i) % d->n_parts;
        struct partition *p = d->parts[at];
        if ((*supply = dispatch_supplies(d, p, s, now)) != SUPPLY_NOTHING) {
            d->turn = (at + 1) % d->n_parts;
            return p;
        }
    }
    return NULL;
}

const struct seat *
dispatch_taker(const struct dispatch *d, const struct partition *p, uint64_t pos, const struct seat *asking)
{
    const struct lane *lane = dispatch_lane(d, p, pos);
    if (!lane)
        return asking;
    if (lane->next != pos || lane->letters > 0 || lane->waits)
        return NULL;
    return lane->holder ? lane->holder : asking;
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
dispatch_has(const struct dispatch *d, const struct seat *s, mono_ns now)
{
    for (uint32_t i = 0; i < d->n_parts; i++)
        if (dispatch_supplies(d, d->parts[i], s, now) != SUPPLY_NOTHING)
            return true;
    return false;
}

bool
dispatch_has_suspect(const struct dispatch *d, const struct seat *s, mono_ns now)
{
    for (uint32_t i = 0; i < d->n_parts; i++) {
        struct partition *p = d->parts[i];
        if (dispatch_supplies(d, p, s, now) == SUPPLY_WAITING &&
            ledger_entry(&p->led, next_for(d, p, s, now))->suspect)
            return true;
    }
    return false;
}

/* first_due is when the first record of the partition that waits for a time is due; in the past: it waits for
 * a worker. */
static mono_ns
first_due(const struct dispatch *d, const struct partition *p)
{
    uint64_t pos = LANE_NONE;
    if (in_place(d, p))
        pos = p->led.base;
    else if (d->order == DISPATCH_PARTITION)
        pos = p->lane.next;
    else if (p->redo.n > 0)
        pos = p->redo.at[0];
    return pos < p->led.head ? due(p, pos) : MONO_NEVER;
}

mono_ns
dispatch_due(const struct dispatch *d, mono_ns now)
{
    mono_ns next = MONO_NEVER;
    for (uint32_t i = 0; i < d->n_parts; i++)
        if (d->parts[i]->open && first_due(d, d->parts[i]) > now)
            next = mono_earlier(next, first_due(d, d->parts[i]));
    return next;
}
