/* test_dispatch_random.c - order, lanes and turns against a model that knows each record's state. */
#include <check.h>
#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/turns.h"

#define KEYS 4
#define NO_LANE -1
#define MODEL_MAX 3000

struct model_record {
    uint8_t state; /* enum entry_state */
    int holder;
    int lane; /* NO_LANE, 0 or its key */
    mono_ns due;
    uint32_t attempt;
};

static struct model_part {
    struct model_record records[MODEL_MAX];
    int n, base;
} model[TURNS_PARTS];

static mono_ns now;

/* ---- what the model says ---- */

/* first_in finds the first record of a lane that waits, -1: none does; before `end`. */
static int
first_in(const struct model_part *m, int lane, int end)
{
    for (int i = m->base; i < end; i++)
        if (m->records[i].lane == lane && m->records[i].state == ENTRY_WAITING)
            return i;
    return -1;
}

static int
holder(const struct model_part *m, int lane)
{
    for (int i = m->base; i < m->n; i++)
        if (m->records[i].lane == lane && m->records[i].state == ENTRY_HELD)
            return m->records[i].holder;
    return -1;
}

static int
letters(const struct model_part *m, int lane)
{
    int n = 0;
    for (int i = m->base; i < m->n; i++)
        n += m->records[i].lane == lane && m->records[i].state == ENTRY_LETTER;
    return n;
}

/* is_next: this record waits, and nothing of its lane holds it up but its time and its lane's holder. */
static bool
is_next(const struct model_part *m, int i)
{
    const struct model_record *r = &m->records[i];
    if (r->state != ENTRY_WAITING)
        return false;
    return r->lane == NO_LANE || (first_in(m, r->lane, m->n) == i && letters(m, r->lane) == 0);
}

static bool
is_for(const struct model_part *m, int i, int w)
{
    int h = m->records[i].lane == NO_LANE ? -1 : holder(m, m->records[i].lane);
    return h < 0 || h == w;
}

/* earliest is the one that is due first, of those that wait for a time (with order key), or of all; -1: none.
 */
static int
earliest(const struct model_part *m)
{
    int best = -1;
    for (int i = m->base; i < m->n; i++) {
        const struct model_record *r = &m->records[i];
        if (!is_next(m, i) || (turns.order == DISPATCH_KEY && r->lane != NO_LANE && r->due == 0))
            continue;
        if (best < 0 || r->due < m->records[best].due)
            best = i;
    }
    return best;
}

/* may_have: the worker may be given this record now. */
static bool
may_have(const struct model_part *m, int i, int w)
{
    const struct model_record *r = &m->records[i];
    if (!is_next(m, i) || !is_for(m, i, w) || r->due > now)
        return false;
    if (turns.order == DISPATCH_KEY && r->lane != NO_LANE && r->due == 0)
        return true;
    return i == earliest(m); /* the others wait until it is gone */
}

static bool
any_for(const struct model_part *m, int w)
{
    for (int i = m->base; i < m->n; i++)
        if (may_have(m, i, w))
            return true;
    return false;
}

static enum dispatch_supply
expected(int part, int w)
{
    const struct model_part *m = &model[part];
    bool fresh = turns_parts[part].more && (m->n == m->base || m->n - m->base < TURNS_WINDOW);
    if (!turns_parts[part].open)
        return SUPPLY_NOTHING;
    if (any_for(m, w))
        return SUPPLY_WAITING;
    if (turns.order == DISPATCH_PARTITION &&
        (first_in(m, 0, m->n) >= 0 || letters(m, 0) > 0 || (holder(m, 0) >= 0 && holder(m, 0) != w)))
        return SUPPLY_NOTHING;
    return fresh ? SUPPLY_FRESH : SUPPLY_NOTHING;
}

