/* test_dispatch.c - order, lanes and turns, at their edges.
 *
 * Workers are only addresses here. What they do is what holding.c lets through: a lane comes back youngest first. */
#include <check.h>
#include <signal.h>
#include <string.h>

#include "supervisor/dispatch.h"

Suite *dispatch_suite(void);

#define PARTS 4
#define WORKERS 3
#define WINDOW 12

static char topic[] = "logs";

static struct dispatch d;
static struct partition parts[PARTS];
static const struct seat workers[WORKERS] = {{0}, {1}, {2}};

static void
setup(enum dispatch_order order, int n)
{
    dispatch_init(&d, order, WINDOW, UINT64_MAX, 1);
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

/* hand hands out what there is; returns the position, -1: nothing. */
static int
hand(struct partition *p, int w)
{
    uint64_t pos;
    switch (dispatch_supplies(&d, p, &workers[w], 0)) {
    case SUPPLY_WAITING:
        pos = dispatch_waiting(&d, p, &workers[w], 0);
        break;
    case SUPPLY_FRESH:
        pos = ledger_add(&p->led, (int64_t)p->led.head, NULL, 0, 1);
        break;
    default:
        return -1;
    }
    dispatch_handed(&d, p, pos, &workers[w]);
    return (int)pos;
}

/* ---- edges ---- */

START_TEST(test_dispatch_without_partitions_has_nothing)
{
    enum dispatch_supply supply;
    setup(DISPATCH_PARTITION, 0);
    ck_assert_ptr_null(dispatch_pick(&d, &workers[0], 0, &supply));
    ck_assert_int_eq(dispatch_due(&d, 0), MONO_NEVER);
    teardown();
}
END_TEST

START_TEST(test_dispatch_takes_turns)
{
    enum dispatch_supply supply;
    setup(DISPATCH_NONE, 3);
    for (int i = 0; i < 9; i++) {
        ck_assert_ptr_eq(dispatch_pick(&d, &workers[0], 0, &supply), &parts[i % 3]);
        ck_assert_int_eq(supply, SUPPLY_FRESH);
    }
    parts[1].open = false;
    ck_assert_ptr_eq(dispatch_pick(&d, &workers[0], 0, &supply), &parts[0]);
    ck_assert_ptr_eq(dispatch_pick(&d, &workers[0], 0, &supply), &parts[2]);
    teardown();
}
END_TEST

START_TEST(test_dispatch_lane_stays_with_its_worker)
{
    setup(DISPATCH_PARTITION, 1);
    ck_assert_int_eq(hand(&parts[0], 0), 0);
    ck_assert_int_eq(hand(&parts[0], 1), -1);
    ck_assert_int_eq(hand(&parts[0], 0), 1);
    dispatch_done(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 1), -1);
    dispatch_returned(&d, &parts[0], 1);
    ck_assert_int_eq(hand(&parts[0], 1), 1);
    dispatch_done(&d, &parts[0], 1);
    teardown();
}
END_TEST

START_TEST(test_dispatch_without_order_goes_anywhere)
{
    setup(DISPATCH_NONE, 1);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(hand(&parts[0], i % WORKERS), i);
    dispatch_returned(&d, &parts[0], 4);
    dispatch_returned(&d, &parts[0], 1);
    ck_assert_int_eq(hand(&parts[0], 2), 1);
    ck_assert_int_eq(hand(&parts[0], 2), 4);
    ck_assert_int_eq(hand(&parts[0], 2), 6);
    for (uint64_t i = 0; i < 7; i++)
        dispatch_done(&d, &parts[0], i);
    teardown();
}
END_TEST

