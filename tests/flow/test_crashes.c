/* test_crashes.c - workers that die: the record they were on has had an attempt, and nobody else notices. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* One record of the partition between others does `what`; three attempts, then it is skipped. */
static struct flow_process *
die_on_a_record(const char *what)
{
    flow_broker("records:2", NULL);
    for (int i = 0; i < 60; i++) {
        flow_send("records", 0, NULL, i == 20 ? "0/%d %s" : "0/%d", i, what);
        flow_send("records", 1, NULL, "1/%d", i);
    }
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder("'attempts': 3, 'concurrency': 2", ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    ck_assert_int_eq(flow_seen(flow_text("0/20 %s", what)), 3);
    ck_assert_int_eq(flow_seen(NULL), 2 * 60 + 2); /* what was finished is not repeated */
    flow_check_order(true);
    return app;
}

/* `record` is what the obituary names. */
static void
check_reason(const struct flow_process *app, const char *reason, const char *record)
{
    const char *skipped = app_line(app, "record skipped");
    ck_assert_msg(strstr(skipped, reason) != NULL && strstr(skipped, "records:0:20") != NULL &&
                      strstr(skipped, "attempts=3") != NULL,
                  "%s", skipped);
    ck_assert_int_eq(flow_lines(app->err, flow_text("cause=\"%s\"", reason)), 3);
    const char *obituary = app_line(app, "worker ended");
    const char *const words[] = {"task=record",
                                 "instance=",
                                 "pid=",
                                 reason,
                                 record,
                                 "next=0ms",
                                 "try=\"headrace try ",
                                 flow_text(" record --record records:0:20 --debug -b %s\"", flow_brokers())};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(obituary, words[i]) != NULL, "no \"%s\" in: %s", words[i], obituary);
}

START_TEST(test_segmentation_fault)
{
    check_reason(die_on_a_record("crash"), "crash: SIGSEGV", "record=records:0:20");
}
END_TEST

START_TEST(test_abort)
{
    check_reason(die_on_a_record("abort"), "crash: SIGABRT", "record=records:0:20");
}
END_TEST

START_TEST(test_exit)
{
    check_reason(die_on_a_record("exit 3"), "exit: 3", "record=records:0:20");
}
END_TEST

START_TEST(test_exit_0)
{
    check_reason(die_on_a_record("exit 0"), "exit: 0", "record=records:0:20");
}
END_TEST

START_TEST(test_return)
{
    check_reason(die_on_a_record("return 2"), "returned: 2", "record=records:0:20");
}
END_TEST

START_TEST(test_return_0)
{
    check_reason(die_on_a_record("return 0"), "returned: 0", "record=records:0:20");
}
END_TEST

/* Any number of records that kill stops nobody: that is no crash loop. */
static void
many_that_kill(const char *what)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < 24; i++)
        flow_send("records", 0, NULL, "%d %s", i, i % 2 == 0 ? what : "");
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder("'attempts': 1, 'restart': {'max': 5}", ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_eq(flow_seen(NULL), 24);
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), 12);
}

START_TEST(test_many_records_that_crash)
{
    many_that_kill("crash");
}
END_TEST

START_TEST(test_many_records_that_return)
{
    many_that_kill("return 1");
}
END_TEST

/* Among records that take no time, so that many are in a batch: what was finished before the one that kills
 * is not repeated, what comes after it is handed out again, in order. */
