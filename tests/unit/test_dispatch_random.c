/* test_dispatch_random.c - order, lanes and turns against a model that knows each record's state.
 *
 * Workers are only addresses here. What they do is what holding.c lets through: a lane comes back youngest
 * first. */
#include <check.h>
#include <string.h>

#include "supervisor/dispatch.h"
#include "supervisor/holding.h"
#include "tests/unit/random.h"

Suite *dispatch_random_suite(void);

#define PARTS 4
#define WORKERS 3
#define WINDOW 12

static char topic[] = "logs";

static struct dispatch d;
static struct partition parts[PARTS];
static struct holding workers[WORKERS];

static void
setup(enum dispatch_order order, int n)
{
    dispatch_init(&d, order, WINDOW, UINT64_MAX);
    memset(parts, 0, sizeof parts);
    for (int i = 0; i < n; i++) {
        parts[i].topic = topic;
        parts[i].number = i;
        dispatch_add(&d, &parts[i], NULL);
        parts[i].open = parts[i].more = true;
    }
}

static void
teardown(void)
{
    while (d.n_parts > 0)
        dispatch_remove(&d, d.parts[0]);
    dispatch_clear(&d);
}

#define MODEL_MAX 3000

struct model_record {
    uint8_t state; /* enum entry_state */
    int holder;
    mono_ns due;
    uint32_t attempt;
};

static struct model_part {
    struct model_record records[MODEL_MAX];
    int n, base;
} model[PARTS];

static mono_ns now;

/* waiting finds the record that is next by the model, -1: none waits. */
static int
waiting(const struct model_part *m)
{
    int best = -1;
    for (int i = m->base; i < m->n; i++) {
        if (m->records[i].state != ENTRY_WAITING)
            continue;
        if (d.order == DISPATCH_PARTITION)
            return i;
        if (best < 0 || m->records[i].due < m->records[best].due)
            best = i;
    }
    return best;
}

static int
holder(const struct model_part *m)
{
    for (int i = m->base; i < m->n; i++)
        if (m->records[i].state == ENTRY_HELD)
            return m->records[i].holder;
    return -1;
}

static int
letters(const struct model_part *m)
{
    int n = 0;
    for (int i = m->base; i < m->n; i++)
        n += m->records[i].state == ENTRY_LETTER;
    return n;
}

static enum dispatch_supply
expected(int part, int w)
{
    const struct model_part *m = &model[part];
    int i = waiting(m);
    bool fresh = parts[part].more && (m->n == m->base || m->n - m->base < WINDOW);
    if (!parts[part].open)
        return SUPPLY_NOTHING;
    if (d.order == DISPATCH_PARTITION && holder(m) >= 0 && holder(m) != w)
        return SUPPLY_NOTHING;
    if (d.order == DISPATCH_PARTITION && letters(m) > 0)
        return SUPPLY_NOTHING;
    if (i >= 0 && m->records[i].due <= now)
        return SUPPLY_WAITING;
    return fresh && (i < 0 || d.order == DISPATCH_NONE) ? SUPPLY_FRESH : SUPPLY_NOTHING;
}

static void
compare(void)
{
    mono_ns due = MONO_NEVER;
    for (int part = 0; part < PARTS; part++) {
        struct model_part *m = &model[part];
        while (m->base < m->n && m->records[m->base].state == ENTRY_DONE)
            m->base++;
        ck_assert_int_eq(ledger_commit_point(&parts[part].led), m->n > 0 ? m->base : -1);
        int i = waiting(m);
        for (int pos = m->base; pos < m->n; pos++)
            if (m->records[pos].state == ENTRY_HELD)
                ck_assert_int_eq(dispatch_goes_back(&d, &parts[part], (uint64_t)pos),
                                 d.order == DISPATCH_PARTITION && i >= 0 && i < pos);
        if (i >= 0 && parts[part].open && m->records[i].due > now)
            due = mono_earlier(due, m->records[i].due);
        for (int w = 0; w < WORKERS; w++)
            ck_assert_int_eq(dispatch_supplies(&d, &parts[part], &workers[w], now), expected(part, w));
    }
    ck_assert_int_eq(dispatch_due(&d, now), due);
}