START_TEST(test_dispatch_retry_holds_up_its_own_lane)
{
    enum dispatch_supply supply;
    setup(DISPATCH_PARTITION, 2);
    hand(&parts[0], 0);
    dispatch_retry(&d, &parts[0], 0, 100);
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 99), SUPPLY_NOTHING);
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 100), SUPPLY_WAITING);
    ck_assert_ptr_eq(dispatch_pick(&d, &workers[0], 99, &supply), &parts[1]);
    ck_assert_ptr_eq(dispatch_pick(&d, &workers[0], 99, &supply), &parts[1]);
    ck_assert_int_eq(dispatch_due(&d, 99), 100);
    ck_assert_int_eq(dispatch_due(&d, 100), MONO_NEVER);
    parts[0].open = false;
    ck_assert_int_eq(dispatch_due(&d, 99), MONO_NEVER);
    teardown();
}
END_TEST

START_TEST(test_dispatch_retry_without_order_lets_others_pass)
{
    setup(DISPATCH_NONE, 1);
    hand(&parts[0], 0);
    dispatch_retry(&d, &parts[0], 0, 100);
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 99), SUPPLY_FRESH);
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 100), SUPPLY_WAITING);
    for (int i = 1; i < WINDOW; i++) /* but up to the window only */
        ck_assert_int_eq(hand(&parts[0], 0), i);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    for (uint64_t i = 1; i < WINDOW; i++)
        dispatch_done(&d, &parts[0], i);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    dispatch_done(&d, &parts[0], 0);
    teardown();
}
END_TEST

START_TEST(test_dispatch_closed_partition_gives_nothing)
{
    setup(DISPATCH_PARTITION, 1);
    hand(&parts[0], 0);
    dispatch_returned(&d, &parts[0], 0);
    parts[0].open = false;
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    parts[0].open = true;
    parts[0].more = false;
    ck_assert_int_eq(hand(&parts[0], 0), 0);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    dispatch_done(&d, &parts[0], 0);
    teardown();
}
END_TEST

/* A record that sends holds up nothing: its lane goes on, to another worker, too. */
START_TEST(test_dispatch_sending_lets_its_lane_go_on)
{
    setup(DISPATCH_PARTITION, 1);
    hand(&parts[0], 0);
    hand(&parts[0], 0);
    dispatch_sending(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 1), -1); /* the next one is held */
    dispatch_sending(&d, &parts[0], 1);
    ck_assert_int_eq(hand(&parts[0], 1), 2);
    ck_assert_int_eq(ledger_commit_point(&parts[0].led), 0);
    dispatch_done(&d, &parts[0], 1);
    dispatch_done(&d, &parts[0], 0);
    ck_assert_int_eq(ledger_commit_point(&parts[0].led), 2);
    dispatch_done(&d, &parts[0], 2);
    teardown();
}
END_TEST

/* One that is refused for good is never handed out again; its lane waits for the letter as it does for any. */
START_TEST(test_dispatch_refused_is_a_letter)
{
    setup(DISPATCH_PARTITION, 1);
    hand(&parts[0], 0);
    hand(&parts[0], 0);
    dispatch_sending(&d, &parts[0], 0);
    dispatch_letter(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    dispatch_returned(&d, &parts[0], 1);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    dispatch_done(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 0), 1);
    dispatch_done(&d, &parts[0], 1);
    teardown();
}
END_TEST

/* Where a task stops at it, a refused record stays: it is the next one of its lane. */
START_TEST(test_dispatch_refused_can_stay)
{
    setup(DISPATCH_PARTITION, 1);
    hand(&parts[0], 0);
    hand(&parts[0], 0);
    dispatch_sending(&d, &parts[0], 0);
    ck_assert(!dispatch_goes_back(&d, &parts[0], 1));
    dispatch_returned(&d, &parts[0], 0);
    ck_assert_uint_eq(dispatch_waiting(&d, &parts[0], &workers[0], 0), 0);
    ck_assert(dispatch_goes_back(&d, &parts[0], 1));
    ck_assert_int_eq(ledger_commit_point(&parts[0].led), 0);
    dispatch_returned(&d, &parts[0], 1);
    ck_assert_uint_eq(dispatch_waiting(&d, &parts[0], &workers[0], 0), 0);
    teardown();
}
END_TEST