START_TEST(test_crash_in_a_batch_repeats_one_record)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < 4000; i++)
        flow_send("records", 0, NULL, i % 500 == 499 ? "%d crash 1" : "%d", i);
    flow_flush();
    struct flow_process *app = app_run(app_recorder("", ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_eq(flow_seen(NULL), 4000 + 8);
    flow_check_order(true);
    const struct flow_record *records;
    for (size_t i = 0, n = flow_records(&records); i < n; i++)
        ck_assert_msg(records[i].attempt == 1 || records[i].offset % 500 == 499, "offset %lld has attempt %d",
                      (long long)records[i].offset, records[i].attempt);
}
END_TEST

/* A record that was on a worker that died is handed out alone: nothing is with the worker behind it. */
START_TEST(test_suspect_is_alone)
{
    flow_broker("records:1", NULL);
    const char *suspect = flow_text("0 fall %s", flow_path("gate"));
    flow_send("records", 0, NULL, "%s", suspect);
    for (int i = 1; i < 20; i++)
        flow_send("records", 0, NULL, "%d", i);
    flow_flush();
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    FLOW_UNTIL(flow_seen(suspect) == 2, "its second attempt");
    ck_assert_int_eq(flow_number("tasks.record.partitions.0.in_flight"), 1);
    ck_assert_int_eq(flow_seen(NULL), 2);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_seen(NULL) == 21, "the others");
    app_stop(app);
}
END_TEST

START_TEST(test_others_go_on_while_workers_die)
{
    flow_broker("records:4", NULL);
    for (int i = 0; i < 40; i++)
        for (int p = 0; p < 4; p++)
            flow_send("records", p, NULL, "%d/%d %s", p, i, p == 3 && i % 4 == 0 ? "crash 2" : "");
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder("'attempts': 3, 'concurrency': 3", ""), "--until-end", NULL);
    flow_expect(app, 0);
    flow_check_order(true);
    ck_assert_int_eq(flow_seen(NULL), 4 * 40 + 2 * 10);
    ck_assert_int_eq(flow_lines(app->err, "record=records:3:"), 2 * 20); /* the failure, and the obituary */
    ck_assert(!flow_said(app, "record skipped"));
}
END_TEST

/* ---- workers that are killed from outside ---- */

START_TEST(test_idle_workers_are_killed)
{
    flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", ""), NULL);
    for (int i = 0; i < 4; i++) {
        pid_t pid = app_kill("record", i % 2, SIGKILL);
        FLOW_UNTIL(app_worker("record", i % 2) > 0 && app_worker("record", i % 2) != pid, "its successor");
    }
    app_fill(2, 10);
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == 20, "the records");
    app_stop(app);
    app_all_once(2, 10);
    ck_assert_int_eq(flow_lines(app->err, "cause=\"crash: SIGKILL\" record=none"), 4);
}
END_TEST

/* A worker that is told to end finishes its record and is replaced: nothing is repeated, no attempt is
 * counted. */
START_TEST(test_worker_is_told_to_end)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    for (int i = 1; i < 30; i++)
        flow_send("records", 0, NULL, "0/%d", i);
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'attempts': 1", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the first record");
    app_kill("record", 0, SIGTERM);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_seen(NULL) == 30, "all records");
    app_stop(app);
    app_all_once(1, 30);
    ck_assert_int_eq(app_workers_that_saw(), 2);
    ck_assert(!flow_said(app, "attempt="));
    ck_assert(!flow_said(app, "record skipped"));
}
END_TEST

/* Told on every record, by itself: it is the supervisor's word that counts as asked for, over and over. */
START_TEST(test_worker_is_told_on_every_record)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < 12; i++)
        flow_send("records", 0, NULL, "0/%d term", i);
    flow_flush();
    flow_expect(app_run(app_recorder("'attempts': 1", ""), "--until-end", NULL), 0);
    app_all_once(1, 12);
    ck_assert_int_eq(app_workers_that_saw(), 12);
}
END_TEST

START_TEST(test_descriptors_are_given_back)
{
    flow_broker("records:1", NULL);
    struct flow_process *app = app_start(app_recorder("'attempts': 1", ""), NULL);
    flow_send("records", 0, NULL, "0");
    flow_flush();
    FLOW_UNTIL(flow_seen("0") == 1, "the first record");
    int before = flow_descriptors(app->pid);
    for (int i = 0; i < 20; i++)
        flow_send("records", 0, NULL, "1 crash");
    flow_send("records", 0, NULL, "2");
    flow_flush();
    FLOW_UNTIL(flow_seen("2") == 1, "the last record");
    FLOW_UNTIL(flow_descriptors(app->pid) <= before, "%d descriptors, %d before", flow_descriptors(app->pid),
               before);
    app_stop(app);
}
END_TEST

