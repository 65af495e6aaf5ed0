/* test_holding_sends.c - records that send, on the supervisor's side, case by case: the frame with what they
 * send comes, comes late, does not come at all; and frames that lie. */
#include <check.h>

#include "tests/unit/holding_bench.h"

Suite *holding_sends_suite(void);

static unsigned
state_of(int part, uint64_t pos)
{
    return ledger_entry(&bench_parts[part].led, pos)->state;
}

static void
without_order(int records)
{
    bench_end();
    bench_setup(DISPATCH_NONE);
    struct holding_frame *f = holding_open(&bench_h, (uint32_t)records);
    for (int i = 0; i < records; i++)
        holding_put(&bench_h, f, &bench_parts[0], ledger_add(&bench_parts[0].led, i, NULL, 0, 1));
    holding_close(&bench_h, f, (size_t)records);
}

/* ---- rule 4: it is done only by the frame that carries what it sends ---- */

START_TEST(test_holding_sends_settling_stops_at_what_has_not_come)
{
    bench_give("0101");
    bench_give("1");
    bench_states("fssff", 5, 5);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 finished, ");
    ck_assert_uint_eq(bench_h.unsettled, 4);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0); /* left, and not settled */
    ck_assert_ptr_null(bench_received("1"));
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 sent, 1/0 leaves, ");
    ck_assert_ptr_null(bench_received("2"));
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 sent, 1/0 leaves, "
                                 "0/1 sent, 1/1 finished, 1/2 finished, 0/1 leaves, ");
    ck_assert_uint_eq(bench_h.unsettled, 0);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 8);
}
END_TEST

START_TEST(test_holding_sends_are_settled_in_order)
{
    bench_give("00000");
    bench_states("sfsfs", 5, 0);
    ck_assert_ptr_null(bench_received("02"));
    ck_assert_str_eq(bench_told, "0/0 sent, 0/1 finished, 0/2 sent, 0/3 finished, 0/0 leaves, 0/2 leaves, ");
    ck_assert_int_eq(ledger_commit_point(&bench_parts[0].led), 0); /* nothing is confirmed */
    ck_assert_uint_eq(ledger_confirming(&bench_parts[0].led), 2);
    ck_assert_uint_eq(bench_h.unsettled, 1);
    dispatch_done(&bench_d, &bench_parts[0], 0);
    dispatch_done(&bench_d, &bench_parts[0], 2);
    ck_assert_int_eq(ledger_commit_point(&bench_parts[0].led), 4);
}
END_TEST

/* A failure waits behind what was to be sent before it: its record may not be tried again, or given up on,
 * first. */
START_TEST(test_holding_sends_hold_up_a_failure_behind)
{
    bench_give("000");
    bench_states("sxw", 3, 0);
    bench_reason(0, 1, FAILURE_FAILED, "no luck");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "");
    ck_assert_uint_eq(bench_sb->failures_read, 0);
    ck_assert_ptr_null(bench_received("0"));
    ck_assert_str_eq(bench_told, "0/0 sent, 0/1 failed (0 no luck), 0/0 leaves, ");
    ck_assert_uint_eq(bench_parts[0].lane.next, 1);
    ck_assert_uint_eq(bench_sb->failures_read, 1);
}
END_TEST

/* The worker goes on, or dies, while the broker takes its time: that is no longer its record. */
START_TEST(test_holding_sends_outlive_the_worker)
{
    bench_give("00");
    bench_states("so", 2, 0);
    ck_assert_ptr_null(bench_received("0"));
    ck_assert_uint_eq(holding_bury(&bench_h, true), 0);
    ck_assert_str_eq(bench_told, "0/0 sent, 0/0 leaves, 0/1 crashed, ");
    ck_assert(!bench_goes_back);
    ck_assert_uint_eq(state_of(0, 0), ENTRY_SENDING);
    ck_assert_uint_eq(bench_parts[0].lane.next, 1);
    ck_assert_ptr_null(bench_parts[0].lane.holder);
    dispatch_done(&bench_d, &bench_parts[0], 0);
    ck_assert_int_eq(ledger_commit_point(&bench_parts[0].led), 1);
}
END_TEST

/* ---- at a death ---- */

START_TEST(test_holding_sends_lost_repeat_their_lane)
{
    bench_give("0010101");
    bench_states("fsffffo", 7, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_bury(&bench_h, true), 3);
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 finished, 1/1 finished, 1/2 crashed, ");
    ck_assert_uint_eq(bench_parts[0].lane.next, 1);
    for (uint64_t pos = 1; pos < 4; pos++) {
        ck_assert_uint_eq(state_of(0, pos), ENTRY_WAITING);
        ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, pos)->attempt, 1);
    }
    ck_assert_uint_eq(bench_parts[1].lane.next, 2);
    ck_assert_uint_eq(bench_parts[0].led.held + bench_parts[1].led.held, 0);
}
END_TEST