static void
step_hand(void)
{
    enum dispatch_supply supply;
    int w = (int)random_below(WORKERS);
    struct partition *p = dispatch_pick(&d, &workers[w], now, &supply);
    if (!p) {
        for (int part = 0; part < PARTS; part++)
            ck_assert_int_eq(expected(part, w), SUPPLY_NOTHING);
        return;
    }
    int part = (int)(p - parts);
    struct model_part *m = &model[part];
    ck_assert_int_eq(supply, expected(part, w));
    int pos = waiting(m);
    if (supply == SUPPLY_FRESH) {
        if (m->n == MODEL_MAX)
            return;
        pos = m->n++;
        m->records[pos] = (struct model_record){.attempt = 1};
        ck_assert_int_eq(ledger_add(&p->led, pos, NULL, 0, 1), pos);
    } else {
        ck_assert_int_eq(dispatch_waiting(&d, p), pos);
    }
    dispatch_handed(&d, p, (uint64_t)pos, &workers[w]);
    m->records[pos].state = ENTRY_HELD;
    m->records[pos].holder = w;
    ck_assert_uint_eq(ledger_entry(&p->led, (uint64_t)pos)->attempt, m->records[pos].attempt);
}

/* held finds the oldest or youngest record that is held, or any one; -1: none is. */
static int
held(const struct model_part *m, bool oldest, bool any)
{
    int found = -1;
    for (int i = m->base; i < m->n; i++)
        if (m->records[i].state == ENTRY_HELD) {
            found = i;
            if (oldest || (any && random_once_in(3)))
                break;
        }
    return found;
}

static void
give_back(int part, int i)
{
    dispatch_returned(&d, &parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_WAITING;
    model[part].records[i].due = 0;
}

static void
finish(int part, int i)
{
    dispatch_done(&d, &parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_DONE;
}

/* send: finished, and what it sends is on its way: its lane goes on. */
static void
send(int part, int i)
{
    dispatch_sending(&d, &parts[part], (uint64_t)i);
    model[part].records[i].state = ENTRY_SENDING;
}

/* step_confirming: the broker has it, or refused it for good and so a letter is written. */
static void
step_confirming(void)
{
    int part = (int)random_below(PARTS);
    for (int i = model[part].base; i < model[part].n; i++) {
        struct model_record *r = &model[part].records[i];
        if ((r->state != ENTRY_SENDING && r->state != ENTRY_LETTER) || random_once_in(2))
            continue;
        if (r->state == ENTRY_LETTER || !random_once_in(4)) {
            finish(part, i);
            return;
        }
        dispatch_letter(&d, &parts[part], (uint64_t)i);
        r->state = ENTRY_LETTER;
        return;
    }
}

/* go_wrong: with a lane, everything behind the record comes back first. */
static void
go_wrong(int part, int i)
{
    struct model_record *r = &model[part].records[i];
    for (int later; d.order == DISPATCH_PARTITION && (later = held(&model[part], false, false)) > i;)
        give_back(part, later);
    dispatch_lane_returned(&parts[part]);
    if (random_once_in(4)) {
        finish(part, i);
        return;
    }
    r->due = now + random_below(50);
    r->attempt++;
    r->state = ENTRY_WAITING;
    dispatch_retry(&d, &parts[part], (uint64_t)i, r->due);
}

static void
step_held(void)
{
    int part = (int)random_below(PARTS), i;
    bool any = d.order == DISPATCH_NONE;
    switch (random_below(8)) {
    case 0:
        if ((i = held(&model[part], false, any)) >= 0)
            give_back(part, i);
        break;
    case 1:
        if ((i = held(&model[part], !any, any)) >= 0)
            go_wrong(part, i);
        break;
    case 2: /* against the protocol: one in the middle is said to be finished */
        if (random_once_in(10) && (i = held(&model[part], false, true)) >= 0)
            random_once_in(2) ? finish(part, i) : send(part, i);
        break;
    case 3:
    case 4:
        if ((i = held(&model[part], !any, any)) >= 0)
            send(part, i);
        break;
    default:
        if ((i = held(&model[part], !any, any)) >= 0)
            finish(part, i);
    }
}

/* A worker dies: what it holds comes back oldest first. */
static void
step_death(void)
{
    int w = (int)random_below(WORKERS);
    for (int part = 0; part < PARTS; part++)
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
        parts[random_below(PARTS)].open = !random_once_in(4);
        break;
    case 2:
        parts[random_below(PARTS)].more = !random_once_in(4);
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
        setup(random_once_in(2) ? DISPATCH_PARTITION : DISPATCH_NONE, PARTS);
        for (int part = 0; part < PARTS; part++)
            model[part].n = model[part].base = 0;
        now = 0;
        uint32_t steps = 50 + random_below(500);
        for (uint32_t i = 0; i < steps; i++) {
            step();
            compare();
        }
        for (int part = 0; part < PARTS; part++)
            for (int i; (i = held(&model[part], false, false)) >= 0;)
                give_back(part, i);
        teardown();
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
