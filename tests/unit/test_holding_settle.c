/* test_holding_settle.c - what the supervisor makes of a worker's scoreboard, case by case: a good one, and
 * such as cannot be. */
#include <check.h>
#include <string.h>

#include "tests/unit/holding_bench.h"

Suite *holding_settle_suite(void);

START_TEST(test_holding_settles_below_taken_only)
{
    bench_give("0101");
    bench_states("ffow", 2, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 finished, ");
    ck_assert_uint_eq(bench_h.unsettled, 2);
    bench_states("fffo", 4, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 finished, 0/1 finished, ");
    ck_assert_int_eq(ledger_commit_point(&bench_parts[0].led), 2);
    ck_assert_int_eq(ledger_commit_point(&bench_parts[1].led), 1);
}
END_TEST

START_TEST(test_holding_failure_takes_back_its_lane_only)
{
    uint32_t epoch = bench_parts[0].lane.epoch;
    bench_give("001");
    bench_give("010");
    bench_states("xw"
                 "owww",
                 3, 0);
    bench_reason(0, 0, FAILURE_REJECTED, "bad");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 failed (1 bad), ");
    ck_assert_uint_eq(holding_holds(&bench_h, &bench_parts[0]), 0);
    ck_assert_uint_eq(holding_holds(&bench_h, &bench_parts[1]), 2);
    ck_assert_uint_eq(bench_parts[0].lane.next, 0);
    ck_assert_uint_eq(bench_parts[0].lane.epoch, epoch + 1);
    ck_assert_uint_eq(bench_parts[1].lane.epoch, epoch);
    ck_assert_uint_eq(bench_sb->failures_read, 1);
    ck_assert_uint_eq(bench_sb->state[1], SLOT_WITHDRAWN);
    ck_assert_uint_eq(bench_sb->state[3], SLOT_WITHDRAWN);
    ck_assert_uint_eq(bench_sb->state[5], SLOT_WITHDRAWN);
    ck_assert_uint_eq(bench_sb->state[4], SLOT_WAITING);
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 0)->attempt, 2);
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 1)->attempt, 1);
}
END_TEST

START_TEST(test_holding_failure_without_order_takes_back_nothing)
{
    bench_end();
    bench_setup(DISPATCH_NONE);
    struct holding_frame *f = holding_open(&bench_h, 3);
    for (int i = 0; i < 3; i++)
        holding_put(&bench_h, f, &bench_parts[0], ledger_add(&bench_parts[0].led, i, NULL, 0, 1));
    holding_close(&bench_h, f, 3);
    bench_states("xfo", 3, 0);
    bench_reason(0, 0, FAILURE_FAILED, "no luck");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 failed (0 no luck), 0/1 finished, ");
    ck_assert_uint_eq(bench_h.unsettled, 1);
}
END_TEST

START_TEST(test_holding_reason_that_cannot_be_is_replaced)
{
    static const char none[] = "0/0 failed (0 (the worker left no readable reason)), ";
    bench_give("0");
    bench_states("x", 1, 0);
    if (_i == 0)
        bench_reason(0, 5, FAILURE_FAILED, "of another record");
    else
        bench_reason(0, 0, FAILURE_KINDS, "of no kind");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, none);
}
END_TEST

START_TEST(test_holding_reason_without_end_is_cut)
{
    bench_give("0");
    bench_states("x", 1, 0);
    bench_reason(0, 0, FAILURE_FAILED, "");
    memset(bench_sb->reasons[0].text, 'x', REASON_MAX);
    bench_sb->reasons[1].seq = 0x4141414141414141;
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(strspn(strchr(bench_told, 'x'), "x"), REASON_MAX - 1);
}
END_TEST

START_TEST(test_holding_scoreboard_that_cannot_be_is_named)
{
    static const struct {
        const char *states;
        uint64_t taken;
        const char *wrong;
    } cases[] = {
        {"www", 4, "it took more than it was given"},
        {"www", UINT64_MAX, "it took more than it was given"},
        {"-ww", 1, "a slot is in a state that cannot be"},
        {"?ww", 1, "a slot is in a state that cannot be"}, /* free */
        {"xow", 2, "a record was begun behind a failed one of its lane"},
        {"xfw", 2, "a record was begun behind a failed one of its lane"},
    };
    bench_give("000");
    bench_states(cases[_i].states, cases[_i].taken, 0);
    const char *wrong = holding_settle(&bench_h);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_str_eq(wrong, cases[_i].wrong);
    ck_assert_str_eq(bench_told, "");
    holding_bury(&bench_h, true); /* takes the rest */
    ck_assert_uint_eq(bench_h.unsettled, 0);
    ck_assert_uint_eq(bench_parts[0].led.held, 0);
}
END_TEST

