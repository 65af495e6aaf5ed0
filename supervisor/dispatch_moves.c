/* dispatch_moves.c - what happens to entries, and what their lanes do then.
 *
 * Owns: each lane's state: who holds it, where it goes on, in which list it stands.
 * Guarantees: as dispatch.c. A lane stands in a list exactly while its next record may be handed out to
 * somebody, now or at a time; it is forgotten with its last record. Must not know: as dispatch.c. */
#include <stdlib.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/dispatch.h"

/* ---- the list that a lane stands in (order key) ---- */

static enum lane_place
place_for(struct lane *lane)
{
    if (lane->next == LANE_NONE || lane->letters > 0 || lane->waits)
        return LANE_ASIDE;
    if (ledger_entry(&lane->part->led, lane->next)->due > 0)
        return LANE_REDO;
    return lane->holder ? LANE_SEAT : LANE_FREE;
}

static struct lane_list *
list_of_seat(struct partition *p, uint32_t number)
{
    if (number >= p->n_seats) {
        p->seats = mem_grow(p->seats, number + 1, sizeof *p->seats);
        while (p->n_seats <= number)
            p->seats[p->n_seats++] = (struct lane_list){0};
    }
    return &p->seats[number];
}

static void
leave_place(struct dispatch *d, struct lane *lane)
{
    struct partition *p = lane->part;
    if (lane->place == LANE_FREE)
        lanes_unlink(&d->lanes, &p->free, lane->number);
    else if (lane->place == LANE_SEAT)
        lanes_unlink(&d->lanes, &p->seats[lane->seat], lane->number);
    else if (lane->place == LANE_REDO)
        redo_remove(&p->redo, &p->led, lane->redo);
    lane->place = LANE_ASIDE;
}

/* place puts a lane where its state wants it; one that came back goes before those that were never begun. */
static void
place(struct dispatch *d, struct lane *lane, bool came_back)
{
    struct partition *p = lane->part;
    enum lane_place to = place_for(lane);
    if (to == lane->place &&
        (to == LANE_ASIDE || to == LANE_FREE || (to == LANE_SEAT && lane->seat == lane->holder->number) ||
         (to == LANE_REDO && lane->redo == lane->next)))
        return;
    leave_place(d, lane);
    lane->place = to;
    if (to == LANE_FREE && came_back) {
        lanes_prepend(&d->lanes, &p->free, lane->number);
    } else if (to == LANE_FREE) {
        lanes_append(&d->lanes, &p->free, lane->number);
    } else if (to == LANE_SEAT) {
        lane->seat = lane->holder->number;
        lanes_append(&d->lanes, list_of_seat(p, lane->seat), lane->number);
    } else if (to == LANE_REDO) {
        lane->redo = lane->next;
        redo_add(&p->redo, &p->led, lane->redo);
    }
}

/* ---- a lane's records ---- */

static void
grow_links(struct partition *p)
{
    uint64_t size = p->led.size;
    struct lane_link *bigger = mem_array(size, sizeof *bigger);
    for (uint64_t pos = p->led.base; p->n_links > 0 && pos + 1 < p->led.head; pos++)
        bigger[pos & (size - 1)] = p->links[pos & (p->n_links - 1)];
    free(p->links);
    p->links = bigger;
    p->n_links = size;
}

void
dispatch_entered(struct dispatch *d, struct partition *p, uint64_t pos, const void *key, size_t size)
{
    if (d->order != DISPATCH_KEY)
        return;
    if (p->n_links < p->led.size)
        grow_links(p);
    uint32_t number = key ? lanes_take(&d->lanes, p, key, size) : 0;
    p->links[pos & (p->n_links - 1)] = (struct lane_link){.lane = number};
    if (number == 0)
        return;
    struct lane *lane = &d->lanes.at[number];
    if (lane->live > 0)
        p->links[lane->newest & (p->n_links - 1)].ahead = (uint32_t)(pos - lane->newest);
    lane->newest = pos;
    lane->live++;
    if (lane->next == LANE_NONE)
        lane->next = pos;
}

static bool
has_ended(struct ledger *led, uint64_t pos)
{
    uint8_t state = ledger_entry(led, pos)->state;
    return state == ENTRY_DONE || state == ENTRY_SENDING;
}

/* behind finds the record that waits behind this one in its lane. What has ended is passed over: that can be
 * only where a worker's segment said so against the protocol, and it must not be handed out all the same. */
