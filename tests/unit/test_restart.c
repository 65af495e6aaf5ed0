/* test_restart.c - waits after deaths, and when a task is given up on. */
#include <check.h>

#include "supervisor/restart.h"
#include "tests/unit/random.h"

Suite *restart_suite(void);

#define WITHIN (60 * NS_PER_S)

static struct restart_task task;
static struct restart_worker worker;

static void
begin(void)
{
    restart_init(&task, 5, WITHIN, 1);
    worker = (struct restart_worker){0};
}

static void
end(void)
{
    restart_clear(&task);
}

static bool
dies(enum restart_death death, mono_ns now)
{
    return restart_died(&task, &worker, death, false, now).give_up;
}

START_TEST(test_restart_gives_up_after_max_deaths)
{
    for (int i = 0; i < 5; i++)
        ck_assert(!dies(RESTART_RUNNING, i));
    ck_assert(dies(RESTART_RUNNING, 5));
}
END_TEST

START_TEST(test_restart_counts_within_the_window_only)
{
    for (int i = 0; i < 5; i++)
        ck_assert(!dies(RESTART_RUNNING, i));
    ck_assert(!dies(RESTART_RUNNING, WITHIN + 1)); /* the first is over by a nanosecond */
    ck_assert(dies(RESTART_RUNNING, WITHIN + 1));  /* the second is still in */
}
END_TEST

START_TEST(test_restart_max_0_gives_up_at_once)
{
    restart_clear(&task);
    restart_init(&task, 0, WITHIN, 100);
    ck_assert(dies(RESTART_RUNNING, 0));
    ck_assert(dies(RESTART_AT_START, 0));
}
END_TEST

START_TEST(test_restart_counts_start_deaths_times_concurrency)
{
    restart_clear(&task);
    restart_init(&task, 5, WITHIN, 100);
    for (int i = 0; i < 500; i++)
        ck_assert(!dies(RESTART_AT_START, i));
    ck_assert(dies(RESTART_AT_START, 500));
    for (int i = 0; i < 5; i++) /* counted apart from the others */
        ck_assert(!dies(RESTART_RUNNING, i));
    ck_assert(dies(RESTART_RUNNING, 6));
}
END_TEST

START_TEST(test_restart_does_not_count_deaths_on_records)
{
    for (int i = 0; i < 1000; i++) {
        struct restart_decision d =
            restart_died(&task, &worker, i % 2 ? RESTART_ON_RECORD : RESTART_ASKED, i % 3, i);
        ck_assert(!d.give_up);
        ck_assert_int_eq(d.wait, 0);
    }
    ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, false, 0).wait, RESTART_BACKOFF_FIRST);
}
END_TEST

START_TEST(test_restart_backs_off_doubling)
{
    const int64_t ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000};
    for (uint32_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
        ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, false, 0).wait, ms[i] * NS_PER_MS);
}
END_TEST

START_TEST(test_restart_backs_off_anew_after_a_useful_life)
{
    for (int i = 0; i < 4; i++)
        dies(RESTART_RUNNING, 0);
    ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, true, 0).wait, RESTART_BACKOFF_FIRST);
    dies(RESTART_RUNNING, 0);
    restart_died(&task, &worker, RESTART_ON_RECORD, true, 0);
    ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, false, 0).wait, RESTART_BACKOFF_FIRST);
}
END_TEST

/* A useful life starts the waits anew, but does not take back the deaths: a task may not crash for ever. */
START_TEST(test_restart_gives_up_though_lives_are_useful)
{
    for (int i = 0; i < 5; i++)
        ck_assert(!restart_died(&task, &worker, RESTART_RUNNING, true, i).give_up);
    ck_assert(restart_died(&task, &worker, RESTART_RUNNING, true, 5).give_up);
}
END_TEST

START_TEST(test_restart_waits_are_each_workers_own)
{
    struct restart_worker other = {0};
    dies(RESTART_RUNNING, 0);
    dies(RESTART_RUNNING, 0);
    ck_assert_int_eq(restart_died(&task, &other, RESTART_RUNNING, false, 0).wait, RESTART_BACKOFF_FIRST);
    ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, false, 0).wait, 4 * RESTART_BACKOFF_FIRST);
}
END_TEST

START_TEST(test_restart_huge_max_means_never)
{
    restart_clear(&task);
    restart_init(&task, INT32_MAX, WITHIN, 4096);
    for (int i = 0; i < 200000; i++) {
        ck_assert(!dies(RESTART_RUNNING, 0));
        ck_assert(!dies(RESTART_AT_START, 0));
    }
    worker.in_a_row = UINT32_MAX; /* the count of deaths comes round */
    ck_assert_int_eq(restart_died(&task, &worker, RESTART_RUNNING, false, 0).wait, RESTART_BACKOFF_LONGEST);
}
END_TEST

/* The model keeps all deaths and counts those in the window. */
START_TEST(test_restart_random)
{
    static mono_ns times[2][2000];
    random_start("restart");
    for (int run = 0; run < 300; run++) {
        int64_t max = random_below(20), concurrency = 1 + random_below(10);
        mono_ns within = 1 + random_below(1000), now = 0;
        uint32_t n[2] = {0, 0};
        restart_clear(&task);
        restart_init(&task, max, within, concurrency);
        for (int i = 0; i < 1000; i++) {
            now += random_below(100);
            int at_start = random_once_in(2);
            times[at_start][n[at_start]++] = now;
            int64_t recent = 0;
            for (uint32_t k = n[at_start]; k-- > 0 && now - times[at_start][k] <= within;)
                recent++;
            ck_assert_int_eq(dies(at_start ? RESTART_AT_START : RESTART_RUNNING, now),
                             recent > (at_start ? max * concurrency : max));
        }
    }
}
END_TEST

Suite *
restart_suite(void)
{
    Suite *suite = suite_create("restart");
    TCase *tc = tcase_create("restart");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, test_restart_gives_up_after_max_deaths);
    tcase_add_test(tc, test_restart_counts_within_the_window_only);
    tcase_add_test(tc, test_restart_max_0_gives_up_at_once);
    tcase_add_test(tc, test_restart_counts_start_deaths_times_concurrency);
    tcase_add_test(tc, test_restart_does_not_count_deaths_on_records);
    tcase_add_test(tc, test_restart_backs_off_doubling);
    tcase_add_test(tc, test_restart_backs_off_anew_after_a_useful_life);
    tcase_add_test(tc, test_restart_gives_up_though_lives_are_useful);
    tcase_add_test(tc, test_restart_waits_are_each_workers_own);
    tcase_add_test(tc, test_restart_huge_max_means_never);
    tcase_add_test(tc, test_restart_random);
    suite_add_tcase(suite, tc);
    return suite;
}