/* ---- crash loops ---- */

START_TEST(test_dies_at_every_start)
{
    flow_broker("records:1", NULL);
    setenv("RECORDER_START", "exit 3", 1);
    struct flow_process *app = app_run(app_recorder("'restart': {'max': 3}", ""), NULL);
    flow_expect(app, 1);
    ck_assert_int_eq(flow_lines(app->err, "cause=\"exit: 3\" record=none"), 4);
    const char *line = app_line(app, "given up on");
    ck_assert_msg(strstr(line, "task=record") != NULL && strstr(line, "exit: 3") != NULL, "%s", line);
    app_nothing_left();
}
END_TEST

/* Each of them is waited for longer than for the one before. */
START_TEST(test_waits_between_deaths_double)
{
    flow_broker("records:1", NULL);
    setenv("RECORDER_START", "exit 3", 1);
    struct flow_process *app = app_run(app_recorder("'restart': {'max': 3}", ""), NULL);
    flow_expect(app, 1);
    const char *const waits[] = {"next=100ms", "next=200ms", "next=400ms", "next=none"};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        ck_assert_int_eq(flow_lines(app->err, waits[i]), 1);
}
END_TEST

/* A module that can be described, and that fails in its setup once the workers are to be born. */
START_TEST(test_setup_fails_at_every_start)
{
    flow_broker("records:1", NULL);
    setenv("SETUP_FILE", flow_path("setups"), 1);
    struct flow_process *app =
        app_run(app_json("app.json", "{'modules': ['%s'], 'tasks': {'never': {'restart': {'max': 2}}}}",
                         flow_module("setup_later")),
                NULL);
    flow_expect(app, 1);
    ck_assert_int_eq(flow_lines(flow_path("setups"), "setup"), 1 + 3); /* described, and three lives */
    ck_assert_int_eq(flow_lines(app->err, "cause=\"setup: "), 3);
    const char *line = app_line(app, "given up on");
    ck_assert_msg(strstr(line, "task=never") != NULL && strstr(line, "setup: ") != NULL, "%s", line);
    app_nothing_left();
}
END_TEST

START_TEST(test_returns_at_every_start)
{
    flow_broker("records:1", NULL);
    setenv("RECORDER_START", "return 5", 1);
    struct flow_process *app = app_run(app_recorder("'restart': {'max': 2}, 'concurrency': 2", ""), NULL);
    flow_expect(app, 1);
    ck_assert_int_ge(flow_lines(app->err, "cause=\"returned: 5\" record=none"), 3);
    app_nothing_left();
}
END_TEST

Suite *
crashes_suite(void)
{
    Suite *s = suite_create("crashes");
    TCase *c = tcase_create("on a record");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_segmentation_fault);
    tcase_add_test(c, test_abort);
    tcase_add_test(c, test_exit);
    tcase_add_test(c, test_exit_0);
    tcase_add_test(c, test_return);
    tcase_add_test(c, test_return_0);
    tcase_add_test(c, test_many_records_that_crash);
    tcase_add_test(c, test_many_records_that_return);
    tcase_add_test(c, test_crash_in_a_batch_repeats_one_record);
    tcase_add_test(c, test_suspect_is_alone);
    tcase_add_test(c, test_others_go_on_while_workers_die);
    suite_add_tcase(s, c);
    c = tcase_create("from outside");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_idle_workers_are_killed);
    tcase_add_test(c, test_worker_is_told_to_end);
    tcase_add_test(c, test_worker_is_told_on_every_record);
    tcase_add_test(c, test_descriptors_are_given_back);
    suite_add_tcase(s, c);
    c = tcase_create("crash loop");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_dies_at_every_start);
    tcase_add_test(c, test_waits_between_deaths_double);
    tcase_add_test(c, test_setup_fails_at_every_start);
    tcase_add_test(c, test_returns_at_every_start);
    suite_add_tcase(s, c);
    return s;
}
