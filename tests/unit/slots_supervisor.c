/* slots_supervisor.c - the supervisor of the slot protocol's check: holding.c, driven.
 *
 * Owns: the supervisor's operations (slots_offers.c: when each may happen); the memory of its frames. Checks, in what the core reports: an
 * ending is what really happened to the record and is told once; attempts are counted for failures and crashes only; the
 * commit point does not pass a record that is not done; a record that sends is done when the broker has confirmed what it
 * sends, which the producer gets once, and which is what that record sends. */
#include "tests/unit/slots_access.h"

static void *slots_frame_alloc(size_t size);
static void slots_frame_free(void *frame);
#define mem_alloc slots_frame_alloc
#define free slots_frame_free
#include "supervisor/holding.c"
#include "supervisor/holding_bury.c"
#undef mem_alloc
#undef free

#define OFFSET(pos) (10 + 3 * (int64_t)(pos)) /* offsets have gaps */

static struct slots_supervisor *const sup = &slots_now.sup;

static uint32_t opening; /* the worker for whom a frame is opened */

static void *
slots_frame_alloc(size_t size)
{
    if (size > sizeof(union slots_frame))
        slots_wrong("a frame of %zu bytes", size);
    for (uint32_t i = 0; i < SLOTS_FRAMES; i++) {
        union slots_frame *f = &sup->frames[opening][i];
        if (f->frame.room == 0) {
            memset(f, 0, sizeof *f);
            return f;
        }
    }
    slots_wrong("more than %d frames with one worker", SLOTS_FRAMES);
}

static void
slots_frame_free(void *frame)
{
    memset(frame, 0, sizeof(union slots_frame));
}

static uint32_t
lane_of(const struct partition *p)
{
    return (uint32_t)(p - sup->parts);
}

/* check_given_up: what comes before it in its lane has ended, and will not be repeated. */
static void
check_given_up(uint32_t lane, uint64_t pos)
{
    for (uint64_t i = 0; i < pos; i++)
        if (slots_same(i, pos) && !slots_now.truth[lane][i].finished && !sup->account[lane][i].given_up)
            slots_wrong("record %u/%d is given up on before %u/%d has ended", lane, (int)pos, lane, (int)i);
}

/* again decides about a record that failed or crashed, as the caller of holding.c does. One that is repeated with its lane is
 * taken as not tried. */
static void
again(struct partition *p, uint64_t pos, struct slots_account *account, enum ending ending)
{
    struct slots_truth *truth = &slots_now.truth[lane_of(p)][pos];
    if (ledger_entry(&p->led, pos)->attempt != (uint32_t)account->failures + account->crashes)
        slots_wrong("record %u/%d: attempt %u ended after %u failures and %u crashes", lane_of(p), (int)pos,
                    ledger_entry(&p->led, pos)->attempt, account->failures, account->crashes);
    if (ledger_entry(&p->led, pos)->attempt < slots_setup->attempts) {
        dispatch_retry(&sup->dispatch, p, pos, sup->now + 1);
    } else if (dispatch_goes_back(&sup->dispatch, p, pos)) {
        ending == ENDING_FAILED ? (account->failures--, truth->failures--)
                                : (account->crashes--, truth->crashes--);
        dispatch_returned(&sup->dispatch, p, pos);
    } else {
        check_given_up(lane_of(p), pos);
        account->given_up = true;
        dispatch_done(&sup->dispatch, p, pos);
    }
}

static void
ended(void *arg, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    (void)arg;
    uint32_t lane = lane_of(p);
    struct slots_account *account = &sup->account[lane][pos];
    const struct slots_truth *truth = &slots_now.truth[lane][pos];
    if (account->finished || account->given_up || account->sending)
        slots_wrong("record %u/%d ended a second time", lane, (int)pos);
    if (ending == ENDING_FINISHED || ending == ENDING_SENT) {
        if (!truth->finished)
            slots_wrong("record %u/%d is said to be finished, but is not", lane, (int)pos);
        if (truth->sends != (ending == ENDING_SENT))
            slots_wrong("record %u/%d is done %s what it sends", lane, (int)pos,
                        truth->sends ? "without" : "with");
        ending == ENDING_SENT ? (account->sending = true) : (account->finished = true);
        return;
    }
    if (ending == ENDING_FAILED ? ++account->failures > truth->failures : ++account->crashes > truth->crashes)
        slots_wrong("record %u/%d: an attempt is counted for a %s that did not happen", lane, (int)pos,
                    ending == ENDING_FAILED ? "failure" : "crash");
    char text[8] = {(char)('0' + lane), '/', (char)('0' + pos), 0};
    if (ending == ENDING_FAILED && strcmp(reason->text, text) != 0)
        slots_wrong("record %s failed with the reason \"%s\"", text, reason->text);
    again(p, pos, account, ending);
}

/* ---- birth ---- */

void
slots_supervisor_birth(uint32_t w)
{
    holding_init(&sup->hold[w], &sup->dispatch, w, slots_scoreboard(w), ended, NULL);
    sup->hold[w].batch = slots_setup->batches ? SLOTS_FRAME : 0;
}

