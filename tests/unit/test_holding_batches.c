/* test_holding_batches.c - a worker that takes its records in batches, as the supervisor sees it. */
#include <check.h>
#include <string.h>

#include "tests/unit/holding_bench.h"

Suite *holding_batches_suite(void);

static void
begin(void)
{
    bench_begin();
    bench_h.batch = 4;
}

static struct entry *
entry(int part, uint64_t pos)
{
    return ledger_entry(&bench_parts[part].led, pos);
}

/* Nobody knows which one it was: none has had an attempt, and they come back with half as many beside them. */
START_TEST(test_batch_that_dies_is_halved)
{
    bench_give("0011");
    bench_states("oooo", 4, 0);
    ck_assert_uint_eq(holding_n_on(&bench_h), 4);
    ck_assert_uint_eq(holding_bury(&bench_h, true), 4);
    ck_assert_str_eq(bench_told, "");
    for (int part = 0; part < 2; part++)
        for (uint64_t pos = 0; pos < 2; pos++) {
            ck_assert_uint_eq(entry(part, pos)->suspect, 2);
            ck_assert_uint_eq(entry(part, pos)->attempt, 1);
        }
}
END_TEST

START_TEST(test_last_of_a_batch_has_crashed)
{
    bench_give("00");
    bench_states("fo", 2, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(holding_bury(&bench_h, true), 0);
    ck_assert_str_eq(bench_told, "0/0 finished, 0/1 crashed, ");
    ck_assert_uint_eq(entry(0, 1)->suspect, 1);
}
END_TEST

START_TEST(test_batch_ended_by_us_is_not_to_blame)
{
    bench_give("00");
    bench_states("oo", 2, 0);
    ck_assert_uint_eq(holding_bury(&bench_h, false), 2);
    ck_assert_uint_eq(entry(0, 0)->suspect, 0);
}
END_TEST

/* One that takes them singly has one on; a second one is scribble, and goes back. */
START_TEST(test_without_batches_one_is_on)
{
    bench_h.batch = 0;
    bench_give("01");
    bench_states("oo", 2, 0);
    ck_assert_uint_eq(holding_bury(&bench_h, true), 1);
    ck_assert_str_eq(bench_told, "0/0 crashed, ");
    ck_assert_uint_eq(entry(1, 0)->suspect, 0);
}
END_TEST

START_TEST(test_suspects_travel_with_suspects)
{
    struct holding_frame *f = holding_open(&bench_h, 4);
    entry(0, 0)->suspect = 2;
    entry(0, 1)->suspect = 3;
    entry(0, 2)->suspect = 1;
    ck_assert(holding_admits(&bench_h, f, entry(0, 0)));
    holding_put(&bench_h, f, &bench_parts[0], 0);
    ck_assert(!holding_full(&bench_h, f));
    ck_assert(!holding_admits(&bench_h, f, entry(1, 0))); /* that is none */
    ck_assert(!holding_admits(&bench_h, f, entry(0, 2))); /* that wants to be alone */
    ck_assert(holding_admits(&bench_h, f, entry(0, 1)));
    holding_put(&bench_h, f, &bench_parts[0], 1);
    ck_assert(holding_full(&bench_h, f));
    holding_close(&bench_h, f, 2);
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0);
}
END_TEST

START_TEST(test_suspect_joins_nothing_else)
{
    struct holding_frame *f = holding_open(&bench_h, 4);
    entry(1, 0)->suspect = 3;
    holding_put(&bench_h, f, &bench_parts[0], 0);
    ck_assert(!holding_admits(&bench_h, f, entry(1, 0)));
    ck_assert(holding_admits(&bench_h, f, entry(0, 1)));
    holding_close(&bench_h, f, 1);
}
END_TEST

/* What failed waits until those of its lane that were begun with it have ended; then it comes first. */
START_TEST(test_failed_one_waits_for_its_batch)
{
    bench_give("000");
    bench_states("xow", 2, 0);
    bench_reason(0, 0, FAILURE_FAILED, "no luck");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 failed (0 no luck), ");
    ck_assert_int_eq(dispatch_supplies(&bench_d, &bench_parts[0], &bench_h.seat, 0), SUPPLY_NOTHING);
    bench_states("xf", 2, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_uint_eq(dispatch_waiting(&bench_d, &bench_parts[0], &bench_h.seat, 0), 0);
    bench_give("00");
    ck_assert_uint_eq(bench_h.newest->items[0].pos, 0);
    ck_assert_uint_eq(bench_h.newest->items[1].pos, 2); /* 1 has ended */
}
END_TEST

START_TEST(test_without_batches_that_is_wrong)
{
    bench_h.batch = 0;
    bench_give("00");
    bench_states("xo", 2, 0);
    bench_reason(0, 0, FAILURE_FAILED, "no luck");
    ck_assert_str_eq(holding_settle(&bench_h), "a record was begun behind a failed one of its lane");
}
END_TEST

/* The second one failed between two looks: its reason comes after that of the first one, which is on still. */
START_TEST(test_batch_is_settled_in_order)
{
    bench_give("01");
    bench_states("ox", 2, 0);
    bench_reason(0, 1, FAILURE_FAILED, "second");
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "");
    bench_states("fx", 2, 0);
    ck_assert_ptr_null(holding_settle(&bench_h));
    ck_assert_str_eq(bench_told, "0/0 finished, 1/0 failed (0 second), ");
}
END_TEST

/* One that collects has begun nothing, and is not taken for one that stands still; it has credit for two batches. */
START_TEST(test_collecting)
{
    bench_h.collecting = true;
    bench_h.batch = 2;
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_gt(holding_room(&bench_h, CREDIT), 0);
        bench_give("0");
    }
    ck_assert_uint_eq(holding_room(&bench_h, CREDIT), 0);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0);
    ck_assert_uint_eq(holding_relieve(&bench_h), 0);
    bench_h.collecting = false;
    ck_assert_uint_eq(holding_relieve(&bench_h), 4);
}
END_TEST

Suite *
holding_batches_suite(void)
{
    Suite *suite = suite_create("holding_batches");
    TCase *tc = tcase_create("batches");
    tcase_add_checked_fixture(tc, begin, bench_end);
    tcase_add_test(tc, test_batch_that_dies_is_halved);
    tcase_add_test(tc, test_last_of_a_batch_has_crashed);
    tcase_add_test(tc, test_batch_ended_by_us_is_not_to_blame);
    tcase_add_test(tc, test_without_batches_one_is_on);
    tcase_add_test(tc, test_suspects_travel_with_suspects);
    tcase_add_test(tc, test_suspect_joins_nothing_else);
    tcase_add_test(tc, test_failed_one_waits_for_its_batch);
    tcase_add_test(tc, test_without_batches_that_is_wrong);
    tcase_add_test(tc, test_batch_is_settled_in_order);
    tcase_add_test(tc, test_collecting);
    suite_add_tcase(suite, tc);
    return suite;
}
