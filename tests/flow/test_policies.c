/* test_policies.c - what is done with records that fail for good, but for letters: the app stops, or a few
 * only are given up on, or they wait for as long as the task says. */
#include "tests/flow/app.h"
#include "tests/flow/dead.h"

#include <string.h>

#include "shared/clock.h"

START_TEST(test_stop)
{
    dead_broker();
    app_fill(1, 5);
    flow_send("records", 0, NULL, "0/5 fail");
    flow_send("records", 0, NULL, "0/6");
    flow_flush();
    for (int run = 1; run <= 2; run++) {
        const struct flow_record *records;
        struct flow_process *app =
            app_run(app_recorder("'on_failure': 'stop', 'attempts': 2", ""), "--until-end", NULL);
        flow_expect(app, 1);
        const char *line = app_line(app, "given up on");
        ck_assert_msg(strstr(line, "records:0:5") != NULL && strstr(line, "told to fail, attempt 2") != NULL,
                      "%s", line);
        ck_assert_int_eq((int)flow_committed("app.record", "records", 0), 5);
        ck_assert_int_eq((int)flow_records(&records), 5 + 2 * run);
        ck_assert_int_eq((int)records[5 + 2 * (run - 1)].offset, 5); /* the first of this run */
        ck_assert_int_eq(records[5 + 2 * (run - 1)].attempt, 1);
    }
    ck_assert_int_eq(flow_seen("0/6"), 0);
}
END_TEST

START_TEST(test_stop_on_a_crash)
{
    dead_broker();
    flow_send("records", 0, NULL, "0 crash");
    flow_flush();
    struct flow_process *app = app_run(app_recorder("'on_failure': 'stop', 'attempts': 2", ""), NULL);
    flow_expect(app, 1);
    ck_assert_int_eq(flow_seen(NULL), 2);
    ck_assert_int_eq(flow_lines(app->err, "supervisor given up on"), 1);
    ck_assert(!flow_said(app, "restart.max"));
}
END_TEST

/* A bad deployment does not empty the topic. */
static void
many_letters(const char *what)
{
    const struct flow_letter *letters;
    dead_broker();
    for (int i = 0; i < 50; i++)
        flow_send("records", 0, NULL, "%d %s", i, what);
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder(DEAD_LETTERS ", 'attempts': 1, 'dead_letter_limit': 5", ""), NULL);
    flow_expect(app, 1);
    int n = (int)flow_letters(DEAD_TOPIC, &letters);
    ck_assert_msg(n == 5 || n == 6, "%d letters", n); /* one more was in hand */
    ck_assert_int_eq((int)flow_committed("app.record", "records", 0), n);
    ck_assert_int_eq(flow_lines(app->err, "supervisor given up on"), 1);
    const char *line = app_line(app, "given up on");
    ck_assert_msg(strstr(line, "dead_letter_limit") != NULL, "%s", line);
}

START_TEST(test_many_that_fail)
{
    many_letters("fail");
}
END_TEST

START_TEST(test_many_that_crash)
{
    many_letters("crash");
}
END_TEST

/* Records that were in hand when the limit was reached and fail then are left for the next start. */
START_TEST(test_nothing_more_is_given_up_on)
{
    const struct flow_letter *letters;
    dead_broker();
    for (int i = 0; i < 4; i++)
        flow_send("records", 0, NULL, "%d late %s", i, flow_path("gate"));
    flow_flush();
    const char *task =
        DEAD_LETTERS ", 'order': 'none', 'concurrency': 4, 'attempts': 1, 'dead_letter_limit': 1";
    struct flow_process *app = app_run(app_recorder(task, ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 4, "four in hand");
    flow_write("gate", "%s", "");
    flow_expect(app, 1);
    ck_assert_int_eq((int)flow_letters(DEAD_TOPIC, &letters), 1);
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 1);
}
END_TEST

/* Those with something finished in between are single bad records, and 0 means never. */
START_TEST(test_limit_is_for_a_row)
{
    const struct flow_letter *letters;
    dead_broker();
    for (int i = 0; i < 30; i++)
        flow_send("records", 0, NULL, "%d %s", i, i % 5 == 4 ? "" : "reject");
    flow_flush();
    dead_run("'dead_letter_limit': 5");
    ck_assert_int_eq((int)flow_letters(DEAD_TOPIC, &letters), 24);
    for (int i = 0; i < 30; i++)
        flow_send("records", 0, NULL, "%d reject", i);
    flow_flush();
    dead_run("'dead_letter_limit': 0");
    ck_assert_int_eq((int)flow_letters(DEAD_TOPIC, &letters), 24 + 30);
}
END_TEST

/* The wait is the one that the body asked for, not that of the configuration; the lane waits with the record.
 */
START_TEST(test_retry_after)
{
    dead_broker();
    dead_send(7, "retry 0.4");
    mono_ns began = clock_mono();
    struct flow_process *app = dead_run("'backoff': ['1h', '1h']");
    ck_assert_int_ge(clock_mono() - began, 400 * NS_PER_MS);
    ck_assert_int_eq(flow_seen("0/7 retry 0.4"), 2);
    ck_assert_int_eq(flow_seen(NULL), 41);
    flow_check_order(true);
    const char *line = app_line(app, "tried again");
    ck_assert_msg(strstr(line, "records:0:7") != NULL && strstr(line, "in=400ms") != NULL, "%s", line);
}
END_TEST

Suite *
policies_suite(void)
{
    Suite *s = suite_create("policies");
    TCase *c = tcase_create("policies");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    suite_add_tcase(s, c);
    tcase_add_test(c, test_stop);
    tcase_add_test(c, test_stop_on_a_crash);
    tcase_add_test(c, test_many_that_fail);
    tcase_add_test(c, test_many_that_crash);
    tcase_add_test(c, test_nothing_more_is_given_up_on);
    tcase_add_test(c, test_limit_is_for_a_row);
    tcase_add_test(c, test_retry_after);
    return s;
}