void
slots_supervisor_start(void)
{
    static struct partition *parts[SLOTS_LANES];
    dispatch_init(&sup->dispatch, slots_setup->order, 100, 100, 1);
    sup->dispatch.lanes.at = sup->lanes;
    sup->dispatch.lanes.room = sup->dispatch.lanes.n_buckets = SLOTS_NUMBERS;
    sup->dispatch.lanes.buckets = sup->buckets;
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++) {
        struct partition *p = &sup->parts[lane];
        dispatch_add(&sup->dispatch, p, NULL);
        ledger_clear(&p->led); /* its memory and that of the lanes stand in the world, and never grow */
        p->led.ring = sup->ring[lane];
        p->led.size = SLOTS_RECORDS;
        p->led.position = -1;
        p->redo.at = sup->redo[lane];
        p->redo.room = SLOTS_RECORDS;
        p->links = sup->links[lane];
        p->n_links = SLOTS_RECORDS;
        p->seats = sup->seats[lane];
        p->n_seats = SLOTS_WORKERS;
        p->open = p->more = true;
        parts[lane] = p;
    }
    (free)(sup->dispatch.parts);
    sup->dispatch.parts = parts;
}

/* ---- operations ---- */

static void
send_frame(uint32_t w, const struct holding_frame *f)
{
    struct slots_worker *worker = &slots_now.worker[w];
    if (slots_now.dead[w])
        return;
    if (worker->n_pipe == SLOTS_FRAMES)
        slots_wrong("more than %d frames on a pipe", SLOTS_FRAMES);
    struct slots_message *m = &worker->pipe[worker->n_pipe++];
    memset(m, 0, sizeof *m);
    m->first = f->first;
    m->n = f->n;
    m->handled = sup->hold[w].handled;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct partition *p = f->items[i].part;
        dispatch_stamp(&sup->dispatch, p, f->items[i].pos, &m->records[i].lane, &m->records[i].epoch);
        m->records[i].part = (uint8_t)lane_of(p);
        m->records[i].pos = (uint8_t)f->items[i].pos;
    }
}

/* read_one enters a record fresh from Kafka; false: it is kept, for this worker may not have it. */
static bool
read_one(struct holding *h, struct partition *p, uint64_t *pos)
{
    *pos = ledger_add(&p->led, OFFSET(p->led.head), NULL, 0, 1);
    const char *key = slots_setup->keys ? &slots_setup->keys[*pos] : "-";
    p->more = p->led.head < slots_setup->records[lane_of(p)];
    dispatch_entered(&sup->dispatch, p, *pos, *key == '-' ? NULL : key, 1);
    if (dispatch_taker(&sup->dispatch, p, *pos, &h->seat) == &h->seat)
        return true;
    dispatch_kept(&sup->dispatch, p, *pos);
    return false;
}

/* next_of takes the next record of a lane: one that waits, or one fresh from Kafka; false: none, or not here. */
static bool
next_of(struct holding *h, const struct holding_frame *f, struct partition *p, uint64_t *pos)
{
    switch (dispatch_supplies(&sup->dispatch, p, &h->seat, sup->now)) {
    case SUPPLY_NOTHING:
        return false;
    case SUPPLY_WAITING:
        *pos = dispatch_waiting(&sup->dispatch, p, &h->seat, sup->now);
        return holding_admits(h, f, ledger_entry(&p->led, *pos));
    case SUPPLY_FRESH:
        return read_one(h, p, pos);
    }
    return false;
}

static void
hand(uint32_t w, uint32_t records, uint32_t lanes)
{
    struct holding *h = &sup->hold[w];
    opening = w;
    struct holding_frame *f = holding_open(h, SLOTS_FRAME);
    uint64_t pos;
    for (uint32_t i = 0; i < records && holding_room(h, SLOTS_CREDIT) > 0; i++) {
        struct partition *p = &sup->parts[lanes >> i & 1];
        if (!next_of(h, f, p, &pos))
            break;
        holding_put(h, f, p, pos);
    }
    if (f->n == 0) {
        holding_drop(h, f);
        return;
    }
    holding_close(h, f, f->n);
    send_frame(w, f);
}

/* given: the producer gets what one record sends. */
static void
given(const struct holding_sends *got, uint32_t lane, uint32_t pos)
{
    struct slots_account *account = &sup->account[lane][pos];
    if (!got->part || got->part != &sup->parts[lane] || got->pos != pos)
        slots_wrong("what %u/%u sends is not taken, or taken for another record's", lane, pos);
    for (uint32_t i = 0; i < pos; i++)
        if (slots_same(i, pos) && slots_now.truth[lane][i].sends && sup->account[lane][i].given == 0)
            slots_wrong("what %u/%u sends is given to the producer before what %u/%u sends", lane, pos, lane,
                        i);
    if (!account->sending || account->given++ > 0)
        slots_wrong("what %u/%u sends is given to the producer %d times", lane, pos, account->given);
    if (ledger_entry(&sup->parts[lane].led, pos)->state != ENTRY_SENDING)
        slots_wrong("record %u/%u is not waiting for the broker", lane, pos);
}