static uint64_t
behind(const struct dispatch *d, struct partition *p, uint64_t pos)
{
    if (d->order == DISPATCH_PARTITION) {
        do
            pos++;
        while (pos < p->led.head && has_ended(&p->led, pos));
        return pos;
    }
    for (uint32_t ahead; (ahead = p->links[pos & (p->n_links - 1)].ahead) > 0;) {
        pos += ahead;
        if (!has_ended(&p->led, pos))
            return pos;
    }
    return LANE_NONE;
}

/* settle puts the lane into its place after one of its records moved; with order partition there is but one,
 * and no list. */
static void
settle(struct dispatch *d, struct lane *lane, bool came_back)
{
    if (lane->held == 0) {
        lane->holder = NULL;
        lane->waits = false;
    }
    if (d->order == DISPATCH_KEY)
        place(d, lane, came_back);
}

/* let_go counts a record out that a worker held. */
static void
let_go(const struct partition *p, struct lane *lane, uint64_t pos)
{
    if (lane && ledger_entry((struct ledger *)&p->led, pos)->state == ENTRY_HELD)
        lane->held--;
}

/* pass_by: a record that was never handed out will not be. */
static void
pass_by(const struct dispatch *d, struct partition *p, struct lane *lane, uint64_t pos)
{
    if (lane && pos == lane->next)
        lane->next = behind(d, p, pos);
}

/* ---- what happened ---- */

static void
hand_in_lane(struct dispatch *d, struct partition *p, struct lane *lane, uint64_t pos, const struct seat *s)
{
    if (lane->holder && lane->holder != s)
        panic("%s/%d: a lane is handed to a second worker", p->topic, p->number);
    if (pos != lane->next)
        panic("%s/%d: entry %llu handed out before %llu", p->topic, p->number, (unsigned long long)pos,
              (unsigned long long)lane->next);
    if (d->order == DISPATCH_KEY && lane->place == LANE_REDO)
        leave_place(d, lane); /* while its due time stands */
    lane->holder = s;
    lane->held++;
    lane->next = behind(d, p, pos);
    settle(d, lane, false);
}

void
dispatch_handed(struct dispatch *d, struct partition *p, uint64_t pos, const struct seat *s)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    if (lane)
        hand_in_lane(d, p, lane, pos, s);
    else if (p->redo.n > 0 &&
             (redo_is_first(&p->redo, pos) || p->single)) /* else it comes straight from Kafka */
        redo_remove(&p->redo, &p->led, pos);
    ledger_hand(&p->led, pos);
}

static void
came_back(struct dispatch *d, struct partition *p, struct lane *lane, uint64_t pos)
{
    if (!lane) {
        redo_add(&p->redo, &p->led, pos);
        return;
    }
    if (pos < lane->next)
        lane->next = pos;
    settle(d, lane, true);
}

void
dispatch_kept(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    if (lane)
        settle(d, lane, false);
    else
        redo_add(&p->redo, &p->led, pos);
}

void
dispatch_returned(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    let_go(p, lane, pos);
    ledger_take_back(&p->led, pos);
    came_back(d, p, lane, pos);
}

void
dispatch_retry(struct dispatch *d, struct partition *p, uint64_t pos, mono_ns due)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    let_go(p, lane, pos);
    ledger_retry(&p->led, pos, due);
    came_back(d, p, lane, pos);
}

void
dispatch_letter(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    let_go(p, lane, pos);
    pass_by(d, p, lane, pos);
    ledger_letter(&p->led, pos);
    if (lane) {
        lane->letters++;
        settle(d, lane, false);
    }
}

void
dispatch_sending(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    let_go(p, lane, pos);
    pass_by(d, p, lane, pos);
    ledger_sending(&p->led, pos);
    if (lane)
        settle(d, lane, false);
}

bool
dispatch_goes_back(const struct dispatch *d, const struct partition *p, uint64_t pos)
{
    const struct lane *lane = dispatch_lane(d, p, pos);
    return lane && lane->next <= pos;
}

void
dispatch_done(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    let_go(p, lane, pos);
    pass_by(d, p, lane, pos);
    if (lane && ledger_entry(&p->led, pos)->state == ENTRY_LETTER)
        lane->letters--;
    ledger_done(&p->led, pos);
    if (!lane)
        return;
    settle(d, lane, false);
    if (d->order == DISPATCH_KEY && --lane->live == 0)
        lanes_forget(&d->lanes, lane->number);
}

void
dispatch_lane_returned(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    if (lane)
        lane->epoch++;
}

void
dispatch_lane_waits(struct dispatch *d, struct partition *p, uint64_t pos)
{
    struct lane *lane = dispatch_lane(d, p, pos);
    if (lane)
        lane->waits = true;
}
