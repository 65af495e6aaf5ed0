/* test_streams.c - records reach the workers: each once, in order, by however many. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Runs the recorder over 4 partitions with 250 records each, to their end. */
static struct flow_process *
run_to_end(const char *task, const char *option, const char *value)
{
    flow_broker("records:4", NULL);
    app_fill(4, 250);
    flow_flush();
    struct flow_process *app = app_run(app_recorder(task, ""), "--until-end", option, value, NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 4));
    app_nothing_left();
    return app;
}

START_TEST(test_one_worker)
{
    run_to_end("", NULL, NULL);
    app_all_once(4, 250);
    ck_assert_int_eq(app_workers_that_saw(), 1);
}
END_TEST

/* Four partitions, each with a record that waits for the gate and n behind it. */
static void
fill_behind_a_gate(int n)
{
    flow_broker("records:4", NULL);
    const char *gate = flow_path("gate");
    for (int p = 0; p < 4; p++)
        flow_send("records", p, NULL, "%d wait %s", p, gate);
    app_fill(4, n);
    flow_flush();
}

/* The command line wins over the configuration. All four partitions begin with a record that waits, so both
 * workers are needed. */
START_TEST(test_two_workers)
{
    fill_behind_a_gate(250);
    struct flow_process *app =
        app_run(app_recorder("'concurrency': 9", ""), "--until-end", "-c", "record=2", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 2, "two records that wait");
    ck_assert_int_eq(flow_count("headrace-worker record "), 2);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    app_all_once(4, 251);
    ck_assert_int_eq(app_workers_that_saw(), 2);
}
END_TEST

START_TEST(test_five_workers_four_partitions)
{
    struct flow_process *app = run_to_end("", "-w", "5");
    app_all_once(4, 250);
    ck_assert_int_le(app_workers_that_saw(), 5);
    const char *warning = app_line(app, "more workers than partitions");
    ck_assert_msg(strstr(warning, "workers=5") != NULL && strstr(warning, "partitions=4") != NULL, "%s",
                  warning);
}
END_TEST

/* The first record of each partition waits until all four are being worked on. */
START_TEST(test_partitions_run_at_once)
{
    fill_behind_a_gate(20);
    struct flow_process *app = app_run(app_recorder("'concurrency': 4", ""), "--until-end", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 4, "the first record of every partition");
    ck_assert_int_eq(app_workers_that_saw(), 4);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    app_all_once(4, 21);
}
END_TEST

START_TEST(test_order_none_spreads_one_partition)
{
    flow_broker("records:1", NULL);
    const char *gate = flow_path("gate");
    for (int i = 0; i < 5; i++)
        flow_send("records", 0, NULL, "%d wait %s", i, gate);
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder("'concurrency': 5, 'order': 'none'", ""), "--until-end", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 5, "five records of one partition at once");
    ck_assert_int_eq(app_workers_that_saw(), 5);
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    ck_assert_int_eq(flow_seen(NULL), 5);
    ck_assert(flow_all_committed("app.record", "records", 1));
    ck_assert(!flow_said(app, "more workers than partitions"));
}
END_TEST

/* A worker that stays on one record holds back nothing but the lane of that record, whatever else it was
 * given. */
START_TEST(test_nothing_waits_behind_a_long_record)
{
    bool partitions = _i == 1;
    int n = partitions ? 8 : 1;
    char topic[20];
    snprintf(topic, sizeof topic, "records:%d", n);
    flow_broker(topic, NULL);
    const char *gate = flow_path("gate");
    flow_send("records", 0, NULL, "0 wait %s", gate);
    app_fill(n, 20);
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder(partitions ? "'concurrency': 2" : "'concurrency': 2, 'order': 'none'", ""),
                "--until-end", NULL);
    int others = partitions ? 7 * 20 : 20;
    FLOW_UNTIL(flow_seen(NULL) == 1 + others, "all but what comes behind it in its own lane: %d of %d",
               flow_seen(NULL), 1 + others);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    ck_assert_int_eq(flow_seen(NULL), 1 + 20 * n);
    if (partitions)
        flow_check_order(false);
}
END_TEST

/* Kafka gives a key to a partition: the order of a key is the order of its partition. */
START_TEST(test_order_of_keys)
{
    flow_broker("records:3", NULL);
    for (int i = 0; i < 100; i++)
        for (int k = 0; k < 7; k++)
            flow_send("records", -1, flow_text("key%d", k), "%d:%d", k, i);
    flow_flush();
    flow_expect(app_run(app_recorder("'concurrency': 3", ""), "--until-end", NULL), 0);
    const struct flow_record *records;
    int next[7] = {0};
    ck_assert_int_eq((int)flow_records(&records), 700);
    for (size_t i = 0; i < 700; i++) {
        int key, number;
        ck_assert_int_eq(sscanf(records[i].value, "%d:%d", &key, &number), 2);
        ck_assert_int_eq(number, next[key]);
        next[key]++;
    }
}
END_TEST

/* What is sent while the app runs is worked on at once, and committed without a stop. */
START_TEST(test_records_that_come_later)
{
    flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", ""), NULL);
    for (int i = 0; i < 5; i++) {
        flow_send("records", i % 2, NULL, "%d", i);
        flow_flush();
        FLOW_UNTIL(flow_seen(flow_text("%d", i)) == 1, "record %d", i);
    }
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "the commits");
    app_stop(app);
    ck_assert_int_eq(flow_seen(NULL), 5);
}
END_TEST

/* A run goes on where the last one stopped. */
START_TEST(test_second_run_repeats_nothing)
{
    flow_broker("records:2", NULL);
    const char *configuration = app_recorder("", "");
    for (int i = 0; i < 2; i++) {
        app_fill(2, 30);
        flow_flush();
        flow_expect(app_run(configuration, "--until-end", NULL), 0);
        app_all_once(2, 30 * (i + 1));
    }
}
END_TEST

/* Two tasks on one topic: each sees all records, and a slow one does not hold back the other. */
START_TEST(test_tasks_are_groups_of_their_own)
{
    flow_broker("records:2", NULL);
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    flow_send("records", 0, NULL, "{\"severity\": \"ERROR\", \"message\": \"seen by both\"}");
    flow_flush();
    struct flow_process *app = app_start(
        app_json("app.json", "{'modules': ['%s', '%s'], 'tasks': {'process_logs': {'topic': 'records'}}}",
                 flow_module("recorder"), flow_example("logs")),
        NULL);
    flow_await(app, "ERROR: seen by both");
    FLOW_UNTIL(flow_seen(NULL) == 1, "the first record");
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_seen(NULL) == 2, "the second record");
    app_stop(app);
    ck_assert_int_eq((int)flow_committed("app.record", "records", 0), 2);
    ck_assert_int_eq((int)flow_committed("app.process_logs", "records", 0), 2);
}
END_TEST

Suite *
streams_suite(void)
{
    Suite *s = suite_create("streams");
    TCase *c = tcase_create("streams");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_one_worker);
    tcase_add_test(c, test_two_workers);
    tcase_add_test(c, test_five_workers_four_partitions);
    tcase_add_test(c, test_partitions_run_at_once);
    tcase_add_test(c, test_order_none_spreads_one_partition);
    tcase_add_loop_test(c, test_nothing_waits_behind_a_long_record, 0, 2);
    tcase_add_test(c, test_order_of_keys);
    tcase_add_test(c, test_records_that_come_later);
    tcase_add_test(c, test_second_run_repeats_nothing);
    tcase_add_test(c, test_tasks_are_groups_of_their_own);
    suite_add_tcase(s, c);
    return s;
}
