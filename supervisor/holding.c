/* holding.c - what one worker holds: the supervisor's half of the slot protocol.
 *
 * Owns: the frames a worker was sent and has not left, item by item; which slots are in use. Guarantees: each item is settled
 * exactly once; a slot is used again only when the worker has left its frame and all items of the frame are settled (rule 2);
 * a lane is taken back youngest first, up to the first record that was begun (rule 1); after a failure the rest of its lane
 * comes back before the lane goes on (rule 3); nothing that ended behind a record whose sends are not here is settled, so
 * what a death loses is a suffix (rule 4). Must not know: sockets, processes, Kafka, the clock; how a failed record is
 * treated (the caller's `ended`).
 *
 * A worker that stands still is left what it is on and nothing else (rule 14): a lane that happens to be in the same frames
 * as a record that hangs must not hang with it, even where no other worker is idle. Nothing more is put behind such a record
 * until it ends.
 *
 * DESIGN The worker begins records in slot order and publishes `taken` before it tries a slot. So everything that has ended
 * lies below `taken`, and a record above it is WAITING or WITHDRAWN. A record below it that still is WAITING was passed over
 * because its lane is barred, or is the very next one to begin; both are left alone here.
 *
 * A record that sends is SENT, and done only by the frame that carries what it sends; its worker may die before that is on
 * the wire. So settling stops at a SENT whose frame has not come. At a death such a record goes back, and so does what was
 * finished behind it in its lane: a repeat repeats the lane from that record on.
 *
 * Everything on the scoreboard is untrusted. Numbers are clamped to what was sent. A state that cannot be ends the worker,
 * and what it held is settled by what can be believed: at worst a record is repeated. Where a mark at either end of the
 * segment has changed nothing is believed: states that are written over as a whole can say "finished", too. */
#include "supervisor/holding_int.h"

#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"

#define COLLECTED_FRAMES 1024 /* of a worker that collects a batch out of records that trickle in */
#define RETRY_AFTER_MAX (366 * 24 * 3600 * NS_PER_S) /* what hr_retry_after cuts to */

void
holding_init(struct holding *h, struct dispatch *d, uint32_t number, struct scoreboard *sb,
             holding_ended *ended, void *arg)
{
    *h = (struct holding){.dispatch = d,
                          .seat.number = number,
                          .sb = sb,
                          .slots = sb->slots,
                          .mark = sb->mark,
                          .ended = ended,
                          .arg = arg};
}

void
holding_clear(struct holding *h)
{
    while (h->oldest) {
        struct holding_frame *f = h->oldest;
        h->oldest = f->next;
        free(f);
    }
    memset(h, 0, sizeof *h);
}

uint64_t
holding_taken(const struct holding *h)
{
    return atomic_load_explicit(&h->sb->taken, memory_order_acquire);
}

uint32_t
holding_room(const struct holding *h, size_t bytes)
{
    bool wants = h->collecting && h->unsettled < 2 * (uint64_t)h->batch && h->n_frames < COLLECTED_FRAMES;
    if ((h->n_frames >= HOLDING_FRAMES && !wants) || h->alone > 0 || (h->n_frames > 0 && h->bytes >= bytes))
        return 0;
    if (h->n_frames > 0 && h->stuck && holding_taken(h) == h->seen_taken)
        return 0;
    return h->slots - (uint32_t)(h->head - h->tail);
}

/* ---- handing out ---- */

struct holding_frame *
holding_open(struct holding *h, uint32_t room)
{
    struct holding_frame *f = mem_alloc(sizeof *f + room * sizeof f->items[0]);
    f->first = h->head;
    f->room = room;
    return f;
}

bool
holding_admits(const struct holding *h, const struct holding_frame *f, const struct entry *e)
{
    if (h->alone > 0)
        return e->suspect > 0 && f->n < h->alone && f->n < e->suspect;
    return e->suspect == 0 || (f->n == 0 && h->n_frames == 0);
}

bool
holding_full(const struct holding *h, const struct holding_frame *f)
{
    return f->n == f->room || (h->alone > 0 && f->n >= h->alone);
}

void
holding_put(struct holding *h, struct holding_frame *f, struct partition *p, uint64_t pos)
{
    if (f->n == f->room || h->head - h->tail >= h->slots)
        panic("frame of %u records overfilled", f->room);
    f->items[f->n++] = (struct holding_item){p, pos};
    slot_set(scoreboard_slot(h->sb, h->head, h->slots), SLOT_WAITING);
    h->head++;
    h->unsettled++;
    uint32_t suspect = ledger_entry(&p->led, pos)->suspect;
    if (suspect > 0)
        h->alone = h->alone == 0 || suspect < h->alone ? suspect : h->alone;
    dispatch_handed(h->dispatch, p, pos, &h->seat);
}

