/* test_ledger_random.c - the ledger against a plain array of offsets and states. */
#include <check.h>
#include <string.h>

#include "supervisor/ledger.h"
#include "tests/unit/random.h"

Suite *ledger_random_suite(void);

static struct ledger led;

static void
release(void *body)
{
    ++*(int *)body;
}

#define MODEL_MAX 5000

struct model_entry {
    int64_t offset, due;
    uint32_t bytes, attempt;
    uint8_t state;
    bool lettered; /* done by a letter */
    int body;      /* how often it was released */
};

static struct {
    struct model_entry entries[MODEL_MAX];
    uint32_t n;
    int64_t position;
} model;

static void
model_add(void)
{
    struct model_entry *e = &model.entries[model.n];
    int64_t gap = random_once_in(10) ? random_below(1000) : 0;
    int64_t offset = (model.position < 0 ? 0 : model.position) + gap;
    if (random_once_in(200))
        offset = random_below(100); /* truncated */
    *e = (struct model_entry){.offset = offset, .bytes = random_below(1000), .attempt = 1};
    ck_assert_uint_eq(ledger_add(&led, offset, &e->body, model.n, e->bytes), model.n);
    model.n++;
    model.position = offset + 1;
}

/* pick returns a random entry in the state, or -1. */
static int
pick(enum entry_state state)
{
    uint32_t window = model.n < 200 ? model.n : 200;
    for (int tries = 0; tries < 20 && window > 0; tries++) {
        uint32_t i = model.n - 1 - random_below(window);
        if (model.entries[i].state == state)
            return (int)i;
    }
    for (uint32_t i = 0; i < model.n; i++) /* so that the oldest end, too */
        if (model.entries[i].state == state)
            return (int)i;
    return -1;
}

static void
step_held(int i)
{
    switch (random_below(5)) {
    case 0:
        ledger_take_back(&led, (uint64_t)i);
        model.entries[i].state = ENTRY_WAITING;
        model.entries[i].due = 0;
        break;
    case 1:
        model.entries[i].due = random_below(1000);
        ledger_retry(&led, (uint64_t)i, model.entries[i].due);
        model.entries[i].state = ENTRY_WAITING;
        model.entries[i].attempt++;
        break;
    case 2:
        ledger_done(&led, (uint64_t)i);
        model.entries[i].state = ENTRY_DONE;
        break;
    case 3:
        ledger_sending(&led, (uint64_t)i);
        model.entries[i].state = ENTRY_SENDING;
        break;
    case 4:
        ledger_letter(&led, (uint64_t)i);
        model.entries[i].state = ENTRY_LETTER;
        break;
    }
}

/* step_confirming: what waits for the broker is confirmed, refused, or stays. */
static void
step_confirming(int i)
{
    struct model_entry *e = &model.entries[i];
    if (e->state == ENTRY_SENDING && random_once_in(4)) {
        ledger_letter(&led, (uint64_t)i);
        e->state = ENTRY_LETTER;
    } else if (e->state == ENTRY_SENDING && random_once_in(4)) {
        ledger_take_back(&led, (uint64_t)i);
        e->state = ENTRY_WAITING;
        e->due = 0;
    } else {
        e->lettered = e->state == ENTRY_LETTER;
        ledger_done(&led, (uint64_t)i);
        e->state = ENTRY_DONE;
    }
}

static void
step(void)
{
    int i;
    switch (random_below(6)) {
    case 0:
        if (model.n < MODEL_MAX)
            model_add();
        break;
    case 1:
        if ((i = pick(ENTRY_WAITING)) >= 0) {
            ledger_hand(&led, (uint64_t)i);
            model.entries[i].state = ENTRY_HELD;
        }
        break;
    case 2:
        if (random_once_in(5) && (i = pick(ENTRY_WAITING)) >= 0) {
            ledger_done(&led, (uint64_t)i);
            model.entries[i].state = ENTRY_DONE;
        }
        break;
    case 3:
        if ((i = pick(ENTRY_HELD)) >= 0)
            step_held(i);
        break;
    case 4:
        if (random_once_in(20)) {
            int64_t to = model.position + random_below(20) - 5;
            ledger_reach(&led, to);
            model.position = to > model.position ? to : model.position;
        }
        break;
    case 5:
        if ((i = pick(random_once_in(2) ? ENTRY_SENDING : ENTRY_LETTER)) >= 0)
            step_confirming(i);
        break;
    }
}

static void
compare(void)
{
    uint64_t held = 0, sending = 0, letters = 0, bytes = 0, base = model.n, lettered = 0;
    for (uint32_t i = model.n; i-- > 0;) {
        const struct model_entry *m = &model.entries[i];
        if (m->body != (m->state == ENTRY_DONE))
            ck_abort_msg("record %u in state %d was released %d times", i, m->state, m->body);
        held += m->state == ENTRY_HELD;
        sending += m->state == ENTRY_SENDING;
        letters += m->state == ENTRY_LETTER;
        bytes += m->state == ENTRY_DONE ? 0 : m->bytes;
        if (m->state != ENTRY_DONE)
            base = i;
    }
    ck_assert_uint_eq(led.base, base);
    ck_assert_uint_eq(led.head, model.n);
    for (uint32_t i = 0; i < base; i++)
        lettered = model.entries[i].lettered ? i + 1 : lettered;
    ck_assert_uint_eq(led.lettered, lettered);
    ck_assert_uint_eq(led.held, held);
    ck_assert_uint_eq(led.sending, sending);
    ck_assert_uint_eq(led.letters, letters);
    ck_assert_uint_eq(led.bytes, bytes);
    ck_assert_int_eq(ledger_commit_point(&led), base < model.n ? model.entries[base].offset : model.position);
    for (uint64_t i = base; i < model.n; i++) {
        const struct entry *e = ledger_entry(&led, i);
        ck_assert_int_eq(e->offset, model.entries[i].offset);
        ck_assert_int_eq(e->state, model.entries[i].state);
        ck_assert_uint_eq(e->attempt, model.entries[i].attempt);
        ck_assert_uint_eq(e->at, i);
        if (e->state == ENTRY_WAITING)
            ck_assert_int_eq(e->due, model.entries[i].due);
    }
}

START_TEST(test_ledger_random)
{
    random_start("ledger");
    for (int run = 0; run < 600; run++) {
        ledger_init(&led, release);
        memset(&model, 0, sizeof(model.entries[0]) * model.n);
        model.n = 0;
        model.position = -1;
        uint32_t steps = random_once_in(200) ? 4000 : random_below(300);
        for (uint32_t i = 0; i < steps; i++) {
            step();
            if (i + 1 == steps || random_once_in(64))
                compare();
        }
        ledger_clear(&led);
    }
}
END_TEST

Suite *
ledger_random_suite(void)
{
    Suite *suite = suite_create("ledger_random");
    TCase *tc = tcase_create("ledger_random");
    tcase_add_test(tc, test_ledger_random);
    suite_add_tcase(suite, tc);
    return suite;
}
