/* test_batches.c - hr_next_batch: records that are worked on together. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The configuration of the batcher, with members of its task. What fails for good is skipped, or where they say how many
 * attempts there are, dead-lettered. */
static const char *
batcher(const char *task)
{
    return app_json("batches.json",
                    "{'app': 'app', 'modules': ['%s'], 'commit_interval': '100ms', " APP_QUICK_GROUP ",\n"
                    " 'tasks': {'collect': {'backoff': ['10ms', '20ms'], 'on_failure': '%s'%s%s}}}\n",
                    flow_module("batcher"), strstr(task, "attempts") ? "dead-letter" : "skip", task[0] != '\0' ? ", " : "",
                    task);
}

static void
send_plain(int partition, int from, int to)
{
    for (int i = from; i < to; i++)
        flow_send("records", partition, NULL, "%d/%d", partition, i);
}

/* batches counts those of at least that size. */
static int
batches(int size)
{
    const struct flow_record *records;
    int n = 0;
    for (size_t i = 0, end = flow_records(&records); i < end; i++)
        n += strcmp(records[i].topic, "batch") == 0 && records[i].offset >= size;
    return n;
}

static int
seen(const char *value)
{
    return value ? flow_seen(value) : flow_seen(NULL) - flow_seen("-");
}

/* check_order: each record of a partition is seen first after the one before it. */
static void
check_order(int partitions, int n)
{
    const struct flow_record *records;
    int64_t next[8] = {0};
    for (size_t i = 0, end = flow_records(&records); i < end; i++) {
        const struct flow_record *r = &records[i];
        if (strcmp(r->topic, "records") != 0)
            continue;
        ck_assert_msg(r->offset <= next[r->partition], "%d: %lld is seen before %lld", r->partition, (long long)r->offset,
                      (long long)next[r->partition]);
        next[r->partition] += r->offset == next[r->partition];
    }
    for (int p = 0; p < partitions; p++)
        ck_assert_int_eq(next[p], n);
}

static struct flow_process *
run_to_end(const char *task)
{
    struct flow_process *app = app_run(batcher(task), "--until-end", NULL);
    flow_expect(app, 0);
    return app;
}

START_TEST(test_records_come_together)
{
    flow_broker("records:2", NULL);
    send_plain(0, 0, 1000);
    send_plain(1, 0, 1000);
    flow_flush();
    run_to_end("'concurrency': 2");
    ck_assert_int_eq(seen(NULL), 2000);
    check_order(2, 1000);
    ck_assert_int_ge(batches(50), 20);
    ck_assert_int_eq(batches(51), 0);
    ck_assert(flow_all_committed("app.collect", "records", 2));
}
END_TEST

/* Records that trickle in: a batch is what came within the time, and not the two frames that a worker gets at once. */
START_TEST(test_batch_waits_for_more)
{
    flow_broker("records:1", NULL);
    setenv("BATCHER_SECONDS", "1000", 1);
    setenv("BATCHER_MAX", "20", 1);
    struct flow_process *app = app_start(batcher(""), NULL);
    for (int i = 0; i < 20; i++) {
        send_plain(0, i, i + 1);
        flow_flush();
    }
    FLOW_UNTIL(batches(20) == 1, "the batch");
    ck_assert_int_eq(batches(1), 1);
    FLOW_UNTIL(flow_number("tasks.collect.processed") == -1 || flow_number("tasks.collect.workers.0.pid") > 0, "the app");
    app_stop(app);
}
END_TEST

/* The time is over with less than `max`: that is the batch. */
START_TEST(test_time_ends_the_collecting)
{
    flow_broker("records:1", NULL);
    send_plain(0, 0, 7);
    flow_flush();
    run_to_end("");
    ck_assert_int_eq(seen(NULL), 7);
    check_order(1, 7);
}
END_TEST

/* One that is failed alone is tried again before anything that comes after its batch; the others are finished. */
START_TEST(test_one_fails_alone)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < 300; i++)
        flow_send("records", 0, NULL, i % 60 == 7 ? "%d fail 1" : i % 60 == 6 ? "%d reject" : "%d", i);
    flow_flush();
    struct flow_process *app = run_to_end("");
    const struct flow_record *records;
    int64_t failed = -1;
    ck_assert_int_eq(seen(NULL), 300 + 5);
    ck_assert_int_eq(flow_lines(app->err, "record skipped"), 5);
    int in_batch = 0;
    for (size_t i = 0, end = flow_records(&records); i < end; i++) {
        const struct flow_record *r = &records[i];
        in_batch = strcmp(r->topic, "batch") == 0 ? 0 : in_batch + 1;
        if (in_batch == 1 && failed >= 0) { /* the first one of the next batch */
            ck_assert_int_eq(r->offset, failed);
            ck_assert_int_eq(r->attempt, 2);
            failed = -1;
        }
        if (in_batch > 0 && strstr(r->value, "fail") && r->attempt == 1)
            failed = r->offset;
    }
}
END_TEST

