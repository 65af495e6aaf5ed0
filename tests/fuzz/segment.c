/* segment.c - fuzzing of what is read from a worker's segment: holding.c, dispatch.c and ledger.c over two
 * workers whose segments say anything, and change between any two accesses.
 *
 * An input is a schedule: hand out, settle, receive what records send, withdraw, bury, and bytes that are
 * written to the segments at once, or just before some later access of holding.c, perhaps over the very slot
 * that it is about to look at.
 *
 * Checked: what ends was held, and its slot said so (a record is done only where it was FINISHED, or given up
 * on after its attempts); a reason is text, of a kind that there is; after each step the ledgers' sums are
 * those of their entries, and what they say is held is what the workers hold; after a burial nothing is; and
 * when both workers are dead, honest ones bring every record to its end. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/scoreboard.h"
#include "tests/fuzz/play/confirm.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/scribbles.h"

#include "supervisor/holding.c"
#include "supervisor/holding_bury.c"

#define PARTS 2
#define RECORDS 24 /* of each partition */
#define FRAME 6
#define ATTEMPTS 3

static struct life {
    struct scoreboard *sb;
    struct holding h;
    bool doomed; /* its segment said what cannot be */
} lives[WORKERS];

static struct dispatch d;
static struct partition parts[PARTS];
static mono_ns now;
static bool receiving;                  /* what records send */
static uint64_t seq_of[PARTS][RECORDS]; /* of the hand-out that is the last one */

/* ---- the supervisor ---- */

static void
check_reason(const struct reason *r)
{
    MUST(r->kind < FAILURE_KINDS, "%u", r->kind);
    MUST(strnlen(r->text, REASON_MAX) < REASON_MAX, "a reason without an end");
    MUST(r->retry_after_ns >= -1 && r->retry_after_ns <= RETRY_AFTER_MAX, "%lld",
         (long long)r->retry_after_ns);
}

static void
ended(void *arg, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    static const unsigned says[] = {[ENDING_FINISHED] = SLOT_FINISHED,
                                    [ENDING_SENT] = SLOT_SENT,
                                    [ENDING_FAILED] = SLOT_FAILED,
                                    [ENDING_CRASHED] = SLOT_ON};
    struct life *life = arg;
    struct entry *e = ledger_entry(&p->led, pos);
    MUST(e->state == ENTRY_HELD, "%u", e->state);
    MUST(seen == scoreboard_slot(life->sb, seq_of[p - parts][pos], SEG_SLOTS), "another slot was looked at");
    MUST(seen_state == says[ending], "ending %d, but the slot said %u", ending, seen_state);
    MUST(ending != ENDING_SENT || receiving, "what it sends is not here");
    if (ending == ENDING_FINISHED || ending == ENDING_SENT)
        return;
    if (ending == ENDING_FAILED)
        check_reason(reason);
    if (e->attempt < ATTEMPTS)
        dispatch_retry(&d, p, pos, now + (mono_ns)(pos % 3));
    else if (pos % 2)
        dispatch_letter(&d, p, pos);
    else
        dispatch_done(&d, p, pos);
}

static void
birth(struct life *life)
{
    memset(life->sb, 0, scoreboard_size(SEG_SLOTS));
    life->sb->slots = SEG_SLOTS;
    life->doomed = false;
    holding_init(&life->h, &d, (uint32_t)(life - lives), life->sb, ended, life);
}

static bool
put(struct life *life, struct holding_frame *f)
{
    enum dispatch_supply supply;
    struct partition *p = dispatch_pick(&d, &life->h.seat, now, &supply);
    if (!p)
        return false;
    uint64_t pos = supply == SUPPLY_WAITING ? dispatch_waiting(&d, p, &life->h.seat, now) : p->led.head;
    if (supply == SUPPLY_FRESH) {
        ledger_add(&p->led, (int64_t)pos * 2, NULL, 0, 1 + (uint32_t)pos);
        p->more = p->led.head < RECORDS;
        dispatch_entered(&d, p, pos, pos % 5 < 4 ? &"abac"[pos % 5] : NULL, 1);
        if (dispatch_taker(&d, p, pos, &life->h.seat) != &life->h.seat) {
            dispatch_kept(&d, p, pos);
            return true;
        }
    } else if (!holding_admits(&life->h, f, ledger_entry(&p->led, pos))) {
        return false;
    }
    seq_of[p - parts][pos] = life->h.head;
    holding_put(&life->h, f, p, pos);
    return !holding_full(&life->h, f);
}

static void
hand_out(struct life *life, uint32_t want)
{
    uint32_t room = holding_room(&life->h, 100);
    if (room == 0 || life->doomed)
        return;
    struct holding_frame *f = holding_open(&life->h, room < want ? room : want);
    while (f->n < f->room && put(life, f))
        ;
    if (f->n > 0)
        holding_close(&life->h, f, f->n);
    else
        holding_drop(&life->h, f);
}

static void
bury(struct life *life, bool pinned)
{
    holding_settle(&life->h);
    holding_bury(&life->h, pinned);
    MUST(life->h.unsettled == 0 && life->h.n_frames == 0, "%d", (int)life->h.unsettled);
    holding_clear(&life->h);
    birth(life);
}

/* receive takes a frame with what records send, as it says: of those after the first one that is not settled.
 */
static void
receive(struct input *in, struct life *life)
{
    struct holding_sends sends[FRAME];
    uint32_t n = 1 + input_below(in, FRAME);
    uint64_t seq = life->h.tail + input_below(in, SEG_SLOTS);
    for (uint32_t i = 0; i < n; i++)
        sends[i] = (struct holding_sends){.seq = seq + i};
    receiving = true;
    life->doomed |= holding_received(&life->h, sends, n) != NULL;
    receiving = false;
    for (uint32_t i = 0; i < n; i++)
        MUST(!sends[i].part || ledger_entry(&sends[i].part->led, sends[i].pos)->state == ENTRY_SENDING, "%u",
             i);
}

