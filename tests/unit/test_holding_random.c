/* test_holding_random.c - long random runs of three workers, honest ones and such as scribble over their
 * segments.
 *
 * The supervisor's half is included by scribbled.c so that a scribbled_hostile segment can change between any
 * two of its accesses. The workers run the real turn.c. Checked: each item is settled exactly once (what
 * holdings hold is what ledgers say is held, after every step); honest workers begin records in the order of
 * their lanes and none twice; what they send is taken over once for each record, and what a death loses of it
 * is repeated with what its lane finished behind it; whatever was scribbled, the supervisor neither panics
 * nor reads outside, and in the end every record is done. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "tests/unit/lives.h"
#include "tests/unit/random.h"

Suite *holding_random_suite(void);

#define CREDIT 20
#define ATTEMPTS 3

struct life lives[WORKERS];
struct record lives_records[PARTS][RECORDS];
struct dispatch lives_d;

static struct partition parts[PARTS];
static mono_ns now;
static bool honest; /* nothing that was scribbled stands anywhere */
static int deaths;  /* that the supervisor decided on, for what stood on a segment */

/* ---- the supervisor ---- */

static void
ended(void *arg, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    struct record *r = &lives_records[p - parts][pos];
    struct entry *e = ledger_entry(&p->led, pos);
    (void)arg;
    ck_assert_int_eq(e->state, ENTRY_HELD);
    ck_assert(!r->given_up);
    if (ending == ENDING_FINISHED || ending == ENDING_SENT) {
        ck_assert(!r->told);
        ck_assert(!honest || r->finished);
        ck_assert(!honest || (r->unsent > 0) == (ending == ENDING_SENT));
        r->finished = r->told = true;
        r->lied = !honest;
        r->unsent = 0;
        return;
    }
    if (ending == ENDING_FAILED) {
        ck_assert_uint_lt(reason->kind, FAILURE_KINDS);
        ck_assert_uint_lt(strlen(reason->text), REASON_MAX);
        ck_assert(!honest || strcmp(reason->text, "no luck") == 0);
    }
    if (e->attempt < ATTEMPTS) {
        dispatch_retry(&lives_d, p, pos, now + random_below(20));
    } else {
        r->given_up = true;
        dispatch_done(&lives_d, p, pos);
    }
}

static void
birth(struct life *life)
{
    struct scoreboard *sb = life->sb;
    *life = (struct life){.sb = sb};
    memset(sb, 0, scoreboard_size(SLOTS));
    sb->slots = SLOTS;
    holding_init(&life->h, &lives_d, (uint32_t)(life - lives), sb, ended, NULL);
    turn_init(&life->turn, sb);
}

/* read_one enters a record; false: it is kept, for another worker has its lane. */
static bool
read_one(struct life *life, struct partition *p, uint64_t *pos)
{
    *pos = ledger_add(&p->led, (int64_t)p->led.head, NULL, 0, 1);
    p->more = p->led.head < RECORDS;
    const char *key = life_key(*pos);
    dispatch_entered(&lives_d, p, *pos, key, key ? 1 : 0);
    if (dispatch_taker(&lives_d, p, *pos, &life->h.seat) == &life->h.seat)
        return true;
    dispatch_kept(&lives_d, p, *pos);
    return false;
}

static bool
put(struct life *life, struct holding_frame *f)
{
    enum dispatch_supply supply;
    struct message *m = &life->pipe[life->n_pipe];
    struct partition *p = dispatch_pick(&lives_d, &life->h.seat, now, &supply);
    if (!p)
        return false;
    uint64_t pos;
    if (supply == SUPPLY_WAITING) {
        pos = dispatch_waiting(&lives_d, p, &life->h.seat, now);
        if (!holding_admits(&life->h, f, ledger_entry(&p->led, pos)))
            return false;
    } else if (!read_one(life, p, &pos)) {
        return true;
    }
    m->records[f->n].part = (uint32_t)(p - parts);
    m->records[f->n].pos = pos;
    dispatch_stamp(&lives_d, p, pos, &m->records[f->n].lane, &m->records[f->n].epoch);
    holding_put(&life->h, f, p, pos);
    return !holding_full(&life->h, f);
}