/* A batch that kills its worker is handed out again in halves, until the record is alone; no healthy one has an attempt
 * counted, let alone a dead letter. */
static void
find_the_one(const char *what, const char *reason)
{
    const struct flow_letter *letters;
    flow_broker("records:1", NULL);
    for (int i = 0; i < 200; i++)
        flow_send("records", 0, NULL, i == 71 ? "%d %s" : "%d", i, what);
    flow_flush();
    struct flow_process *app = run_to_end("'attempts': 2");
    ck_assert_uint_eq(flow_letters("app.collect.dlq", &letters), 1);
    ck_assert_str_eq(flow_letter_text(&letters[0], "headrace.offset"), "71");
    ck_assert_str_eq(flow_letter_text(&letters[0], "headrace.reason"), reason);
    ck_assert_str_eq(flow_letter_text(&letters[0], "headrace.attempts"), "2");
    ck_assert_int_ge(flow_lines(app->err, "a batch was on"), 2);
    check_order(1, 200);
    const struct flow_record *records;
    for (size_t i = 0, end = flow_records(&records); i < end; i++)
        ck_assert_int_le(records[i].attempt, records[i].offset == 71 ? 2 : 1);
}

START_TEST(test_crash_is_found_by_halves)
{
    find_the_one("crash", "crash: SIGSEGV");
}
END_TEST

START_TEST(test_return_is_found_by_halves)
{
    find_the_one("return", "returned: 3");
}
END_TEST

/* A stop lets the batch in hand finish, and ends the collecting of the next one. */
START_TEST(test_stop)
{
    flow_broker("records:1", NULL);
    setenv("BATCHER_MAX", "10", 1);
    setenv("BATCHER_SECONDS", "1000", 1);
    for (int i = 0; i < 15; i++)
        flow_send("records", 0, NULL, i == 9 ? "%d wait %s" : "%d", i, flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(batcher(""), NULL);
    FLOW_UNTIL(batches(10) == 1, "the first batch");
    flow_signal(app, SIGTERM);
    flow_await(app, "stopping");
    flow_write("gate", "open");
    flow_expect(app, 0);
    ck_assert_int_eq(flow_committed("app.collect", "records", 0), 10);
    ck_assert_int_eq(seen(NULL), 10);
    app_nothing_left();
}
END_TEST

START_TEST(test_batches_send_nothing)
{
    flow_broker("records:1", "elsewhere:1", NULL);
    flow_send("records", 0, NULL, "0 send");
    flow_flush();
    struct flow_process *app = run_to_end("");
    ck_assert_int_eq(flow_lines(app->err, "send: Operation not supported"), 1);
    ck_assert_int_eq(flow_end_offset("elsewhere", 0), 0);
}
END_TEST

/* `try` has all its lines at once, and no reason to wait. */
START_TEST(test_try)
{
    setenv("BATCHER_SECONDS", "1000", 1);
    const char *lines = flow_write("lines", "1\n2 reject\n3\n");
    struct flow_process *p = flow_call("headrace", "try", flow_module("batcher"), "collect", lines, NULL);
    flow_expect(p, 1);
    ck_assert(flow_said(p, "line 2: rejected: told to reject"));
    ck_assert_int_eq(batches(3), 1);
}
END_TEST

Suite *batches_suite(void);

Suite *
batches_suite(void)
{
    Suite *suite = suite_create("batches");
    TCase *tc = tcase_create("batches");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_add_test(tc, test_records_come_together);
    tcase_add_test(tc, test_batch_waits_for_more);
    tcase_add_test(tc, test_time_ends_the_collecting);
    tcase_add_test(tc, test_one_fails_alone);
    tcase_add_test(tc, test_crash_is_found_by_halves);
    tcase_add_test(tc, test_return_is_found_by_halves);
    tcase_add_test(tc, test_stop);
    tcase_add_test(tc, test_batches_send_nothing);
    tcase_add_test(tc, test_try);
    suite_add_tcase(suite, tc);
    return suite;
}