void
holding_close(struct holding *h, struct holding_frame *f, size_t bytes)
{
    f->bytes = bytes;
    h->bytes += bytes;
    h->n_frames++;
    if (h->newest)
        h->newest->next = f;
    else
        h->oldest = f;
    h->newest = f;
}

void
holding_drop(struct holding *h, struct holding_frame *f)
{
    (void)h;
    if (f->n > 0)
        panic("a frame with %u records dropped", f->n);
    free(f);
}

/* ---- settling ---- */

static const char written_over[] = "its scoreboard was written over";

/* holding_forget forgets an item; what became of its entry is said by the caller. */
void
holding_forget(struct holding *h, struct holding_frame *f, uint32_t i)
{
    f->items[i].part = NULL;
    f->settled++;
    h->unsettled--;
    while (f->scanned < f->n && !f->items[f->scanned].part)
        f->scanned++;
}

_Atomic uint8_t *
holding_slot(const struct holding *h, const struct holding_frame *f, uint32_t i)
{
    return scoreboard_slot(h->sb, f->first + i, h->slots);
}

void
holding_item_returned(struct holding *h, struct holding_frame *f, uint32_t i)
{
    struct holding_item item = f->items[i];
    holding_forget(h, f, i);
    dispatch_returned(h->dispatch, item.part, item.pos);
}

/* frame_before finds the frame before f, NULL for the oldest. There are at most HOLDING_FRAMES. */
static struct holding_frame *
frame_before(const struct holding *h, const struct holding_frame *f)
{
    struct holding_frame *before = NULL;
    for (struct holding_frame *g = h->oldest; g != f; g = g->next)
        before = g;
    return before;
}

/* What is to be withdrawn: of one partition or all (NULL), of the lane of one of its entries or all of it. */
struct withdrawn {
    const struct partition *part;
    bool one_lane;
    uint64_t of;
};

static bool
is_meant(const struct holding *h, const struct withdrawn *what, const struct holding_item *item)
{
    if (!item->part || (what->part && item->part != what->part))
        return false;
    return !what->one_lane || dispatch_same(h->dispatch, item->part, item->pos, what->of);
}

static uint64_t
withdraw(struct holding *h, const struct withdrawn *what)
{
    uint64_t n = 0;
    for (struct holding_frame *f = h->newest; f; f = frame_before(h, f))
        for (uint32_t i = f->n; i-- > f->scanned;) {
            if (!is_meant(h, what, &f->items[i]))
                continue;
            if (!slot_move(holding_slot(h, f, i), SLOT_WAITING, SLOT_WITHDRAWN))
                return n; /* begun: so is everything before it that can be */
            if (!holding_intact(h))
                return n; /* it may have been begun all the same: settling will tell */
            holding_item_returned(h, f, i);
            n++;
        }
    return n;
}

uint64_t
holding_withdraw(struct holding *h, const struct partition *p)
{
    return withdraw(h, &(struct withdrawn){.part = p});
}

uint64_t
holding_relieve(struct holding *h)
{
    uint64_t taken = holding_taken(h);
    h->stuck = h->n_frames > 0 && taken == h->seen_taken && h->head == h->seen_head;
    h->seen_taken = taken;
    h->seen_head = h->head;
    h->stuck = h->stuck && !h->collecting;
    return h->stuck ? holding_withdraw(h, NULL) : 0;
}

/* holding_read_reason copies the reason of the failure that comes next in the order of this life. */
void
holding_read_reason(struct holding *h, uint64_t seq, struct reason *out)
{
    const struct reason *r = &h->sb->reasons[h->handled % SCOREBOARD_REASONS];
    memcpy(out, r, sizeof *out);
    out->text[REASON_MAX - 1] = '\0';
    if (out->seq != seq || out->kind >= FAILURE_KINDS)
        *out = (struct reason){.seq = seq,
                               .kind = FAILURE_FAILED,
                               .retry_after_ns = -1,
                               .text = "(the worker left no readable reason)"};
    if (out->retry_after_ns < -1 || out->retry_after_ns > RETRY_AFTER_MAX)
        out->retry_after_ns = -1;
}

/* take_back_lane withdraws the failed record's lane, which the worker has barred; false if a record of it was begun all the
 * same: it must be of the same batch. */
static bool
take_back_lane(struct holding *h, struct partition *p, uint64_t failed)
{
    struct withdrawn lane = {.part = p, .one_lane = true, .of = failed};
    if (!dispatch_lane(h->dispatch, p, failed))
        return true;
    withdraw(h, &lane);
    for (struct holding_frame *f = h->oldest; f; f = f->next)
        for (uint32_t i = f->scanned; i < f->n; i++)
            if (f->items[i].pos > failed && is_meant(h, &lane, &f->items[i]))
                return false;
    return true;
}