static void
confirm(void)
{
    for (int i = 0; i < PARTS; i++)
        confirm_all(&d, &parts[i]);
}

/* ---- a worker that says the truth ---- */

/* work ends the next record of the frames: finished, failed, or still on. */
static void
work(struct life *life, unsigned state)
{
    struct scoreboard *sb = life->sb;
    uint64_t seq = sb->taken;
    if (seq >= life->h.head)
        return;
    sb->taken = seq + 1;
    if (state == SLOT_FAILED) {
        struct reason *r = &sb->reasons[sb->failures++ % SCOREBOARD_REASONS];
        *r = (struct reason){.seq = seq, .kind = FAILURE_REJECTED, .retry_after_ns = -1, .text = "no"};
    }
    uint8_t waiting = SLOT_WAITING;
    atomic_compare_exchange_strong(&sb->state[seq % SEG_SLOTS], &waiting, (uint8_t)state);
    for (struct holding_frame *f = life->h.oldest; f; f = f->next)
        if (f->first + f->n == seq + 1)
            sb->passed = seq + 1;
}

/* ---- what must hold ---- */

static void
check_ledger(struct ledger *led)
{
    uint64_t count[ENTRY_DONE + 1] = {0}, bytes = 0;
    for (uint64_t pos = led->base; pos < led->head; pos++) {
        struct entry *e = ledger_entry(led, pos);
        MUST(e->state <= ENTRY_DONE, "%u", e->state);
        count[e->state]++;
        bytes += e->state == ENTRY_DONE ? 0 : e->bytes;
    }
    MUST(count[ENTRY_HELD] == led->held, "%d", (int)led->held);
    MUST(count[ENTRY_LETTER] == led->letters, "%d", (int)led->letters);
    MUST(count[ENTRY_SENDING] == led->sending, "%d", (int)led->sending);
    MUST(bytes == led->bytes, "%d", (int)led->bytes);
    MUST(led->base == led->head || ledger_entry(led, led->base)->state != ENTRY_DONE, "the base is done");
    MUST(led->base == led->head || ledger_commit_point(led) == (int64_t)led->base * 2, "the commit point");
}

static void
check(void)
{
    for (int i = 0; i < PARTS; i++) {
        uint64_t held = 0;
        check_ledger(&parts[i].led);
        for (int w = 0; w < WORKERS; w++)
            held += holding_holds(&lives[w].h, &parts[i]);
        MUST(held == parts[i].led.held, "%d", (int)held);
    }
}

/* ---- a run ---- */

static void
step(struct input *in)
{
    unsigned what = input_byte(in);
    struct life *life = &lives[what >> 7];
    switch (what & 0xf) {
    case 0:
    case 1:
        hand_out(life, 1 + input_below(in, FRAME));
        break;
    case 2:
    case 3:
        life->doomed |= holding_settle(&life->h) != NULL;
        break;
    case 4:
        holding_withdraw(&life->h, what & 0x40 ? NULL : &parts[input_below(in, PARTS)]);
        break;
    case 5:
        bury(life, what & 0x40);
        break;
    case 6:
        if (what & 0x40)
            receive(in, life);
        else
            now += input_below(in, 4);
        break;
    case 7:
        confirm();
        break;
    case 8:
    case 9:
        scribble_later(in, what >> 7);
        break;
    case 10:
    case 11:
        scribble_now(in, what >> 7);
        break;
    case 12:
        work(life, what & 0x40 ? SLOT_SENT : SLOT_ON);
        break;
    case 13:
        work(life, SLOT_FAILED);
        break;
    default:
        work(life, SLOT_FINISHED);
    }
    check();
}

static bool
all_done(void)
{
    for (int i = 0; i < PARTS; i++)
        if (parts[i].led.base < RECORDS)
            return false;
    return true;
}

/* finish brings what is left to its end, with workers that do nothing wrong. */
static void
finish(void)
{
    n_scribbles = 0;
    for (int w = 0; w < WORKERS; w++)
        bury(&lives[w], w);
    check();
    for (int steps = 0; !all_done(); steps++) {
        struct life *life = &lives[steps % WORKERS];
        MUST(steps < 10000, "no end");
        hand_out(life, FRAME);
        for (int i = 0; i < FRAME; i++)
            work(life, SLOT_FINISHED);
        MUST(!holding_settle(&life->h), "an honest worker is said to be wrong");
        confirm();
        now++;
    }
    check();
}

static void
begin(struct input *in)
{
    unsigned how = input_byte(in);
    enum dispatch_order order = how & 1 ? DISPATCH_PARTITION : how & 4 ? DISPATCH_KEY : DISPATCH_NONE;
    dispatch_init(&d, order, how & 2 ? 5 : 100, UINT64_MAX, 1);
    memset(parts, 0, sizeof parts);
    n_scribbles = 0;
    now = 0;
    for (int i = 0; i < PARTS; i++) {
        dispatch_add(&d, &parts[i], NULL);
        parts[i].open = parts[i].more = true;
    }
    for (int w = 0; w < WORKERS; w++) {
        segments[w] = lives[w].sb = mem_alloc(scoreboard_size(SEG_SLOTS)); /* of its exact size */
        birth(&lives[w]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    begin(&in);
    for (int i = 0; i < 400 && !input_ended(&in); i++)
        step(&in);
    finish();
    for (int w = 0; w < WORKERS; w++) {
        holding_clear(&lives[w].h);
        free(lives[w].sb);
    }
    while (d.n_parts > 0)
        dispatch_remove(&d, d.parts[0]);
    dispatch_clear(&d);
    return 0;
}
