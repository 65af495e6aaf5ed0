/* test_dispatch.c - order, lanes and turns, at their edges. */
#include <check.h>
#include <signal.h>
#include <string.h>

#include "tests/unit/turns.h"

Suite *dispatch_suite(void);

START_TEST(test_dispatch_without_partitions_has_nothing)
{
    enum dispatch_supply supply;
    turns_begin(DISPATCH_PARTITION, 0);
    ck_assert_ptr_null(dispatch_pick(&turns, &turns_workers[0], 0, &supply));
    ck_assert_int_eq(dispatch_due(&turns, 0), MONO_NEVER);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_takes_turns)
{
    enum dispatch_supply supply;
    turns_begin(DISPATCH_NONE, 3);
    for (int i = 0; i < 9; i++) {
        ck_assert_ptr_eq(dispatch_pick(&turns, &turns_workers[0], 0, &supply), &turns_parts[i % 3]);
        ck_assert_int_eq(supply, SUPPLY_FRESH);
    }
    turns_parts[1].open = false;
    ck_assert_ptr_eq(dispatch_pick(&turns, &turns_workers[0], 0, &supply), &turns_parts[0]);
    ck_assert_ptr_eq(dispatch_pick(&turns, &turns_workers[0], 0, &supply), &turns_parts[2]);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_lane_stays_with_its_worker)
{
    turns_begin(DISPATCH_PARTITION, 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), -1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 1);
    dispatch_done(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), -1);
    dispatch_returned(&turns, &turns_parts[0], 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), 1);
    dispatch_done(&turns, &turns_parts[0], 1);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_without_order_goes_anywhere)
{
    turns_begin(DISPATCH_NONE, 1);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(turns_hand(&turns_parts[0], i % TURNS_WORKERS), i);
    dispatch_returned(&turns, &turns_parts[0], 4);
    dispatch_returned(&turns, &turns_parts[0], 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 2), 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 2), 4);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 2), 6);
    for (uint64_t i = 0; i < 7; i++)
        dispatch_done(&turns, &turns_parts[0], i);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_retry_holds_up_its_own_lane)
{
    enum dispatch_supply supply;
    turns_begin(DISPATCH_PARTITION, 2);
    turns_hand(&turns_parts[0], 0);
    dispatch_retry(&turns, &turns_parts[0], 0, 100);
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 99), SUPPLY_NOTHING);
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 100), SUPPLY_WAITING);
    ck_assert_ptr_eq(dispatch_pick(&turns, &turns_workers[0], 99, &supply), &turns_parts[1]);
    ck_assert_ptr_eq(dispatch_pick(&turns, &turns_workers[0], 99, &supply), &turns_parts[1]);
    ck_assert_int_eq(dispatch_due(&turns, 99), 100);
    ck_assert_int_eq(dispatch_due(&turns, 100), MONO_NEVER);
    turns_parts[0].open = false;
    ck_assert_int_eq(dispatch_due(&turns, 99), MONO_NEVER);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_retry_without_order_lets_others_pass)
{
    turns_begin(DISPATCH_NONE, 1);
    turns_hand(&turns_parts[0], 0);
    dispatch_retry(&turns, &turns_parts[0], 0, 100);
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 99), SUPPLY_FRESH);
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 100), SUPPLY_WAITING);
    for (int i = 1; i < TURNS_WINDOW; i++) /* but up to the window only */
        ck_assert_int_eq(turns_hand(&turns_parts[0], 0), i);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    for (uint64_t i = 1; i < TURNS_WINDOW; i++)
        dispatch_done(&turns, &turns_parts[0], i);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    dispatch_done(&turns, &turns_parts[0], 0);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_closed_partition_gives_nothing)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_hand(&turns_parts[0], 0);
    dispatch_returned(&turns, &turns_parts[0], 0);
    turns_parts[0].open = false;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    turns_parts[0].open = true;
    turns_parts[0].more = false;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    dispatch_done(&turns, &turns_parts[0], 0);
    turns_end();
}
END_TEST

START_TEST(test_dispatch_single_waits_for_what_is_sent)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_parts[0].single = turns_parts[0].permitted = true;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 0);
    dispatch_sending(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    dispatch_done(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 1);
    dispatch_done(&turns, &turns_parts[0], 1);
    turns_end();
}
END_TEST

