/* test_ledger.c - the ledger at its edges. Long random runs are in test_ledger_random.c. */
#include <check.h>
#include <signal.h>

#include "supervisor/ledger.h"

Suite *ledger_suite(void);

static struct ledger led;
static int released;

static void
release(void *body)
{
    ++*(int *)body;
    released++;
}

static void
begin(void)
{
    released = 0;
    ledger_init(&led, release);
}

static void
end(void)
{
    ledger_clear(&led);
}

/* ---- edges ---- */

START_TEST(test_ledger_knows_no_commit_point_at_first)
{
    ck_assert_int_eq(ledger_commit_point(&led), -1);
    ck_assert(ledger_admits(&led, 1, 1));
    ck_assert_uint_eq(ledger_in_flight(&led), 0);
}
END_TEST

START_TEST(test_ledger_commit_point_is_the_first_not_done)
{
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(ledger_add(&led, 100 + 10 * i, NULL, 0, 1), i);
    ck_assert_int_eq(ledger_commit_point(&led), 100);
    ledger_done(&led, 1);
    ck_assert_int_eq(ledger_commit_point(&led), 100);
    ledger_done(&led, 0);
    ck_assert_int_eq(ledger_commit_point(&led), 120);
    ledger_done(&led, 2);
    ck_assert_int_eq(ledger_commit_point(&led), 121);
}
END_TEST

START_TEST(test_ledger_reach_moves_past_a_gap_at_the_end_only)
{
    ledger_add(&led, 5, NULL, 0, 1);
    ledger_reach(&led, 9);
    ck_assert_int_eq(ledger_commit_point(&led), 5);
    ledger_done(&led, 0);
    ck_assert_int_eq(ledger_commit_point(&led), 9);
    ledger_reach(&led, 7);
    ck_assert_int_eq(ledger_commit_point(&led), 9);
}
END_TEST

/* The log was truncated, and is read anew from a lower offset. */
START_TEST(test_ledger_position_goes_back_with_kafka)
{
    ledger_add(&led, 50, NULL, 0, 1);
    ledger_done(&led, 0);
    ck_assert_int_eq(ledger_commit_point(&led), 51);
    ledger_add(&led, 20, NULL, 0, 1);
    ck_assert_int_eq(ledger_commit_point(&led), 20);
    ledger_done(&led, 1);
    ck_assert_int_eq(ledger_commit_point(&led), 21);
}
END_TEST

START_TEST(test_ledger_admits_one_record_whatever_the_window)
{
    ck_assert(ledger_admits(&led, 0, 0));
    ledger_add(&led, 0, NULL, 0, 40000000);
    ck_assert(!ledger_admits(&led, 0, 0));
    ck_assert(!ledger_admits(&led, 100, 1000));
    ck_assert(!ledger_admits(&led, 1, UINT64_MAX));
    ck_assert(ledger_admits(&led, 2, 40000001));
    ck_assert(!ledger_admits(&led, 2, 40000000));
    ledger_done(&led, 0);
    ck_assert(ledger_admits(&led, 0, 0));
}
END_TEST

START_TEST(test_ledger_counts_attempts_at_a_retry_only)
{
    ledger_add(&led, 0, NULL, 0, 1);
    struct entry *e = ledger_entry(&led, 0);
    ck_assert_uint_eq(e->attempt, 1);
    ledger_hand(&led, 0);
    ledger_take_back(&led, 0);
    ck_assert_uint_eq(e->attempt, 1);
    ck_assert_int_eq(e->due, 0);
    ledger_hand(&led, 0);
    ledger_retry(&led, 0, 77);
    ck_assert_uint_eq(e->attempt, 2);
    ck_assert_int_eq(e->due, 77);
    ck_assert_int_eq(e->state, ENTRY_WAITING);
    ck_assert_uint_eq(led.held, 0);
    ledger_hand(&led, 0);
    ledger_take_back(&led, 0);
    ck_assert_int_eq(e->due, 0);
}
END_TEST

START_TEST(test_ledger_releases_a_body_once)
{
    int bodies[100] = {0};
    for (int i = 0; i < 100; i++)
        ledger_add(&led, i, &bodies[i], 0, 1);
    for (int i = 0; i < 100; i += 2)
        ledger_done(&led, (uint64_t)i);
    ck_assert_int_eq(released, 50);
    ledger_clear(&led);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(bodies[i], 1);
    ledger_init(&led, release);
}
END_TEST

/* What waits for the broker is not done, and its bytes are kept: it may have to be given up on, or to go
 * back. */