static void
compare(void)
{
    mono_ns due = MONO_NEVER;
    for (int part = 0; part < TURNS_PARTS; part++) {
        struct model_part *m = &model[part];
        while (m->base < m->n && m->records[m->base].state == ENTRY_DONE)
            m->base++;
        ck_assert_int_eq(ledger_commit_point(&turns_parts[part].led), m->n > 0 ? m->base : -1);
        for (int pos = m->base; pos < m->n; pos++)
            if (m->records[pos].state == ENTRY_HELD)
                ck_assert_int_eq(dispatch_goes_back(&turns, &turns_parts[part], (uint64_t)pos),
                                 m->records[pos].lane != NO_LANE &&
                                     first_in(m, m->records[pos].lane, pos) >= 0);
        int i = turns.order == DISPATCH_PARTITION ? first_in(m, 0, m->n) : earliest(m);
        if (i >= 0 && turns_parts[part].open && m->records[i].due > now)
            due = mono_earlier(due, m->records[i].due);
        for (int w = 0; w < TURNS_WORKERS; w++)
            ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[part], &turns_workers[w], now), expected(part, w));
    }
    ck_assert_int_eq(dispatch_due(&turns, now), due);
}

/* ---- steps ---- */

static void
hand(int part, int pos, int w)
{
    struct model_record *r = &model[part].records[pos];
    dispatch_handed(&turns, &turns_parts[part], (uint64_t)pos, &turns_workers[w]);
    r->state = ENTRY_HELD;
    r->holder = w;
    ck_assert_uint_eq(ledger_entry(&turns_parts[part].led, (uint64_t)pos)->attempt, r->attempt);
}

static int
random_lane(void)
{
    if (turns.order == DISPATCH_PARTITION)
        return 0;
    return turns.order == DISPATCH_KEY ? (int)random_below(KEYS + 1) - 1 : NO_LANE;
}

/* taker: who may have a record just read: -1: nobody. */
static int
taker(const struct model_part *m, int pos, int w)
{
    int lane = m->records[pos].lane, h = holder(m, lane);
    if (lane == NO_LANE)
        return w;
    if (first_in(m, lane, pos) >= 0 || letters(m, lane) > 0)
        return -1;
    return h >= 0 ? h : w;
}

static void
hand_fresh(int part, int w)
{
    static const char *const keys[KEYS] = {"", "a", "b", "a longer one"};
    struct model_part *m = &model[part];
    struct partition *p = &turns_parts[part];
    if (m->n == MODEL_MAX)
        return;
    int pos = m->n++, lane = random_lane();
    m->records[pos] = (struct model_record){.attempt = 1, .lane = lane, .state = ENTRY_WAITING};
    ck_assert_int_eq(ledger_add(&p->led, pos, NULL, 0, 1), pos);
    const char *key = lane == NO_LANE ? NULL : keys[lane];
    dispatch_entered(&turns, p, (uint64_t)pos, key, key ? strlen(key) : 0);
    int to = taker(m, pos, w);
    const struct seat *s = dispatch_taker(&turns, p, (uint64_t)pos, &turns_workers[w]);
    ck_assert_int_eq(s ? (int)(s - turns_workers) : -1, to);
    if (to < 0 || random_once_in(5))
        dispatch_kept(&turns, p, (uint64_t)pos);
    else
        hand(part, pos, to);
}

static void
step_hand(void)
{
    enum dispatch_supply supply;
    int w = (int)random_below(TURNS_WORKERS);
    struct partition *p = dispatch_pick(&turns, &turns_workers[w], now, &supply);
    if (!p) {
        for (int part = 0; part < TURNS_PARTS; part++)
            ck_assert_int_eq(expected(part, w), SUPPLY_NOTHING);
        return;
    }
    int part = (int)(p - turns_parts);
    ck_assert_int_eq(supply, expected(part, w));
    if (supply == SUPPLY_FRESH) {
        hand_fresh(part, w);
        return;
    }
    int pos = (int)dispatch_waiting(&turns, p, &turns_workers[w], now);
    ck_assert(may_have(&model[part], pos, w));
    hand(part, pos, w);
}

/* held finds the oldest or youngest record of a lane that is held, or any one; -1: none is. */
static int
held(const struct model_part *m, int lane, bool oldest, bool any)
{
    int found = -1;
    for (int i = m->base; i < m->n; i++)
        if (m->records[i].state == ENTRY_HELD && m->records[i].lane == lane) {
            found = i;
            if (oldest || (any && random_once_in(3)))
                break;
        }
    return found;
}

