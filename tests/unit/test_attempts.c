/* test_attempts.c - again, and when, or given up: at the edges, and over all attempts. */
#include <check.h>

#include "supervisor/attempts.h"
#include "tests/unit/random.h"

Suite *attempts_suite(void);

static const struct attempts_policy usual = {
    .attempts = 5, .backoff_first = NS_PER_S, .backoff_longest = 60 * NS_PER_S};

START_TEST(test_attempts_end)
{
    for (uint32_t attempt = 1; attempt < 5; attempt++)
        ck_assert(attempts_decide(&usual, attempt, false, -1, 0).again);
    ck_assert(!attempts_decide(&usual, 5, false, -1, 0).again);
    ck_assert(!attempts_decide(&usual, 6, false, -1, 0).again);
    ck_assert(!attempts_decide(&usual, UINT32_MAX, false, -1, 0).again);
}
END_TEST

START_TEST(test_attempts_of_one_are_no_second)
{
    struct attempts_policy once = usual;
    once.attempts = 1;
    ck_assert(!attempts_decide(&once, 1, false, -1, 0).again);
}
END_TEST

START_TEST(test_attempts_end_with_a_rejection)
{
    ck_assert(!attempts_decide(&usual, 1, true, -1, 0).again);
}
END_TEST

START_TEST(test_attempts_waits_double_up_to_the_longest)
{
    struct attempts_policy policy = {
        .attempts = 100, .backoff_first = NS_PER_S, .backoff_longest = 60 * NS_PER_S};
    const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (uint32_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        ck_assert_int_eq(attempts_decide(&policy, i + 1, false, -1, 0).wait, seconds[i] * NS_PER_S);
}
END_TEST

START_TEST(test_attempts_waits_spread_over_the_upper_half)
{
    for (uint32_t attempt = 1; attempt < 5; attempt++) {
        mono_ns longest = attempts_decide(&usual, attempt, false, -1, 0).wait;
        mono_ns shortest = attempts_decide(&usual, attempt, false, -1, UINT32_MAX).wait;
        ck_assert_int_ge(shortest, longest / 2);
        ck_assert_int_le(shortest, longest / 2 + 10);
    }
}
END_TEST

START_TEST(test_attempts_first_backoff_longer_than_the_longest)
{
    struct attempts_policy policy = {
        .attempts = 9, .backoff_first = 90 * NS_PER_S, .backoff_longest = 60 * NS_PER_S};
    for (uint32_t attempt = 1; attempt < 9; attempt++)
        ck_assert_int_eq(attempts_decide(&policy, attempt, false, -1, 0).wait, 60 * NS_PER_S);
}
END_TEST

START_TEST(test_attempts_wait_as_long_as_was_asked)
{
    ck_assert_int_eq(attempts_decide(&usual, 1, false, 7 * NS_PER_MS, UINT32_MAX).wait, 7 * NS_PER_MS);
    ck_assert_int_eq(attempts_decide(&usual, 4, false, 0, 5).wait, 0);
    ck_assert(!attempts_decide(&usual, 5, false, 0, 5).again);
    ck_assert(!attempts_decide(&usual, 1, true, 0, 5).again);
}
END_TEST

START_TEST(test_attempts_do_not_overflow)
{
    struct attempts_policy policy = {.attempts = INT32_MAX, .backoff_first = 3, .backoff_longest = INT64_MAX};
    ck_assert_int_eq(attempts_decide(&policy, INT32_MAX - 1, false, -1, 0).wait, INT64_MAX);
    ck_assert_int_ge(attempts_decide(&policy, INT32_MAX - 1, false, -1, UINT32_MAX).wait, INT64_MAX / 2);
}
END_TEST

/* A task without backoff may be at its millionth attempt: the decision must not take a million steps. */
START_TEST(test_attempts_without_backoff_are_decided_at_once)
{
    struct attempts_policy policy = {.attempts = INT32_MAX, .backoff_first = 0, .backoff_longest = NS_PER_S};
    mono_ns start = clock_mono();
    for (uint32_t i = 1; i <= 1000; i++)
        ck_assert_int_eq(attempts_decide(&policy, INT32_MAX - i, false, -1, i).wait, 0);
    ck_assert_int_lt(clock_mono() - start, 10 * NS_PER_S); /* a thousand times 2^31 steps take far longer */
}
END_TEST

START_TEST(test_attempts_random)
{
    random_start("attempts");
    for (int run = 0; run < 100000; run++) {
        struct attempts_policy policy = {.attempts = 1 + random_below(1000),
                                         .backoff_first = random_below(1000) * NS_PER_MS,
                                         .backoff_longest = random_below(100000) * NS_PER_MS};
        uint32_t attempt = 1 + random_below(1100);
        struct attempts_decision d = attempts_decide(&policy, attempt, false, -1, (uint32_t)random_next());
        ck_assert_int_eq(d.again, attempt < policy.attempts);
        mono_ns wait = policy.backoff_first;
        for (uint32_t i = 1; i < attempt && wait > 0 && wait < policy.backoff_longest; i++)
            wait *= 2;
        wait = mono_earlier(wait, policy.backoff_longest);
        if (d.again) {
            ck_assert_int_le(d.wait, wait);
            ck_assert_int_ge(d.wait, wait / 2);
        }
    }
}
END_TEST

Suite *
attempts_suite(void)
{
    Suite *suite = suite_create("attempts");
    TCase *tc = tcase_create("attempts");
    tcase_add_test(tc, test_attempts_end);
    tcase_add_test(tc, test_attempts_of_one_are_no_second);
    tcase_add_test(tc, test_attempts_end_with_a_rejection);
    tcase_add_test(tc, test_attempts_waits_double_up_to_the_longest);
    tcase_add_test(tc, test_attempts_waits_spread_over_the_upper_half);
    tcase_add_test(tc, test_attempts_first_backoff_longer_than_the_longest);
    tcase_add_test(tc, test_attempts_wait_as_long_as_was_asked);
    tcase_add_test(tc, test_attempts_do_not_overflow);
    tcase_add_test(tc, test_attempts_without_backoff_are_decided_at_once);
    tcase_add_test(tc, test_attempts_random);
    suite_add_tcase(suite, tc);
    return suite;
}
