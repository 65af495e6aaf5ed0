/* test_failures.c - records that fail: tried again, then skipped with a line that says which and why. */
#include "tests/flow/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEN_MB (10 * 1000 * 1000)

static struct flow_process *
run_to_end(const char *task)
{
    struct flow_process *app = app_run(app_recorder(task, ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 1));
    return app;
}

static void
check_says(const struct flow_process *app, const char *line_with, const char *text)
{
    const char *line = app_line(app, line_with);
    ck_assert_msg(strstr(line, text) != NULL, "\"%s\" is not in the line with \"%s\": %s", text, line_with,
                  line);
}

START_TEST(test_fail_is_tried_again)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0");
    flow_send("records", 0, NULL, "1 fail 2");
    flow_send("records", 0, NULL, "2");
    flow_flush();
    struct flow_process *app = run_to_end("'attempts': 3");
    ck_assert_int_eq(flow_seen("0"), 1);
    ck_assert_int_eq(flow_seen("1 fail 2"), 3);
    ck_assert_int_eq(flow_seen("2"), 1);
    flow_check_order(true);
    check_says(app, "attempt=1", "records:0:1");
    check_says(app, "attempt=2", "told to fail, attempt 2");
    ck_assert(!flow_said(app, "record skipped"));
}
END_TEST

START_TEST(test_fail_for_good_is_skipped)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 fail");
    flow_send("records", 0, NULL, "1");
    flow_flush();
    struct flow_process *app = run_to_end("'attempts': 3");
    ck_assert_int_eq(flow_seen("0 fail"), 3);
    ck_assert_int_eq(flow_seen("1"), 1);
    flow_check_order(true);
    check_says(app, "record skipped", "record=records:0:0");
    check_says(app, "record skipped", "attempts=3");
    check_says(app, "record skipped", "failed: told to fail, attempt 3");
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), 1);
}
END_TEST

/* A record that waits for its next attempt holds back its own partition only. */
START_TEST(test_others_go_on_meanwhile)
{
    flow_broker("records:2", NULL);
    flow_send("records", 0, NULL, "0/0 fail 1");
    flow_send("records", 0, NULL, "0/1");
    flow_send("records", 1, NULL, "1/0");
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'backoff': ['1h', '1h']", ""), NULL);
    flow_await(app, "tried again");
    flow_send("records", 1, NULL, "1/1");
    flow_flush();
    FLOW_UNTIL(flow_seen("1/1") == 1, "the other partition");
    ck_assert_int_eq(flow_seen("0/1"), 0);
    app_stop(app); /* and does not hold back the stop */
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
    ck_assert_int_eq((int)flow_committed("app.record", "records", 1), 2);
}
END_TEST

/* Among records that take no time, so that many are in a batch: the worker passes over what follows a failed
 * record, and that is handed out again behind it, in order. */
START_TEST(test_failure_in_a_batch_repeats_one_record)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < 4000; i++)
        flow_send("records", 0, NULL, i % 500 == 499 ? "%d fail 1" : "%d", i);
    flow_flush();
    struct flow_process *app = run_to_end("");
    ck_assert_int_eq(flow_seen(NULL), 4000 + 8);
    flow_check_order(true);
    ck_assert(!flow_said(app, "worker ended"));
}
END_TEST

/* With order none each record is a lane of its own: those behind it in its partition go on, too. */
START_TEST(test_without_order_nobody_waits)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0/0 fail 1");
    flow_send("records", 0, NULL, "0/1");
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'order': 'none', 'backoff': ['1h', '1h']", ""), NULL);
    flow_await(app, "tried again");
    flow_send("records", 0, NULL, "0/2");
    flow_flush();
    FLOW_UNTIL(flow_seen("0/1") + flow_seen("0/2") == 2, "those behind it");
    ck_assert_int_eq(flow_seen("0/0 fail 1"), 1);
    app_stop(app);
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0); /* it is not lost */
}
END_TEST

/* The wait before each further attempt, as the log says it and as it was: doubling up to the longest, the
 * upper half at random. */
START_TEST(test_backoff_doubles)
{
    static const int longest[] = {40, 80, 100, 100};
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 fail");
    flow_flush();
    struct flow_process *app = run_to_end("'attempts': 5, 'backoff': ['40ms', '100ms']");
    for (int i = 0; i < 4; i++) {
        int wait = -1;
        const char *line = app_line(app, flow_text("attempt=%d ", i + 1)), *in = strstr(line, " in=");
        ck_assert_msg(in != NULL && sscanf(in, " in=%dms", &wait) == 1, "no wait in: %s", line);
        ck_assert_int_ge(wait, longest[i] / 2);
        ck_assert_int_le(wait, longest[i]);
        const char *failed_again = app_line(app, i < 3 ? flow_text("attempt=%d ", i + 2) : "record skipped");
        ck_assert_int_ge(app_ms_between(line, failed_again), wait - 1); /* rounding */
    }
}
END_TEST

START_TEST(test_reject_is_skipped_at_once)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 reject");
    flow_send("records", 0, NULL, "1");
    flow_flush();
    struct flow_process *app = run_to_end("'attempts': 3");
    ck_assert_int_eq(flow_seen("0 reject"), 1);
    ck_assert_int_eq(flow_seen("1"), 1);
    check_says(app, "record skipped", "attempts=1");
    check_says(app, "record skipped", "rejected: told to reject");
}
END_TEST