/* Only a worker that lies can be ahead of its lane; what it sends is not handed out all the same. */
START_TEST(test_dispatch_sending_out_of_order_is_passed_over)
{
    setup(DISPATCH_PARTITION, 1);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(hand(&parts[0], 0), i);
    dispatch_sending(&d, &parts[0], 1);
    dispatch_sending(&d, &parts[0], 2);
    dispatch_returned(&d, &parts[0], 0);
    dispatch_returned(&d, &parts[0], 3);
    ck_assert_int_eq(hand(&parts[0], 1), 0);
    ck_assert_int_eq(hand(&parts[0], 1), 3);
    for (uint64_t i = 0; i < 4; i++)
        dispatch_done(&d, &parts[0], i);
    teardown();
}
END_TEST

/* Without order nothing is repeated for another record's sake. */
START_TEST(test_dispatch_goes_back_only_in_a_lane)
{
    setup(DISPATCH_NONE, 1);
    hand(&parts[0], 0);
    hand(&parts[0], 0);
    dispatch_returned(&d, &parts[0], 0);
    ck_assert(!dispatch_goes_back(&d, &parts[0], 1));
    dispatch_done(&d, &parts[0], 1);
    teardown();
}
END_TEST

START_TEST(test_dispatch_single_waits_for_what_is_sent)
{
    setup(DISPATCH_PARTITION, 1);
    parts[0].single = parts[0].permitted = true;
    ck_assert_int_eq(hand(&parts[0], 0), 0);
    dispatch_sending(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    dispatch_done(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 0), 1);
    dispatch_done(&d, &parts[0], 1);
    teardown();
}
END_TEST

/* Singly, with any order, the record at the commit point goes, also where another one is due sooner. */
START_TEST(test_dispatch_singly_in_place)
{
    setup(_i == 0 ? DISPATCH_NONE : DISPATCH_KEY, 1);
    parts[0].single = parts[0].permitted = true;
    for (int i = 0; i < 2; i++) {
        uint64_t pos = ledger_add(&parts[0].led, i, NULL, 0, 1);
        dispatch_entered(&d, &parts[0], pos, NULL, 0);
        dispatch_kept(&d, &parts[0], pos);
    }
    ledger_entry(&parts[0].led, 0)->due = 10;
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 9), SUPPLY_NOTHING);
    ck_assert_int_eq(dispatch_due(&d, 9), 10);
    ck_assert_uint_eq(dispatch_waiting(&d, &parts[0], &workers[0], 10), 0);
    ledger_entry(&parts[0].led, 0)->due = 0;
    ck_assert_int_eq(hand(&parts[0], 0), 0);
    dispatch_done(&d, &parts[0], 0);
    ck_assert_int_eq(hand(&parts[0], 0), 1);
    dispatch_done(&d, &parts[0], 1);
    ck_assert_int_eq(dispatch_supplies(&d, &parts[0], &workers[0], 0), SUPPLY_FRESH);
    teardown();
}
END_TEST

/* The app holds enough, or what is done is not committed: nothing is read. */
START_TEST(test_dispatch_reads_no_further)
{
    setup(DISPATCH_NONE, 1);
    d.full = true;
    ck_assert_int_eq(hand(&parts[0], 0), 0); /* one is always admitted */
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    d.full = false;
    ck_assert_int_eq(hand(&parts[0], 0), 1);
    ck_assert_uint_eq(dispatch_bytes(&d), 2);
    parts[0].confirms = true;
    for (uint64_t i = 0; i < WINDOW; i++) {
        if (i >= 2)
            ck_assert_int_eq(hand(&parts[0], 0), (int)i);
        dispatch_done(&d, &parts[0], i);
    }
    ck_assert_int_eq(hand(&parts[0], 0), -1);
    ck_assert(!dispatch_has(&d, &workers[0], 0));
    parts[0].confirmed = 1;
    ck_assert(dispatch_has(&d, &workers[0], 0));
    teardown();
}
END_TEST