/* What failed or crashed behind it counts all the same, and waits for its turn in the lane. */
START_TEST(test_holding_sends_lost_before_a_failure)
{
    bench_give("000");
    bench_states(_i ? "sow" : "sxw", 2, 0);
    bench_reason(0, 1, FAILURE_FAILED, "no luck");
    ck_assert_uint_eq(holding_bury(&bench_h, true), 2);
    ck_assert_str_eq(bench_told, _i ? "0/1 crashed, " : "0/1 failed (0 no luck), ");
    ck_assert(bench_goes_back); /* no attempt may be its last one now */
    ck_assert_uint_eq(bench_parts[0].lane.next, 0);
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 0)->attempt, 1);
    ck_assert_uint_eq(ledger_entry(&bench_parts[0].led, 1)->attempt, 2);
}
END_TEST

START_TEST(test_holding_sends_lost_without_order_repeat_themselves_only)
{
    without_order(3);
    bench_states("sfs", 3, 0);
    ck_assert_uint_eq(holding_bury(&bench_h, true), 2);
    ck_assert_str_eq(bench_told, "0/1 finished, ");
    ck_assert_uint_eq(state_of(0, 0), ENTRY_WAITING);
    ck_assert_uint_eq(state_of(0, 1), ENTRY_DONE);
    ck_assert_uint_eq(state_of(0, 2), ENTRY_WAITING);
}
END_TEST

START_TEST(test_holding_sends_are_not_withdrawn)
{
    bench_give("0000");
    bench_states("sfww", 2, 0);
    ck_assert_uint_eq(holding_withdraw(&bench_h, NULL), 2);
    ck_assert_uint_eq(bench_sb->state[0], SLOT_SENT);
    ck_assert_ptr_null(bench_received("0"));
    ck_assert_str_eq(bench_told, "0/0 sent, 0/1 finished, 0/0 leaves, ");
    ck_assert_uint_eq(bench_h.unsettled, 0);
}
END_TEST

/* ---- frames that lie ---- */

START_TEST(test_holding_sends_that_cannot_be_are_named)
{
    static const char unfinished[] = "it sends for a record that it has not finished";
    static const struct {
        const char *states;
        uint64_t taken;
        const char *seqs, *wrong, *told;
    } cases[] = {
        {"sow", 2, "1", unfinished, ""},                        /* on */
        {"sow", 2, "2", unfinished, ""},                        /* not begun */
        {"sss", 2, "2", unfinished, ""},                        /* nor that, whatever the slot says */
        {"fow", 2, "0", unfinished, "0/0 finished, "},          /* finished without sends */
        {"s-w", 2, "1", unfinished, ""},                        /* withdrawn */
        {"ssw", 2, "1", unfinished, ""},                        /* before the one that comes first */
        {"ssw", 2, "10", unfinished, ""},                       /* in the wrong order */
        {"ssw", 2, "00", unfinished, "0/0 sent, 0/0 leaves, "}, /* twice */
        {"ssw", 2, "7", unfinished, ""},                        /* never given */
        {"ss?", 3, "01", "a slot is in a state that cannot be",
         "0/0 sent, 0/1 sent, 0/0 leaves, 0/1 leaves, "},
        {"sss", 4, "0", "it took more than it was given", ""},
    };
    bench_give("000");
    bench_states(cases[_i].states, cases[_i].taken, 0);
    const char *wrong = bench_received(cases[_i].seqs);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_str_eq(wrong, cases[_i].wrong);
    ck_assert_str_eq(bench_told, cases[_i].told);
    ck_assert_uint_eq(bench_h.n_sends, 0);
    ck_assert_ptr_null(bench_h.sends);
    uint64_t sending = bench_parts[0].led.sending;
    holding_bury(&bench_h, true); /* takes the rest */
    ck_assert_uint_eq(bench_h.unsettled, 0);
    ck_assert_uint_eq(bench_parts[0].led.held, 0);
    ck_assert_uint_eq(bench_parts[0].led.sending, sending);
}
END_TEST

/* The same frame a second time, when its records are settled. */
START_TEST(test_holding_sends_received_twice_are_named)
{
    bench_give("00");
    bench_states("sf", 2, 0);
    ck_assert_ptr_null(bench_received("0"));
    ck_assert_ptr_nonnull(bench_received("0"));
    ck_assert_str_eq(bench_told, "0/0 sent, 0/1 finished, 0/0 leaves, ");
}
END_TEST

Suite *
holding_sends_suite(void)
{
    Suite *suite = suite_create("holding_sends");
    TCase *tc = tcase_create("holding_sends");
    tcase_add_checked_fixture(tc, bench_begin, bench_end);
    tcase_add_test(tc, test_holding_sends_settling_stops_at_what_has_not_come);
    tcase_add_test(tc, test_holding_sends_are_settled_in_order);
    tcase_add_test(tc, test_holding_sends_hold_up_a_failure_behind);
    tcase_add_test(tc, test_holding_sends_outlive_the_worker);
    tcase_add_test(tc, test_holding_sends_lost_repeat_their_lane);
    tcase_add_loop_test(tc, test_holding_sends_lost_before_a_failure, 0, 2);
    tcase_add_test(tc, test_holding_sends_lost_without_order_repeat_themselves_only);
    tcase_add_test(tc, test_holding_sends_are_not_withdrawn);
    tcase_add_loop_test(tc, test_holding_sends_that_cannot_be_are_named, 0, 11);
    tcase_add_test(tc, test_holding_sends_received_twice_are_named);
    suite_add_tcase(suite, tc);
    return suite;
}
