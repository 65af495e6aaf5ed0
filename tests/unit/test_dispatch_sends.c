/* test_dispatch_sends.c - what a lane does while what its records send is not confirmed. */
#include <check.h>

#include "tests/unit/turns.h"

/* A record that sends holds up nothing: its lane goes on, to another worker, too. */
START_TEST(test_dispatch_sending_lets_its_lane_go_on)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_hand(&turns_parts[0], 0);
    turns_hand(&turns_parts[0], 0);
    dispatch_sending(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), -1); /* the next one is held */
    dispatch_sending(&turns, &turns_parts[0], 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), 2);
    ck_assert_int_eq(ledger_commit_point(&turns_parts[0].led), 0);
    dispatch_done(&turns, &turns_parts[0], 1);
    dispatch_done(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(ledger_commit_point(&turns_parts[0].led), 2);
    dispatch_done(&turns, &turns_parts[0], 2);
    turns_end();
}
END_TEST

/* One that is refused for good is never handed out again; its lane waits for the letter as it does for any.
 */
START_TEST(test_dispatch_refused_is_a_letter)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_hand(&turns_parts[0], 0);
    turns_hand(&turns_parts[0], 0);
    dispatch_sending(&turns, &turns_parts[0], 0);
    dispatch_letter(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    dispatch_returned(&turns, &turns_parts[0], 1);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), -1);
    dispatch_done(&turns, &turns_parts[0], 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 0), 1);
    dispatch_done(&turns, &turns_parts[0], 1);
    turns_end();
}
END_TEST

/* Where a task stops at it, a refused record stays: it is the next one of its lane. */
START_TEST(test_dispatch_refused_can_stay)
{
    turns_begin(DISPATCH_PARTITION, 1);
    turns_hand(&turns_parts[0], 0);
    turns_hand(&turns_parts[0], 0);
    dispatch_sending(&turns, &turns_parts[0], 0);
    ck_assert(!dispatch_goes_back(&turns, &turns_parts[0], 1));
    dispatch_returned(&turns, &turns_parts[0], 0);
    ck_assert_uint_eq(dispatch_waiting(&turns, &turns_parts[0], &turns_workers[0], 0), 0);
    ck_assert(dispatch_goes_back(&turns, &turns_parts[0], 1));
    ck_assert_int_eq(ledger_commit_point(&turns_parts[0].led), 0);
    dispatch_returned(&turns, &turns_parts[0], 1);
    ck_assert_uint_eq(dispatch_waiting(&turns, &turns_parts[0], &turns_workers[0], 0), 0);
    turns_end();
}
END_TEST

/* Only a worker that lies can be ahead of its lane; what it sends is not handed out all the same. */
START_TEST(test_dispatch_sending_out_of_order_is_passed_over)
{
    turns_begin(DISPATCH_PARTITION, 1);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(turns_hand(&turns_parts[0], 0), i);
    dispatch_sending(&turns, &turns_parts[0], 1);
    dispatch_sending(&turns, &turns_parts[0], 2);
    dispatch_returned(&turns, &turns_parts[0], 0);
    dispatch_returned(&turns, &turns_parts[0], 3);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), 0);
    ck_assert_int_eq(turns_hand(&turns_parts[0], 1), 3);
    for (uint64_t i = 0; i < 4; i++)
        dispatch_done(&turns, &turns_parts[0], i);
    turns_end();
}
END_TEST

/* Without order nothing is repeated for another record's sake. */
START_TEST(test_dispatch_goes_back_only_in_a_lane)
{
    turns_begin(DISPATCH_NONE, 1);
    turns_hand(&turns_parts[0], 0);
    turns_hand(&turns_parts[0], 0);
    dispatch_returned(&turns, &turns_parts[0], 0);
    ck_assert(!dispatch_goes_back(&turns, &turns_parts[0], 1));
    dispatch_done(&turns, &turns_parts[0], 1);
    turns_end();
}
END_TEST

Suite *
dispatch_sends_suite(void)
{
    Suite *s = suite_create("dispatch_sends");
    TCase *tc = tcase_create("sends");
    tcase_add_test(tc, test_dispatch_sending_lets_its_lane_go_on);
    tcase_add_test(tc, test_dispatch_refused_is_a_letter);
    tcase_add_test(tc, test_dispatch_refused_can_stay);
    tcase_add_test(tc, test_dispatch_sending_out_of_order_is_passed_over);
    tcase_add_test(tc, test_dispatch_goes_back_only_in_a_lane);
    suite_add_tcase(s, tc);
    return s;
}