static void
hand(struct life *life)
{
    uint32_t room = holding_room(&life->h, CREDIT);
    if (room == 0 || life->doomed)
        return;
    uint32_t want = 1 + random_below(room < FRAME ? room : FRAME);
    struct holding_frame *f = holding_open(&life->h, want);
    while (f->n < want && put(life, f))
        ;
    if (f->n == 0) {
        holding_drop(&life->h, f);
        return;
    }
    struct message *m = &life->pipe[life->n_pipe++];
    ck_assert_uint_le(life->n_pipe, HOLDING_FRAMES + scribbled_hostile);
    m->first = f->first;
    m->n = f->n;
    m->handled = life->h.handled;
    holding_close(&life->h, f, f->n);
    if (life->n_pipe > HOLDING_FRAMES) /* a worker that does not say the truth about its frames */
        life->n_pipe--;
}

static void
settle(struct life *life)
{
    const char *wrong = holding_settle(&life->h);
    if (wrong && honest)
        ck_abort_msg("an honest worker is said to be wrong: %s", wrong);
    life->doomed |= wrong != NULL;
}

/* receive takes the oldest frame of sends off the pipe. */
static void
receive(struct life *life)
{
    if (life->n_up == 0)
        return;
    struct sends sends = life->up[0];
    memmove(&life->up[0], &life->up[1], --life->n_up * sizeof sends);
    const char *wrong = holding_received(&life->h, sends.item, sends.n);
    if (wrong && honest)
        ck_abort_msg("an honest worker is said to be wrong: %s", wrong);
    life->doomed |= wrong != NULL;
    for (uint32_t i = 0; i < sends.n; i++)
        if (sends.item[i].part)
            ck_assert_int_eq(ledger_entry(&sends.item[i].part->led, sends.item[i].pos)->state, ENTRY_SENDING);
        else
            ck_assert(!honest);
}

/* confirm: the broker has what some record sends, or refuses it for good. */
static void
confirm(void)
{
    int part = (int)random_below(PARTS);
    for (uint64_t pos = parts[part].led.base; pos < parts[part].led.head; pos++) {
        uint8_t state = ledger_entry(&parts[part].led, pos)->state;
        if ((state != ENTRY_SENDING && state != ENTRY_LETTER) || random_once_in(2))
            continue;
        if (state == ENTRY_SENDING && random_once_in(8))
            dispatch_letter(&lives_d, &parts[part], pos);
        else
            dispatch_done(&lives_d, &parts[part], pos);
        return;
    }
}

static bool
is_lost(const struct life *life, int part, int pos)
{
    for (int i = 0; i <= pos; i++)
        if (lives_records[part][i].unsent == life - lives + 1 &&
            (i == pos || life_same((uint64_t)i, (uint64_t)pos)))
            return true;
    return false;
}

/* lose: what had not been received is lost, and with it what its lanes finished behind it. */
static void
lose(const struct life *life)
{
    for (int part = 0; part < PARTS; part++)
        for (int pos = RECORDS; pos-- > 0;) { /* what decides about one stands before it */
            struct record *r = &lives_records[part][pos];
            if (!r->finished || !is_lost(life, part, pos))
                continue;
            ck_assert(r->lied || !r->told);
            r->finished = r->told;
            r->unsent = 0;
        }
}

static void
kill_worker(struct life *life)
{
    deaths += life->doomed;
    life->n_up = random_below(life->n_up + 1); /* the rest was not on the wire yet */
    while (life->n_up > 0)
        receive(life);
    lose(life);
    if (random_once_in(2))
        settle(life);
    holding_bury(&life->h, random_once_in(2));
    ck_assert_uint_eq(life->h.unsettled, 0);
    for (int part = 0; part < PARTS; part++)
        for (int pos = 0; pos < RECORDS; pos++)
            if (lives_records[part][pos].on == life - lives + 1)
                lives_records[part][pos].on = 0;
    birth(life);
}

/* ---- a run ---- */