START_TEST(test_holding_state_beyond_the_known_is_named)
{
    bench_give("0");
    bench_states("", 1, 0);
    bench_sb->state[0] = (uint8_t)(SLOT_STATES + _i * 30);
    ck_assert_str_eq(holding_settle(&bench_h), "a slot is in a state that cannot be");
}
END_TEST

START_TEST(test_holding_numbers_that_go_back_do_no_harm)
{
    bench_give("00");
    bench_give("00");
    bench_states("ffff", 4, 4);
    ck_assert_ptr_null(holding_settle(&bench_h));
    bench_states("ffff", 1, 1);
    ck_assert_ptr_null(holding_settle(&bench_h));
    bench_give("00");
    bench_states("ffffww", 1, 1);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(bench_h.unsettled, 2);
    bench_states("ffffww", 4, UINT64_MAX);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(bench_h.unsettled, 2);
}
END_TEST

/* written_over: the mark at either end. */
static void
written_over(int end)
{
    if (end)
        *scoreboard_end_mark(bench_sb, bench_sb->slots) += 1;
    else
        bench_sb->mark += 1;
}

/* Whatever the states say then, nothing has ended, nothing is taken back, and all of it goes back at the death. */
START_TEST(test_holding_written_over_is_not_believed)
{
    struct partition *p;
    uint64_t pos;
    bench_give("001");
    bench_states("fow", 2, 0);
    written_over(_i);
    ck_assert_str_eq(holding_settle(&bench_h), "its scoreboard was written over");
    ck_assert(!holding_intact(&bench_h));
    ck_assert(!holding_on(&bench_h, &p, &pos));
    ck_assert_uint_eq(holding_withdraw(&bench_h, NULL), 0);
    ck_assert_uint_eq(bench_h.unsettled, 3);
    ck_assert_uint_eq(holding_bury(&bench_h, true), 3);
    ck_assert_str_eq(bench_told, "");
}
END_TEST

/* With nothing taken, as where all is zero. */
START_TEST(test_holding_written_over_with_zeros)
{
    bench_sb->mark = *scoreboard_end_mark(bench_sb, bench_sb->slots) = 77;
    holding_init(&bench_h, bench_h.dispatch, 0, bench_sb, bench_h.ended, bench_h.arg);
    bench_give("01");
    ck_assert_ptr_null(holding_settle(&bench_h));
    memset(bench_sb, 0, scoreboard_size(bench_h.slots));
    ck_assert_str_eq(holding_settle(&bench_h), "its scoreboard was written over");
}
END_TEST

/* Several are suspect, and none has had an attempt; one suspect alone has crashed. */
START_TEST(test_holding_accuses)
{
    struct partition *p;
    uint64_t pos;
    bench_give("01");
    written_over(0);
    ck_assert(!holding_alone(&bench_h, &p, &pos));
    ck_assert(holding_accuse(&bench_h));
    ck_assert_uint_eq(holding_bury(&bench_h, false), 2);
    ck_assert_str_eq(bench_told, "");
    ck_assert(ledger_entry(&bench_parts[0].led, 0)->suspect);
    ck_assert(ledger_entry(&bench_parts[1].led, 0)->suspect);
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 0)->attempt, 1);

    bench_give("1");
    ck_assert(holding_alone(&bench_h, &p, &pos));
    ck_assert_ptr_eq(p, &bench_parts[1]);
    ck_assert_uint_eq(pos, 0);
    ck_assert(holding_accuse(&bench_h));
    ck_assert_str_eq(bench_told, "1/0 crashed, ");
    ck_assert_uint_eq(holding_bury(&bench_h, false), 0);
    ck_assert(!holding_accuse(&bench_h));
}
END_TEST

Suite *
holding_settle_suite(void)
{
    Suite *suite = suite_create("holding_settle");
    TCase *tc = tcase_create("holding_settle");
    tcase_add_checked_fixture(tc, bench_begin, bench_end);
    tcase_add_test(tc, test_holding_settles_below_taken_only);
    tcase_add_test(tc, test_holding_failure_takes_back_its_lane_only);
    tcase_add_test(tc, test_holding_failure_without_order_takes_back_nothing);
    tcase_add_loop_test(tc, test_holding_reason_that_cannot_be_is_replaced, 0, 2);
    tcase_add_test(tc, test_holding_reason_without_end_is_cut);
    tcase_add_loop_test(tc, test_holding_scoreboard_that_cannot_be_is_named, 0, 6);
    tcase_add_loop_test(tc, test_holding_state_beyond_the_known_is_named, 0, 3);
    tcase_add_test(tc, test_holding_numbers_that_go_back_do_no_harm);
    tcase_add_loop_test(tc, test_holding_written_over_is_not_believed, 0, 2);
    tcase_add_test(tc, test_holding_written_over_with_zeros);
    tcase_add_test(tc, test_holding_accuses);
    suite_add_tcase(suite, tc);
    return suite;
}
