/* test_pace.c - how many records a frame has: many cheap ones, few slow ones. */
#include <check.h>

#include "supervisor/pace.h"

Suite *pace_suite(void);

static struct pace pace;

static void
begin(void)
{
    pace_init(&pace);
}

START_TEST(test_pace_begins_with_one)
{
    ck_assert_uint_eq(pace_records(&pace), 1);
    pace_measured(&pace, 5, 0); /* a frame of which everything was taken back says nothing */
    ck_assert_uint_eq(pace_records(&pace), 1);
}
END_TEST

START_TEST(test_pace_grows_by_doubling)
{
    for (uint32_t records = 2; records <= PACE_MAX; records *= 2) {
        pace_measured(&pace, 100, 1);
        ck_assert_uint_eq(pace_records(&pace), records);
    }
    pace_measured(&pace, 0, 1);
    ck_assert_uint_eq(pace_records(&pace), PACE_MAX);
}
END_TEST

START_TEST(test_pace_falls_at_once)
{
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 1000, 1);
    ck_assert_uint_gt(pace_records(&pace), 1000);
    pace_measured(&pace, 10 * NS_PER_MS, 1);
    ck_assert_uint_eq(pace_records(&pace), 1);
}
END_TEST

START_TEST(test_pace_aims_at_its_target)
{
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 10 * NS_PER_MS, 100); /* 100 us each */
    ck_assert_uint_eq(pace_records(&pace), PACE_TARGET / (100 * NS_PER_US));
}
END_TEST

/* What others may want is not heaped on one: of records that take longer, a frame has less work. */
START_TEST(test_pace_slow_records)
{
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 2 * NS_PER_MS, 1);
    ck_assert_uint_eq(pace_records(&pace), 10);
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 5 * NS_PER_MS, 2);
    ck_assert_uint_eq(pace_records(&pace), 4);
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 10 * NS_PER_MS, 1);
    ck_assert_uint_eq(pace_records(&pace), 1);
}
END_TEST

START_TEST(test_pace_shares_what_is_there)
{
    ck_assert(!pace_shares(&pace));
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, NS_PER_MS, 1);
    ck_assert(pace_shares(&pace));
    ck_assert_uint_eq(pace_records(&pace), 20);
    ck_assert_uint_eq(pace_share(&pace, 100, 100), 1);
    ck_assert_uint_eq(pace_share(&pace, 101, 100), 2);
    ck_assert_uint_eq(pace_share(&pace, 0, 100), 1);
    ck_assert_uint_eq(pace_share(&pace, 100000, 100), 20);
    ck_assert_uint_eq(pace_share(&pace, 7, 0), 20); /* nobody waits for it */
}
END_TEST

/* Cheap ones are not parted further than is worth the waking. */
START_TEST(test_pace_shares_no_crumbs)
{
    for (int i = 0; i < 20; i++)
        pace_measured(&pace, 10 * NS_PER_US, 1);
    ck_assert_uint_eq(pace_share(&pace, 100, 100), 5);
    for (int i = 0; i < 40; i++)
        pace_measured(&pace, 100, 1);
    ck_assert(!pace_shares(&pace));
    ck_assert_uint_ge(pace_share(&pace, 100, 100), 100);
}
END_TEST

Suite *
pace_suite(void)
{
    Suite *suite = suite_create("pace");
    TCase *tc = tcase_create("pace");
    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_add_test(tc, test_pace_begins_with_one);
    tcase_add_test(tc, test_pace_grows_by_doubling);
    tcase_add_test(tc, test_pace_falls_at_once);
    tcase_add_test(tc, test_pace_aims_at_its_target);
    tcase_add_test(tc, test_pace_slow_records);
    tcase_add_test(tc, test_pace_shares_what_is_there);
    tcase_add_test(tc, test_pace_shares_no_crumbs);
    suite_add_tcase(suite, tc);
    return suite;
}