/* receive takes the oldest frame of sends off the pipe. */
static void
receive(uint32_t w)
{
    const struct slots_sends frame = slots_now.up[w][0];
    struct holding_sends sends[SLOTS_UP];
    for (uint32_t i = 0; i < frame.n; i++)
        sends[i] = (struct holding_sends){.seq = frame.records[i].seq};
    const char *wrong = holding_received(&sup->hold[w], sends, frame.n);
    if (wrong)
        slots_wrong("an honest worker is said to be wrong: %s", wrong);
    for (uint32_t i = 0; i < frame.n; i++) {
        given(&sends[i], frame.records[i].lane, frame.records[i].pos);
        slots_now.truth[frame.records[i].lane][frame.records[i].pos].unsent = 0;
    }
    memmove(&slots_now.up[w][0], &slots_now.up[w][1], --slots_now.n_up[w] * sizeof frame);
    memset(&slots_now.up[w][slots_now.n_up[w]], 0, sizeof frame);
}

static void
confirm(uint32_t lane, uint32_t pos)
{
    struct slots_account *account = &sup->account[lane][pos];
    if (ledger_entry(&sup->parts[lane].led, pos)->state == ENTRY_SENDING)
        account->finished = true;
    else
        account->given_up = true;
    dispatch_done(&sup->dispatch, &sup->parts[lane], pos);
}

static void
bury(uint32_t w)
{
    while (slots_now.n_up[w] > 0)
        receive(w);
    slots_saw_loss(w);
    const char *wrong = holding_settle(&sup->hold[w]);
    if (wrong)
        slots_wrong("an honest worker is said to be wrong: %s", wrong);
    holding_bury(&sup->hold[w], slots_now.pinned[w]);
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++)
        for (uint32_t pos = 0; pos < slots_setup->records[lane]; pos++)
            if (slots_now.truth[lane][pos].on == w + 1)
                slots_now.truth[lane][pos].on = 0;
    if (sup->hold[w].unsettled != 0)
        slots_wrong("%d records are not settled after the burial", (int)sup->hold[w].unsettled);
}

void
slots_supervisor_run(const struct slots_action *action)
{
    struct holding *h = &sup->hold[action->worker];
    const char *wrong;
    switch (action->kind) {
    case SLOTS_HAND:
        hand(action->worker, action->a, action->b);
        break;
    case SLOTS_SETTLE:
        if ((wrong = holding_settle(h)))
            slots_wrong("an honest worker is said to be wrong: %s", wrong);
        break;
    case SLOTS_RECEIVE:
        receive(action->worker);
        break;
    case SLOTS_CONFIRM:
        confirm(action->a, action->b);
        break;
    case SLOTS_REFUSE: /* a dead letter, whose confirmation comes later */
        dispatch_letter(&sup->dispatch, &sup->parts[action->a], action->b);
        break;
    case SLOTS_WITHDRAW:
        holding_withdraw(h, action->a == SLOTS_LANES ? NULL : &sup->parts[action->a]);
        break;
    case SLOTS_BURY:
        bury(action->worker);
        break;
    case SLOTS_TICK:
        sup->now = dispatch_due(&sup->dispatch, sup->now);
        break;
    }
}

/* ---- checks ---- */

static void
check_done(uint32_t lane, uint64_t pos)
{
    const struct slots_account *account = &sup->account[lane][pos];
    const struct slots_truth *truth = &slots_now.truth[lane][pos];
    if (!account->given_up && !truth->finished)
        slots_wrong("record %u/%d counts as done, but was not finished", lane, (int)pos);
    if (!account->given_up && truth->sends && (!account->finished || account->given != 1))
        slots_wrong("record %u/%d counts as done, but what it sends is not confirmed", lane, (int)pos);
    if (account->failures != truth->failures || account->crashes != truth->crashes)
        slots_wrong("record %u/%d: %u of %u failures and %u of %u crashes were counted", lane, (int)pos,
                    account->failures, truth->failures, account->crashes, truth->crashes);
}

void
slots_supervisor_check(void)
{
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++) {
        struct ledger *led = &sup->parts[lane].led;
        for (uint64_t pos = 0; pos < led->base; pos++)
            check_done(lane, pos);
        int64_t point = ledger_commit_point(led);
        for (uint64_t pos = 0; pos < led->head; pos++)
            if ((!slots_now.truth[lane][pos].finished || sup->account[lane][pos].sending) &&
                !sup->account[lane][pos].finished && !sup->account[lane][pos].given_up && point > OFFSET(pos))
                slots_wrong("lane %u: commit point %d, but record %d is not done", lane, (int)point,
                            (int)pos);
    }
}

bool
slots_supervisor_done(void)
{
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++)
        if (sup->parts[lane].led.base < slots_setup->records[lane])
            return false;
    return true;
}