static void
compare(void)
{
    uint64_t held = 0, unsettled = 0;
    for (int part = 0; part < PARTS; part++) {
        held += parts[part].led.held;
        uint64_t holds = 0;
        for (int w = 0; w < WORKERS; w++)
            holds += holding_holds(&lives[w].h, &parts[part]);
        ck_assert_uint_eq(parts[part].led.held, holds);
    }
    for (int w = 0; w < WORKERS; w++)
        unsettled += lives[w].h.unsettled;
    ck_assert_uint_eq(held, unsettled);
}

static void
step(void)
{
    struct life *life = &lives[random_below(WORKERS)];
    switch (random_below(20)) {
    case 0:
    case 1:
        hand(life);
        break;
    case 2:
    case 3:
        settle(life);
        break;
    case 4:
        if (random_once_in(5))
            holding_withdraw(&life->h, random_once_in(2) ? &parts[random_below(PARTS)] : NULL);
        break;
    case 5:
        if (random_once_in(life->doomed ? 2 : 30))
            kill_worker(life);
        break;
    case 6:
        now += random_below(10);
        break;
    case 7:
    case 8:
        receive(life);
        break;
    case 9:
        confirm();
        break;
    default:
        life_work(life);
    }
    if (scribbled_hostile && random_once_in(2))
        scribble();
    if (random_once_in(8))
        compare();
}

static void
kill_all(void)
{
    for (int w = 0; w < WORKERS; w++)
        kill_worker(&lives[w]);
    compare();
}

static bool
all_done(void)
{
    for (int part = 0; part < PARTS; part++)
        if (parts[part].led.base < RECORDS)
            return false;
    return true;
}

static const enum dispatch_order orders[] = {DISPATCH_PARTITION, DISPATCH_NONE, DISPATCH_KEY};

static void
begin_run(enum dispatch_order order)
{
    dispatch_init(&lives_d, order, 100, UINT64_MAX, 1);
    memset(parts, 0, sizeof parts);
    memset(lives_records, 0, sizeof lives_records);
    now = 0;
    for (int i = 0; i < PARTS; i++) {
        dispatch_add(&lives_d, &parts[i], NULL);
        parts[i].open = parts[i].more = true;
    }
    for (int w = 0; w < WORKERS; w++) {
        /* of its exact size, so that a step too far is seen */
        scribbled[w] = lives[w].sb = mem_alloc(scoreboard_size(SLOTS));
        birth(&lives[w]);
    }
}

static void
end_run(void)
{
    for (int part = 0; part < PARTS; part++)
        for (int pos = 0; pos < RECORDS; pos++)
            ck_assert(lives_records[part][pos].finished || lives_records[part][pos].given_up);
    for (int w = 0; w < WORKERS; w++) {
        holding_clear(&lives[w].h);
        free(lives[w].sb);
    }
    while (lives_d.n_parts > 0)
        dispatch_remove(&lives_d, lives_d.parts[0]);
    dispatch_clear(&lives_d);
}

START_TEST(test_holding_random_honest)
{
    random_start("holding honest");
    scribbled_hostile = false;
    honest = true;
    for (int run = 0; run < 100; run++) {
        begin_run(orders[run % 3]);
        int steps = 0;
        while (!all_done()) {
            step();
            ck_assert_int_lt(++steps, 1000000);
        }
        end_run();
    }
}
END_TEST

/* The scribblers are killed in the end, and honest workers do what is left. */
START_TEST(test_holding_random_hostile)
{
    random_start("holding hostile");
    for (int run = 0; run < 200; run++) {
        begin_run(orders[run % 3]);
        scribbled_hostile = true;
        honest = false;
        for (uint32_t i = 0, steps = random_below(1500); i < steps; i++)
            step();
        kill_all();
        scribbled_hostile = false;
        kill_all(); /* those, too, that were scribbled over while the others were buried */
        honest = true;
        for (int steps = 0; !all_done(); steps++) {
            step();
            ck_assert_int_lt(steps, 1000000);
        }
        end_run();
    }
    ck_assert_int_gt(deaths, 100); /* or nothing was scribbled that matters */
}
END_TEST

Suite *
holding_random_suite(void)
{
    Suite *suite = suite_create("holding_random");
    TCase *tc = tcase_create("holding_random");
    tcase_add_test(tc, test_holding_random_honest);
    tcase_add_test(tc, test_holding_random_hostile);
    suite_add_tcase(suite, tc);
    return suite;
}