START_TEST(test_dispatch_has_a_suspect)
{
    setup(DISPATCH_PARTITION, 2);
    hand(&parts[1], 0);
    ledger_entry(&parts[1].led, 0)->suspect = 1;
    ck_assert(!dispatch_has_suspect(&d, &workers[0], 0));
    dispatch_returned(&d, &parts[1], 0);
    ck_assert(dispatch_has_suspect(&d, &workers[0], 0));
    teardown();
}
END_TEST

START_TEST(test_dispatch_lanes_are_never_used_twice)
{
    setup(DISPATCH_PARTITION, 2);
    uint32_t first = parts[0].lane.number, second = parts[1].lane.number;
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(second, first);
    dispatch_remove(&d, &parts[0]);
    dispatch_add(&d, &parts[0], NULL);
    ck_assert_uint_ne(parts[0].lane.number, first);
    ck_assert_uint_ne(parts[0].lane.number, second);
    d.last_lane = UINT32_MAX;
    dispatch_remove(&d, &parts[0]);
    dispatch_add(&d, &parts[0], NULL);
    ck_assert_uint_ne(parts[0].lane.number, 0); /* that means none */
    ck_assert_ptr_eq(dispatch_lane(&d, &parts[0], 0), &parts[0].lane);
    d.order = DISPATCH_NONE;
    ck_assert_ptr_null(dispatch_lane(&d, &parts[0], 0));
    teardown();
}
END_TEST

START_TEST(test_dispatch_misuse_panics)
{
    setup(DISPATCH_PARTITION, 1);
    hand(&parts[0], 0);
    ledger_add(&parts[0].led, 1, NULL, 0, 1);
    ledger_add(&parts[0].led, 2, NULL, 0, 1);
    switch (_i) {
    case 0:
        dispatch_handed(&d, &parts[0], 1, &workers[1]); /* a second worker */
        break;
    case 1:
        dispatch_handed(&d, &parts[0], 2, &workers[0]); /* not the next one */
        break;
    case 2:
        dispatch_remove(&d, &parts[0]); /* held */
        break;
    case 3:
        dispatch_returned(&d, &parts[0], 1); /* not held */
        break;
    case 4:
        dispatch_sending(&d, &parts[0], 1); /* not held */
        break;
    }
}
END_TEST

Suite *
dispatch_suite(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *tc = tcase_create("dispatch");
    tcase_add_test(tc, test_dispatch_without_partitions_has_nothing);
    tcase_add_test(tc, test_dispatch_takes_turns);
    tcase_add_test(tc, test_dispatch_lane_stays_with_its_worker);
    tcase_add_test(tc, test_dispatch_without_order_goes_anywhere);
    tcase_add_test(tc, test_dispatch_retry_holds_up_its_own_lane);
    tcase_add_test(tc, test_dispatch_retry_without_order_lets_others_pass);
    tcase_add_test(tc, test_dispatch_closed_partition_gives_nothing);
    tcase_add_test(tc, test_dispatch_sending_lets_its_lane_go_on);
    tcase_add_test(tc, test_dispatch_refused_is_a_letter);
    tcase_add_test(tc, test_dispatch_refused_can_stay);
    tcase_add_test(tc, test_dispatch_sending_out_of_order_is_passed_over);
    tcase_add_test(tc, test_dispatch_goes_back_only_in_a_lane);
    tcase_add_test(tc, test_dispatch_single_waits_for_what_is_sent);
    tcase_add_loop_test(tc, test_dispatch_singly_in_place, 0, 2);
    tcase_add_test(tc, test_dispatch_reads_no_further);
    tcase_add_test(tc, test_dispatch_has_a_suspect);
    tcase_add_test(tc, test_dispatch_lanes_are_never_used_twice);
    tcase_add_loop_test_raise_signal(tc, test_dispatch_misuse_panics, SIGABRT, 0, 5);
    suite_add_tcase(suite, tc);
    return suite;
}