START_TEST(test_failures_are_counted)
{
    flow_broker("records:1", NULL);
    const char *const values[] = {"0", "1 fail 1", "2 fail", "3 reject", "4"};
    for (int i = 0; i < 5; i++)
        flow_send("records", 0, NULL, "%s", values[i]);
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'attempts': 2", ""), NULL);
    FLOW_UNTIL(flow_number("tasks.record.processed") == 3, "three records processed");
    ck_assert_int_eq((int)flow_number("tasks.record.failed"), 4);
    ck_assert_int_eq((int)flow_number("tasks.record.retried"), 2);
    ck_assert_int_eq((int)flow_number("tasks.record.skipped"), 2);
    ck_assert_int_eq((int)flow_number("counters.recorded"), 7);
    app_stop(app);
}
END_TEST

/* ---- records that are no log records, through the example ---- */

static struct flow_process *
run_logs(int partitions)
{
    flow_flush();
    struct flow_process *app = app_run(
        app_json("logs.json", "{'modules': ['%s'], 'tasks': {'process_logs': {'on_failure': 'skip'}}}",
                 flow_example("logs")),
        "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("logs.process_logs", "logs", partitions));
    ck_assert(!flow_said(app, "worker ended"));
    return app;
}

/* Each is skipped with a line that names it, and no worker ends of it. */
START_TEST(test_records_of_another_shape)
{
    static const struct {
        const char *value, *reason;
    } records[] = {
        {"", "decode: "},
        {"not JSON", "decode: "},
        {"{\"severity\": \"INFO\"", "decode: "},
        {"\xff\xfe{}", "decode: "},
        {"{\"severity\": \"INFO\", \"message\": \"\xc3\x28\"}", "decode: "},
        {"[1, 2]", "decode: "},
        {"null", "decode: "},
        {"{\"severity\": \"INFO\"}", "message"},
        {"{\"severity\": 5, \"message\": \"m\"}", "severity"},
        {"{\"severity\": null, \"message\": \"m\"}", "severity"},
    };
    int n = (int)(sizeof records / sizeof *records);
    flow_broker("logs:1", NULL);
    for (int i = 0; i < n; i++)
        flow_send("logs", 0, "key", "%s", records[i].value);
    flow_send("logs", 0, NULL, "{\"severity\": \"ERROR\", \"message\": \"a good one\", \"more\": [1]}");
    struct flow_process *app = run_logs(1);
    ck_assert(flow_said(app, "ERROR: a good one"));
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), n);
    for (int i = 0; i < n; i++)
        check_says(app, flow_text("record=logs:0:%d ", i), records[i].reason);
}
END_TEST

START_TEST(test_records_without_a_value_or_key)
{
    flow_broker("logs:1", NULL);
    flow_send_bytes("logs", 0, "key", 3, NULL, 0);
    flow_send_bytes("logs", 0, NULL, 0, NULL, 0);
    flow_send_bytes("logs", 0, "", 0, "", 0);
    flow_send_bytes("logs", 0, "\0\xff", 2, "\0", 1);
    flow_send("logs", 0, NULL, "{\"severity\": \"ERROR\", \"message\": \"a good one\"}");
    struct flow_process *app = run_logs(1);
    ck_assert(flow_said(app, "ERROR: a good one"));
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), 4);
    ck_assert_int_eq(flow_lines(app->err, "decode: "), 4);
}
END_TEST

/* The embedded broker keeps 5 MB: a larger record is not to be had from it. */
START_TEST(test_records_of_4_mb)
{
    static const char start[] = "{\"severity\": \"ERROR\", \"message\": \"";
    size_t size = 4 * 1000 * 1000;
    char *value = malloc(size);
    ck_assert_ptr_nonnull(value);
    memset(value, 'x', size);
    memcpy(value, start, sizeof start - 1);
    memcpy(value + size - 2, "\"}", 2);
    flow_broker("logs:2", NULL);
    flow_send_bytes("logs", 0, NULL, 0, value, size);
    flow_send_bytes("logs", 1, NULL, 0, value, size - 1); /* not JSON */
    free(value);
    flow_send("logs", 0, NULL, "{\"severity\": \"ERROR\", \"message\": \"a good one\"}");
    struct flow_process *app = run_logs(2);
    ck_assert(flow_said(app, "ERROR: a good one"));
    ck_assert(flow_said(app, "ERROR: xxxxxxxx"));
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), 1);
    check_says(app, "record skipped", "record=logs:1:0 ");
}
END_TEST

/* So large ones go through the task alone. */
START_TEST(test_records_of_10_mb)
{
    static const char start[] = "{\"severity\": \"ERROR\", \"message\": \"";
    const char *path = flow_path("lines");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int line = 0; line < 2; line++) {
        fputs(start, file);
        for (int i = 0; i < TEN_MB; i++)
            putc('x', file);
        fputs(line == 0 ? "\n" : "\"}\n", file);
    }
    ck_assert_int_eq(fclose(file), 0);
    struct flow_process *p = flow_call("headrace", "try", flow_example("logs"), "process_logs", path, NULL);
    flow_expect(p, 1);
    ck_assert_int_eq(flow_lines(p->out, "ERROR: xxxx"), 1);
}
END_TEST

Suite *
failures_suite(void)
{
    Suite *s = suite_create("failures");
    TCase *c = tcase_create("failures");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_fail_is_tried_again);
    tcase_add_test(c, test_fail_for_good_is_skipped);
    tcase_add_test(c, test_others_go_on_meanwhile);
    tcase_add_test(c, test_failure_in_a_batch_repeats_one_record);
    tcase_add_test(c, test_without_order_nobody_waits);
    tcase_add_test(c, test_backoff_doubles);
    tcase_add_test(c, test_reject_is_skipped_at_once);
    tcase_add_test(c, test_failures_are_counted);
    suite_add_tcase(s, c);
    c = tcase_create("shapes");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_records_of_another_shape);
    tcase_add_test(c, test_records_without_a_value_or_key);
    tcase_add_test(c, test_records_of_4_mb);
    tcase_add_test(c, test_records_of_10_mb);
    suite_add_tcase(s, c);
    return s;
}
