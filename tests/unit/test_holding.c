/* test_holding.c - what one worker holds, case by case: credit, withdrawing, burying. Settling is in
 * test_holding_settle.c, records that send in test_holding_sends.c.
 *
 * Long runs with real workers, and with hostile ones, are in test_holding_random.c; every interleaving of
 * short ones is in test_slots.c. */
#include <check.h>
#include <signal.h>

#include "tests/unit/holding_bench.h"

Suite *holding_suite(void);

/* ---- credit ---- */

START_TEST(test_holding_room_is_bounded_by_slots_frames_and_bytes)
{
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
    ck_assert_uint_eq(holding_room(&bench_h, 0), 8); /* one frame is always admitted */
    bench_give("00000");
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 3);
    ck_assert_uint_eq(holding_room(&bench_h, 6), 3);
    ck_assert_uint_eq(holding_room(&bench_h, 5), 0);
    bench_give("0");
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0); /* two frames are there */
}
END_TEST

START_TEST(test_holding_room_comes_back_with_frames_left_and_settled)
{
    bench_give("00");
    bench_give("00");
    bench_states("ffww", 2, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0); /* settled, not left */
    bench_states("ffww", 2, 2);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 6);
    bench_states("ffww", 2, 4);
    ck_assert_ptr_null(holding_settle(&bench_h)); /* left, it says, but not settled */
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 6);
    ck_assert_uint_eq(bench_h.unsettled, 2);
}
END_TEST

START_TEST(test_holding_suspect_is_alone)
{
    ledger_entry(&bench_parts[0].led, 0)->suspect = true;
    bench_give("0");
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0);
    bench_states("f", 1, 1);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
}
END_TEST

START_TEST(test_holding_empty_frame_is_dropped)
{
    holding_drop(&bench_h, holding_open(&bench_h, 5));
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
}
END_TEST

/* ---- withdrawing ---- */

START_TEST(test_holding_withdraws_up_to_what_was_begun)
{
    bench_give("000");
    bench_give("00");
    bench_states("fo", 2, 0);
    ck_assert_uint_eq(holding_withdraw(&bench_h, &bench_parts[0]), 3);
    ck_assert_uint_eq(bench_sb->state[1], SLOT_ON);
    ck_assert_uint_eq(bench_sb->state[2], SLOT_WITHDRAWN);
    ck_assert_uint_eq(bench_parts[0].lane.next, 2);
    ck_assert_uint_eq(bench_h.unsettled, 2);
    ck_assert_uint_eq(holding_withdraw(&bench_h, &bench_parts[0]), 0);
}
END_TEST

START_TEST(test_holding_withdraws_one_partition_or_all)
{
    bench_give("0101");
    ck_assert_uint_eq(holding_withdraw(&bench_h, &bench_parts[1]), 2);
    ck_assert_uint_eq(holding_holds(&bench_h, &bench_parts[0]), 2);
    ck_assert_uint_eq(holding_withdraw(&bench_h, NULL), 2);
    ck_assert_uint_eq(bench_h.unsettled, 0);
    ck_assert_ptr_null(bench_parts[0].lane.holder);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 4); /* the worker has not left the frame */
}
END_TEST

/* ---- relieving a worker that stands still (rule 14) ---- */

START_TEST(test_holding_relieves_who_stands_still)
{
    bench_give("0011");
    bench_states("foww", 2, 0);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0); /* the first look */
    ck_assert_uint_eq(holding_relieve(&bench_h), 2);
    ck_assert_uint_eq(bench_sb->state[1], SLOT_ON);
    ck_assert_uint_eq(bench_sb->state[2], SLOT_WITHDRAWN);
    ck_assert_ptr_null(bench_parts[1].lane.holder);
    ck_assert_ptr_eq(bench_parts[0].lane.holder, &bench_h.seat);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0); /* there is nothing more */
}
END_TEST

START_TEST(test_holding_relieves_nobody_who_goes_on)
{
    bench_give("00000");
    bench_states("owwww", 1, 0);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0);
    bench_states("fowww", 2, 0);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0); /* it began another one */
    bench_give("1");
    ck_assert_uint_eq(holding_relieve(&bench_h), 0); /* it was given something just now */
    ck_assert_uint_eq(holding_relieve(&bench_h), 4);
}
END_TEST

START_TEST(test_holding_relieved_has_no_room_until_it_goes_on)
{
    bench_give("01");
    bench_states("ow", 1, 0);
    holding_relieve(&bench_h);
    holding_relieve(&bench_h);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0);
    bench_states("f-", 2, 0); /* it passes over what was taken back */
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 6);
}
END_TEST

/* The last record of its frame was the long one: `taken` does not move any more, but nothing is left with it. */
START_TEST(test_holding_relieved_has_room_when_it_left)
{
    bench_give("0");
    bench_states("o", 1, 0);
    holding_relieve(&bench_h);
    holding_relieve(&bench_h);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0); /* nothing is put behind a long record */
    bench_states("f", 1, 1);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
}
END_TEST

/* ---- burying ---- */

