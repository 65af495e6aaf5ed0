/* test_schedule.c - the schedule against a model that counts step by step. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/schedule.h"

Suite *schedule_suite(void);

static uint64_t random_state;

static uint64_t
random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

static void
random_seed(const char *test)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("%s: HEADRACE_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    random_state = seed * 2 + 1; /* never zero */
}

START_TEST(test_first_step_is_one_interval_after_the_start)
{
    uint64_t step = 0, missed = 0;
    ck_assert(!schedule_due(1000, 50, 0, 999, &step, &missed));
    ck_assert(!schedule_due(1000, 50, 0, 1000, &step, &missed));
    ck_assert(!schedule_due(1000, 50, 0, 1049, &step, &missed));
    ck_assert(schedule_due(1000, 50, 0, 1050, &step, &missed));
    ck_assert_uint_eq(step, 1);
    ck_assert_uint_eq(missed, 0);
    ck_assert_int_eq(schedule_next(1000, 50, 0), 1050);
}
END_TEST

START_TEST(test_late_step_is_fired_once_and_the_rest_counted)
{
    uint64_t step = 0, missed = 0;
    ck_assert(schedule_due(0, 10, 2, 79, &step, &missed));
    ck_assert_uint_eq(step, 7);
    ck_assert_uint_eq(missed, 4); /* 3 4 5 6 */
    ck_assert(!schedule_due(0, 10, 7, 79, &step, &missed));
    ck_assert(!schedule_due(0, 10, 9, 79, &step, &missed)); /* asked with an older time */
}
END_TEST

START_TEST(test_ends_of_time)
{
    uint64_t step = 0, missed = 0;
    ck_assert(schedule_due(INT64_MIN, 1, 0, INT64_MAX, &step, &missed));
    ck_assert_uint_eq(step, UINT64_MAX);
    ck_assert_uint_eq(missed, UINT64_MAX - 1);
    ck_assert_int_eq(schedule_next(INT64_MIN, 1, UINT64_MAX), MONO_NEVER);
    ck_assert_int_eq(schedule_next(INT64_MAX - 5, 10, 0), MONO_NEVER);
    ck_assert_int_eq(schedule_at(5, INT64_MAX, 3), MONO_NEVER);
    /* 30 s for 200 years, exact to the nanosecond */
    ck_assert_int_eq(schedule_at(7, 30 * NS_PER_S, 210000000), 7 + 6300000000 * NS_PER_S);
}
END_TEST

struct model {
    mono_ns start, interval, now;
    uint64_t reached; /* the newest step that is due */
    uint64_t after;
    uint64_t fired, skipped;
};

/* advance moves the model's time, step by step. */
static void
advance(struct model *m, mono_ns by)
{
    m->now += by;
    while (m->start + (mono_ns)(m->reached + 1) * m->interval <= m->now)
        m->reached++;
}

static void
ask(struct model *m)
{
    uint64_t step = 0, missed = 0;
    bool due = schedule_due(m->start, m->interval, m->after, m->now, &step, &missed);
    ck_assert_int_eq(due, m->reached > m->after);
    if (!due)
        return;
    ck_assert_uint_eq(step, m->reached);
    ck_assert_uint_eq(missed, m->reached - m->after - 1);
    m->after = step;
    m->fired++;
    m->skipped += missed;
}

/* Whatever the moments at which it is asked: every step is fired or skipped, none twice, none before its
 * time. */
START_TEST(test_random_against_a_model)
{
    random_seed("schedule");
    for (int round = 0; round < 300; round++) {
        struct model m = {.start = (mono_ns)random_below(1000000) - 500000,
                          .interval = 1 + (mono_ns)random_below(round % 2 ? 5 : 100000)};
        m.now = m.start;
        for (int i = 0; i < 300; i++) {
            switch (random_below(3)) {
            case 0: /* exactly on time */
                advance(&m, schedule_next(m.start, m.interval, m.reached) - m.now);
                break;
            case 1:
                advance(&m, (mono_ns)random_below((uint64_t)m.interval * 4));
                break;
            default:
                advance(&m, (mono_ns)random_below((uint64_t)m.interval));
            }
            if (random_below(3))
                ask(&m);
            ck_assert_int_eq(schedule_next(m.start, m.interval, m.reached),
                             m.start + (mono_ns)(m.reached + 1) * m.interval);
        }
        ask(&m);
        ck_assert_uint_eq(m.fired + m.skipped, m.reached);
    }
}
END_TEST

Suite *
schedule_suite(void)
{
    Suite *suite = suite_create("schedule");
    TCase *c = tcase_create("schedule");
    tcase_add_test(c, test_first_step_is_one_interval_after_the_start);
    tcase_add_test(c, test_late_step_is_fired_once_and_the_rest_counted);
    tcase_add_test(c, test_ends_of_time);
    tcase_add_test(c, test_random_against_a_model);
    suite_add_tcase(suite, c);
    return suite;
}