static void
give_back(int part, int i)
{
    dispatch_returned(&turns, &turns_parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_WAITING;
    model[part].records[i].due = 0;
}

static void
finish(int part, int i)
{
    dispatch_done(&turns, &turns_parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_DONE;
}

/* send: finished, and what it sends is on its way: its lane goes on. */
static void
send(int part, int i)
{
    dispatch_sending(&turns, &turns_parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_SENDING;
}

/* step_confirming: the broker has it, or refused it for good and so a letter is written. */
static void
step_confirming(void)
{
    int part = (int)random_below(TURNS_PARTS);
    for (int i = model[part].base; i < model[part].n; i++) {
        struct model_record *r = &model[part].records[i];
        if ((r->state != ENTRY_SENDING && r->state != ENTRY_LETTER) || random_once_in(2))
            continue;
        if (r->state == ENTRY_LETTER || !random_once_in(4)) {
            finish(part, i);
            return;
        }
        dispatch_letter(&turns, &turns_parts[part], (uint64_t)i);
        r->state = ENTRY_LETTER;
        return;
    }
}

/* go_wrong: with a lane, everything behind the record comes back first. */
static void
go_wrong(int part, int lane, int i)
{
    struct model_record *r = &model[part].records[i];
    for (int later; lane != NO_LANE && (later = held(&model[part], lane, false, false)) > i;)
        give_back(part, later);
    dispatch_lane_returned(&turns, &turns_parts[part], (uint64_t)i);
    if (random_once_in(4)) {
        finish(part, i);
        return;
    }
    r->due = now + random_below(50);
    r->attempt++;
    r->state = ENTRY_WAITING;
    dispatch_retry(&turns, &turns_parts[part], (uint64_t)i, r->due);
}

static void
step_held(void)
{
    int part = (int)random_below(TURNS_PARTS), lane = random_lane(), i;
    bool any = lane == NO_LANE;
    switch (random_below(8)) {
    case 0:
        if ((i = held(&model[part], lane, false, any)) >= 0)
            give_back(part, i);
        break;
    case 1:
        if ((i = held(&model[part], lane, !any, any)) >= 0)
            go_wrong(part, lane, i);
        break;
    case 2: /* against the protocol: one in the middle is said to be finished */
        if (random_once_in(10) && (i = held(&model[part], lane, false, true)) >= 0)
            random_once_in(2) ? finish(part, i) : send(part, i);
        break;
    case 3:
    case 4:
        if ((i = held(&model[part], lane, !any, any)) >= 0)
            send(part, i);
        break;
    default:
        if ((i = held(&model[part], lane, !any, any)) >= 0)
            finish(part, i);
    }
}

/* A worker dies: what it holds comes back oldest first. */
static void
step_death(void)
{
    int w = (int)random_below(TURNS_WORKERS);
    for (int part = 0; part < TURNS_PARTS; part++)
        for (int i = model[part].base; i < model[part].n; i++)
            if (model[part].records[i].state == ENTRY_HELD && model[part].records[i].holder == w)
                give_back(part, i);
}

static void
step(void)
{
    switch (random_below(20)) {
    case 0:
        now += random_below(60);
        break;
    case 1:
        turns_parts[random_below(TURNS_PARTS)].open = !random_once_in(4);
        break;
    case 2:
        turns_parts[random_below(TURNS_PARTS)].more = !random_once_in(4);
        break;
    case 3:
        step_death();
        break;
    case 4:
    case 5:
        step_confirming();
        break;
    default:
        if (random_once_in(2))
            step_hand();
        else
            step_held();
    }
}

START_TEST(test_dispatch_random)
{
    random_start("dispatch");
    for (int run = 0; run < 100; run++) {
        static const enum dispatch_order orders[] = {DISPATCH_PARTITION, DISPATCH_NONE, DISPATCH_KEY,
                                                     DISPATCH_KEY};
        turns_begin(orders[random_below(4)], TURNS_PARTS);
        for (int part = 0; part < TURNS_PARTS; part++)
            model[part].n = model[part].base = 0;
        now = 0;
        uint32_t steps = 50 + random_below(500);
        for (uint32_t i = 0; i < steps; i++) {
            step();
            compare();
        }
        for (int part = 0; part < TURNS_PARTS; part++)
            for (int lane = NO_LANE; lane < KEYS; lane++)
                for (int i; (i = held(&model[part], lane, false, false)) >= 0;)
                    give_back(part, i);
        turns_end();
    }
}
END_TEST

Suite *
dispatch_random_suite(void)
{
    Suite *suite = suite_create("dispatch_random");
    TCase *tc = tcase_create("dispatch_random");
    tcase_add_test(tc, test_dispatch_random);
    suite_add_tcase(suite, tc);
    return suite;
}