START_TEST(test_ledger_sending_waits_for_the_broker)
{
    int bodies[3] = {0};
    for (int i = 0; i < 3; i++) {
        ledger_add(&led, i, &bodies[i], 0, 10);
        ledger_hand(&led, (uint64_t)i);
        ledger_sending(&led, (uint64_t)i);
    }
    ck_assert_uint_eq(led.held, 0);
    ck_assert_uint_eq(led.bytes, 30);
    ck_assert_uint_eq(ledger_confirming(&led), 3);
    ck_assert_int_eq(ledger_commit_point(&led), 0);
    ledger_done(&led, 1);
    ck_assert_int_eq(ledger_commit_point(&led), 0);
    ledger_letter(&led, 0);
    ck_assert_uint_eq(led.sending, 1);
    ck_assert_uint_eq(led.letters, 1);
    ck_assert_uint_eq(ledger_confirming(&led), 2);
    ledger_done(&led, 0);
    ck_assert_int_eq(ledger_commit_point(&led), 2);
    ledger_take_back(&led, 2);
    ck_assert_int_eq(ledger_entry(&led, 2)->state, ENTRY_WAITING);
    ck_assert_uint_eq(ledger_entry(&led, 2)->attempt, 1);
    ck_assert_uint_eq(ledger_confirming(&led), 0);
    ck_assert_uint_eq(led.held, 0);
    ck_assert_int_eq(released, 2);
    ledger_done(&led, 2);
}
END_TEST

/* ---- misuse ---- */

START_TEST(test_ledger_misuse_panics)
{
    for (int i = 0; i < 3; i++)
        ledger_add(&led, i, NULL, 0, 1);
    ledger_hand(&led, 1);
    ledger_done(&led, 0);
    ledger_done(&led, 2);
    switch (_i) {
    case 0:
        ledger_entry(&led, 0); /* below the base */
        break;
    case 1:
        ledger_entry(&led, 3);
        break;
    case 2:
        ledger_hand(&led, 1); /* held already */
        break;
    case 3:
        ledger_hand(&led, 2); /* done already */
        break;
    case 4:
        ledger_done(&led, 2);
        break;
    case 5:
        ledger_take_back(&led, 2);
        break;
    case 6:
        ledger_take_back(&led, 1);
        ledger_retry(&led, 1, 0); /* waits */
        break;
    case 7:
        ledger_take_back(&led, 1);
        ledger_sending(&led, 1); /* waits */
        break;
    case 8:
        ledger_sending(&led, 1);
        ledger_sending(&led, 1); /* twice */
        break;
    case 9:
        ledger_sending(&led, 1);
        ledger_retry(&led, 1, 0); /* finished: no attempt failed */
        break;
    case 10:
        ledger_sending(&led, 1);
        ledger_hand(&led, 1); /* finished: never run again */
        break;
    case 11:
        ledger_letter(&led, 1);
        ledger_take_back(&led, 1); /* given up on */
        break;
    }
}
END_TEST

/* Its bytes are known later than it is, and may move. */
START_TEST(test_ledger_body_moves)
{
    static int first, second;
    first = second = 0;
    ledger_add(&led, 5, NULL, 0, 0);
    ck_assert_uint_eq(led.bytes, 0);
    ledger_body(&led, 0, &first, 3, 100);
    ck_assert_uint_eq(led.bytes, 100);
    ck_assert_uint_eq(ledger_entry(&led, 0)->at, 3);
    ledger_body(&led, 0, &second, 7, 60);
    ck_assert_uint_eq(led.bytes, 60);
    ck_assert_int_eq(first, 1);
    ck_assert_int_eq(second, 0);
    ledger_done(&led, 0);
    ck_assert_uint_eq(led.bytes, 0);
    ck_assert_int_eq(second, 1);
}
END_TEST

Suite *
ledger_suite(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tc = tcase_create("ledger");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, test_ledger_knows_no_commit_point_at_first);
    tcase_add_test(tc, test_ledger_commit_point_is_the_first_not_done);
    tcase_add_test(tc, test_ledger_reach_moves_past_a_gap_at_the_end_only);
    tcase_add_test(tc, test_ledger_position_goes_back_with_kafka);
    tcase_add_test(tc, test_ledger_admits_one_record_whatever_the_window);
    tcase_add_test(tc, test_ledger_counts_attempts_at_a_retry_only);
    tcase_add_test(tc, test_ledger_releases_a_body_once);
    tcase_add_test(tc, test_ledger_sending_waits_for_the_broker);
    tcase_add_test(tc, test_ledger_body_moves);
    tcase_add_loop_test_raise_signal(tc, test_ledger_misuse_panics, SIGABRT, 0, 12);
    suite_add_tcase(suite, tc);
    return suite;
}