/* Singly, with any order, the record at the commit point goes, also where another one is due sooner. */
START_TEST(test_dispatch_singly_in_place)
{
    turns_begin(_i == 0 ? DISPATCH_NONE : DISPATCH_KEY, 1);
    turns_parts[0].single = turns_parts[0].permitted = true;
    for (int i = 0; i < 2; i++) {
        uint64_t pos = ledger_add(&turns_parts[0].led, i, NULL, 0, 1);
        dispatch_entered(&turns, &turns_parts[0], pos, NULL, 0);
        dispatch_kept(&turns, &turns_parts[0], pos);
    }
    ledger_entry(&turns_parts[0].led, 0)->due = 10;
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 9), SUPPLY_NOTHING);
    ck_assert_int_eq(dispatch_due(&turns, 9), 10);
    ck_assert_uint_eq(dispatch_waiting(&turns, &turns_parts[0], &turns_workers[0], 10), 0);
    ledger_entry(&turns_parts[0].led, 0)->due = 0;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 0);
    dispatch_done(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 1);
    dispatch_done(&turns, &turns_parts[0], 1);
    ck_assert_int_eq(dispatch_supplies(&turns, &turns_parts[0], &turns_workers[0], 0), SUPPLY_FRESH);
    turns_end();
}
END_TEST

/* The app holds enough, or what is done is not committed: nothing is read. */
START_TEST(test_dispatch_reads_no_further)
{
    turns_begin(DISPATCH_NONE, 1);
    turns.full = true;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 0); /* one is always admitted */
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    turns.full = false;
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 1);
    ck_assert_uint_eq(dispatch_bytes(&turns), 2);
    turns_parts[0].confirms = true;
    for (uint64_t i = 0; i < TURNS_WINDOW; i++) {
        if (i >= 2)
            ck_assert_int_eq(turns_hand(&turns_parts[0], 0), (int)i);
        dispatch_done(&turns, &turns_parts[0], i);
    }
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    ck_assert(!dispatch_has(&turns, &turns_workers[0], 0));
    turns_parts[0].confirmed = 1;
    ck_assert(dispatch_has(&turns, &turns_workers[0], 0));
    turns_end();
}
END_TEST

START_TEST(test_dispatch_has_a_suspect)
{
    turns_begin(DISPATCH_PARTITION, 2);
    turns_hand(&turns_parts[1], 0);
    ledger_entry(&turns_parts[1].led, 0)->suspect = 1;
    ck_assert(!dispatch_has_suspect(&turns, &turns_workers[0], 0));
    dispatch_returned(&turns, &turns_parts[1], 0);
    ck_assert(dispatch_has_suspect(&turns, &turns_workers[0], 0));
    turns_end();
}
END_TEST

START_TEST(test_dispatch_lanes_are_never_used_twice)
{
    turns_begin(DISPATCH_PARTITION, 2);
    uint32_t first = turns_parts[0].lane.number, second = turns_parts[1].lane.number;
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(second, first);
    dispatch_remove(&turns, &turns_parts[0]);
    dispatch_add(&turns, &turns_parts[0], NULL);
    ck_assert_uint_ne(turns_parts[0].lane.number, first);
    ck_assert_uint_ne(turns_parts[0].lane.number, second);
    turns.last_lane = UINT32_MAX;
    dispatch_remove(&turns, &turns_parts[0]);
    dispatch_add(&turns, &turns_parts[0], NULL);
    ck_assert_uint_ne(turns_parts[0].lane.number, 0); /* that means none */
    ck_assert_ptr_eq(dispatch_lane(&turns, &turns_parts[0], 0), &turns_parts[0].lane);
    turns.order = DISPATCH_NONE;
    ck_assert_ptr_null(dispatch_lane(&turns, &turns_parts[0], 0));
    turns_end();
}
END_TEST

START_TEST(test_dispatch_misuse_panics)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_hand(&turns_parts[0], 0);
    ledger_add(&turns_parts[0].led, 1, NULL, 0, 1);
    ledger_add(&turns_parts[0].led, 2, NULL, 0, 1);
    switch (_i) {
    case 0:
        dispatch_handed(&turns, &turns_parts[0], 1, &turns_workers[1]); /* a second worker */
        break;
    case 1:
        dispatch_handed(&turns, &turns_parts[0], 2, &turns_workers[0]); /* not the next one */
        break;
    case 2:
        dispatch_remove(&turns, &turns_parts[0]); /* held */
        break;
    case 3:
        dispatch_returned(&turns, &turns_parts[0], 1); /* not held */
        break;
    case 4:
        dispatch_sending(&turns, &turns_parts[0], 1); /* not held */
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
    tcase_add_test(tc, test_dispatch_single_waits_for_what_is_sent);
    tcase_add_loop_test(tc, test_dispatch_singly_in_place, 0, 2);
    tcase_add_test(tc, test_dispatch_reads_no_further);
    tcase_add_test(tc, test_dispatch_has_a_suspect);
    tcase_add_test(tc, test_dispatch_lanes_are_never_used_twice);
    tcase_add_loop_test_raise_signal(tc, test_dispatch_misuse_panics, SIGABRT, 0, 5);
    suite_add_tcase(suite, tc);
    return suite;
}