static const char *
settle_failed(struct holding *h, struct holding_frame *f, uint32_t i)
{
    struct holding_item item = f->items[i];
    struct reason reason;
    bool together = !take_back_lane(h, item.part, item.pos);
    if (together && h->batch == 0)
        return "a record was begun behind a failed one of its lane";
    if (!f->items[i].part) /* its slot changed between two looks, and it went back with the lane */
        return "a failed record is waiting again";
    holding_read_reason(h, f->first + i, &reason);
    holding_forget(h, f, i);
    dispatch_lane_returned(h->dispatch, item.part, item.pos);
    if (together)
        dispatch_lane_waits(h->dispatch, item.part, item.pos);
    h->handled++;
    atomic_store_explicit(&h->sb->failures_read, h->handled, memory_order_release);
    h->ended(h->arg, item.part, item.pos, ENDING_FAILED, &reason);
    return NULL;
}

void
holding_item_finished(struct holding *h, struct holding_frame *f, uint32_t i)
{
    struct holding_item item = f->items[i];
    holding_forget(h, f, i);
    h->ended(h->arg, item.part, item.pos, ENDING_FINISHED, NULL);
    dispatch_done(h->dispatch, item.part, item.pos);
}

/* settle_sent lets the entry wait for its confirmation; false: the frame with what it sends is not here. */
static bool
settle_sent(struct holding *h, struct holding_frame *f, uint32_t i)
{
    struct holding_item item = f->items[i];
    if (h->n_sends == 0 || h->sends->seq != f->first + i)
        return false;
    h->sends->part = item.part;
    h->sends->pos = item.pos;
    h->sends++;
    h->n_sends--;
    holding_forget(h, f, i);
    h->ended(h->arg, item.part, item.pos, ENDING_SENT, NULL);
    dispatch_sending(h->dispatch, item.part, item.pos);
    return true;
}

/* settle_frame settles up to `taken`; *behind is set where it must stop before that. */
static const char *
settle_frame(struct holding *h, struct holding_frame *f, uint64_t taken, bool *behind)
{
    uint32_t end = taken - f->first < f->n ? (uint32_t)(taken - f->first) : f->n;
    for (uint32_t i = f->scanned; i < end && !*behind; i++) {
        if (!f->items[i].part)
            continue;
        const char *wrong = NULL;
        unsigned state = slot_get(holding_slot(h, f, i));
        if (state != SLOT_WAITING && state != SLOT_ON && !holding_intact(h))
            return written_over;
        switch (state) {
        case SLOT_FINISHED:
            holding_item_finished(h, f, i);
            break;
        case SLOT_SENT:
            *behind = !settle_sent(h, f, i);
            break;
        case SLOT_FAILED:
            wrong = settle_failed(h, f, i);
            break;
        case SLOT_ON: /* of a batch, those behind it may have ended since; their turn comes after this one's */
            *behind = h->batch > 0;
            break;
        case SLOT_WAITING:
            break;
        default:
            wrong = "a slot is in a state that cannot be";
        }
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* release_left frees the frames that the worker has left and whose items are all settled: their slots may be used again. */
static void
release_left(struct holding *h)
{
    uint64_t passed = atomic_load_explicit(&h->sb->passed, memory_order_acquire);
    while (h->oldest) {
        struct holding_frame *f = h->oldest;
        if (f->settled < f->n || passed < f->first + f->n)
            break;
        h->tail = f->first + f->n;
        h->bytes -= f->bytes;
        h->n_frames--;
        h->oldest = f->next;
        if (!h->oldest) {
            h->newest = NULL;
            h->alone = 0;
        }
        free(f);
    }
}

const char *
holding_settle(struct holding *h)
{
    uint64_t taken = holding_taken(h);
    if (!holding_intact(h))
        return written_over;
    if (taken > h->head)
        return "it took more than it was given";
    bool behind = false;
    for (struct holding_frame *f = h->oldest; f && f->first < taken && !behind; f = f->next) {
        const char *wrong = settle_frame(h, f, taken, &behind);
        if (wrong)
            return wrong;
    }
    release_left(h);
    return NULL;
}

const char *
holding_received(struct holding *h, struct holding_sends *sends, uint32_t n)
{
    const char *wrong = NULL;
    for (uint32_t i = 0; i < n; i++)
        sends[i].part = NULL;
    h->sends = sends;
    h->n_sends = n;
    wrong = holding_settle(h);
    if (!wrong && h->n_sends > 0)
        wrong = "it sends for a record that it has not finished";
    h->sends = NULL;
    h->n_sends = 0;
    return wrong;
}