START_TEST(test_holding_buries)
{
    bench_give("0011");
    bench_give("01");
    bench_states("fxow"
                 "ww",
                 3, 0);
    bench_reason(0, 1, FAILURE_FAILED, "no luck");
    ck_assert_uint_eq(holding_bury(&bench_h, true), 3);
    ck_assert_str_eq(bench_told, "0/0 finished, 0/1 failed (0 no luck), 1/0 crashed, ");
    ck_assert(ledger_entry(&bench_parts[1].led, 0)->suspect);
    ck_assert(!ledger_entry(&bench_parts[0].led, 1)->suspect);
    ck_assert_uint_eq(ledger_entry(&bench_parts[1].led, 0)->attempt, 2);
    ck_assert_uint_eq(ledger_entry(&bench_parts[1].led, 1)->attempt, 1);
    ck_assert_uint_eq(bench_h.unsettled, 0);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
}
END_TEST

START_TEST(test_holding_buries_without_an_attempt)
{
    bench_give("00");
    bench_states("ow", 1, 0);
    ck_assert_uint_eq(holding_bury(&bench_h, false), 2);
    ck_assert_str_eq(bench_told, "");
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 0)->attempt, 1);
    ck_assert(!ledger_entry(&bench_parts[0].led, 0)->suspect);
}
END_TEST

START_TEST(test_holding_pins_one_record_at_most)
{
    bench_give("0011");
    bench_states("oooo", 4, 0);
    ck_assert_uint_eq(holding_bury(&bench_h, true), 3);
    ck_assert_str_eq(bench_told, "0/0 crashed, ");
}
END_TEST

START_TEST(test_holding_finds_the_record_that_is_on)
{
    struct partition *p;
    uint64_t pos;
    ck_assert(!holding_on(&bench_h, &p, &pos));
    bench_give("00");
    bench_give("01");
    ck_assert(!holding_on(&bench_h, &p, &pos));
    bench_states("fffo", 4, 2);
    ck_assert(holding_on(&bench_h, &p, &pos));
    ck_assert_ptr_eq(p, &bench_parts[1]);
    ck_assert_uint_eq(pos, 0);
}
END_TEST

/* The ring goes round many times, with numbers far past its size. */
START_TEST(test_holding_goes_round)
{
    bench_h.head = bench_h.tail = UINT32_MAX - 3ull;
    bench_sb->taken = bench_sb->passed = bench_h.head;
    for (int i = 0; i < 6; i++) {
        bench_give("011");
        for (int k = 0; k < 3; k++)
            bench_sb->state[(bench_h.head - 3 + (uint64_t)k) % SLOTS] = SLOT_FINISHED;
        bench_sb->taken = bench_sb->passed = bench_h.head;
        ck_assert_ptr_null(holding_settle(&bench_h));
        ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
    }
    ck_assert_int_eq(ledger_commit_point(&bench_parts[0].led), 6);
    ck_assert_int_eq(ledger_commit_point(&bench_parts[1].led), 12);
}
END_TEST

/* ---- misuse ---- */

START_TEST(test_holding_misuse_panics)
{
    struct holding_frame *f = holding_open(&bench_h, 2);
    holding_put(&bench_h, f, &bench_parts[0], 0);
    switch (_i) {
    case 0:
        holding_drop(&bench_h, f); /* it has a record */
        break;
    case 1:
        holding_put(&bench_h, f, &bench_parts[0], 1);
        holding_put(&bench_h, f, &bench_parts[0], 2); /* more than there is room for */
        break;
    case 2:
        holding_put(&bench_h, f, &bench_parts[0], 2); /* not the next of its lane */
        break;
    case 3:
        holding_put(&bench_h, f, &bench_parts[0], 1);
        holding_close(&bench_h, f, 2);
        f = holding_open(&bench_h, 10);
        for (uint64_t pos = 2; pos < 10; pos++)
            holding_put(&bench_h, f, &bench_parts[0], pos); /* more than slots */
        break;
    }
}
END_TEST

Suite *
holding_suite(void)
{
    Suite *suite = suite_create("holding");
    TCase *tc = tcase_create("holding");
    tcase_add_checked_fixture(tc, bench_begin, bench_end);
    tcase_add_test(tc, test_holding_room_is_bounded_by_slots_frames_and_bytes);
    tcase_add_test(tc, test_holding_room_comes_back_with_frames_left_and_settled);
    tcase_add_test(tc, test_holding_suspect_is_alone);
    tcase_add_test(tc, test_holding_empty_frame_is_dropped);
    tcase_add_test(tc, test_holding_withdraws_up_to_what_was_begun);
    tcase_add_test(tc, test_holding_withdraws_one_partition_or_all);
    tcase_add_test(tc, test_holding_relieves_who_stands_still);
    tcase_add_test(tc, test_holding_relieves_nobody_who_goes_on);
    tcase_add_test(tc, test_holding_relieved_has_no_room_until_it_goes_on);
    tcase_add_test(tc, test_holding_relieved_has_room_when_it_left);
    tcase_add_test(tc, test_holding_buries);
    tcase_add_test(tc, test_holding_buries_without_an_attempt);
    tcase_add_test(tc, test_holding_pins_one_record_at_most);
    tcase_add_test(tc, test_holding_finds_the_record_that_is_on);
    tcase_add_test(tc, test_holding_goes_round);
    tcase_add_loop_test_raise_signal(tc, test_holding_misuse_panics, SIGABRT, 0, 4);
    suite_add_tcase(suite, tc);
    return suite;
}
