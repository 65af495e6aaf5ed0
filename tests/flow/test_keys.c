/* test_keys.c - order `key`: what has one key keeps its order, and nobody waits for another one's key.
 *
 * The first word of a value is KEY/NUMBER; the numbers of a key count up from 0. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 20
#define BY_KEY "'order': 'key', 'concurrency': 4"

static int sent[KEYS];

/* send_next sends the next record of a key, to the partition of that key. */
static void
send_next(int key, const char *what)
{
    flow_send("records", key % 2, flow_text("key %d", key), "%d/%d %s", key, sent[key]++, what);
}

static void
begin(int partitions)
{
    memset(sent, 0, sizeof sent);
    flow_broker(flow_text("records:%d", partitions), NULL);
}

/* check_keys fails the test where a key's record was seen before the one before it, or not at all. Repeats of
 * what was seen are allowed, from some record on. */
static void
check_keys(void)
{
    const struct flow_record *records;
    int last[KEYS];
    for (int key = 0; key < KEYS; key++)
        last[key] = -1;
    for (size_t i = 0, n = flow_records(&records); i < n; i++) {
        int key = -1, number = -1;
        ck_assert_int_eq(sscanf(records[i].value, "%d/%d", &key, &number), 2);
        ck_assert_msg(number <= last[key] + 1, "key %d: %d is seen after %d (line %zu)", key, number,
                      last[key], i + 1);
        last[key] = number;
    }
    for (int key = 0; key < KEYS; key++)
        ck_assert_msg(last[key] == sent[key] - 1, "key %d was seen up to %d of %d", key, last[key],
                      sent[key] - 1);
}

static void
send_mixed(int n)
{
    static const char *const mishaps[] = {"crash 1", "fail 1", "exit 3", "fail 2"};
    for (int i = 0; i < n; i++)
        send_next(i * 7 % KEYS, i % 200 == 99 ? mishaps[i / 200 % 4] : "");
    flow_flush();
}

START_TEST(test_order_over_crashes_and_failures)
{
    begin(2);
    send_mixed(4000);
    struct flow_process *app = app_run(app_recorder(BY_KEY ", 'attempts': 3", ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    ck_assert_int_ge(app_workers_that_saw(), 4);
    check_keys();
}
END_TEST

/* It runs on when all is done, so that there is a worker to kill however slow the killing is. */
START_TEST(test_order_over_kills)
{
    begin(2);
    for (int i = 0; i < 2000; i++)
        send_next(i % KEYS, "sleep 0.005");
    flow_flush();
    const char *task = BY_KEY ", 'attempts': 100, 'restart': {'max': 100}"; /* one that has nothing to do may be killed, too */
    struct flow_process *app = app_start(app_recorder(task, ""), NULL);
    for (int i = 0; i < 16; i++) {
        int enough = flow_seen(NULL) + 30;
        app_kill("record", i % 4, SIGKILL);
        FLOW_UNTIL(flow_seen(NULL) > (enough < 2000 ? enough : 1999), "records after kill %d", i);
    }
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "the rest");
    app_stop(app);
    check_keys();
}
END_TEST

START_TEST(test_order_over_restarts)
{
    static const char *const concurrency[] = {"record=2", "record=6", "record=1", "record=4"};
    begin(2);
    for (int i = 0; i < 4; i++) {
        const char *configuration = app_recorder(BY_KEY, "");
        int seen = flow_seen(NULL);
        for (int j = 0; j < 300; j++)
            send_next(j % KEYS, "sleep 0.002");
        flow_flush();
        struct flow_process *app = app_start(configuration, "-c", concurrency[i], NULL);
        FLOW_UNTIL(flow_seen(NULL) > seen + 100, "records after start %d", i);
        if (i == 1) {
            flow_signal(app, SIGKILL);
            flow_wait(app);
            FLOW_UNTIL(flow_count("headrace-worker") == 0, "the end of its workers");
        } else {
            app_stop(app);
        }
    }
    flow_expect(app_run(app_recorder(BY_KEY, ""), "--until-end", NULL), 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    check_keys();
}
END_TEST

/* Each of four records with keys of their own waits for the same file: they are on at once, in one partition.
 */
START_TEST(test_more_workers_than_partitions)
{
    begin(1);
    for (int key = 0; key < 8; key += 2)
        send_next(key, flow_text("wait %s", flow_path("gate")));
    flow_flush();
    struct flow_process *app = app_start(app_recorder(BY_KEY, ""), NULL);
    FLOW_UNTIL(app_workers_that_saw() == 4, "all of them at work");
    flow_write("gate", "open");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1), "the commit");
    app_stop(app);
    check_keys();
}
END_TEST

/* A record that takes its time delays its own key: what stands behind it in the partition, and in the same
 * frame, is done by others meanwhile. */
START_TEST(test_slow_key_delays_no_other)
{
    begin(2);
    for (int i = 0; i < 400; i++)
        send_next(i % 40 == 1 ? 4 : 2 * (i % 10), i == 1 ? flow_text("wait %s", flow_path("gate")) : "");
    flow_flush();
    struct flow_process *app = app_start(app_recorder(BY_KEY, ""), NULL);
    int others = 400 - sent[4];
    FLOW_UNTIL(flow_seen(NULL) == others + 1, "all other keys: %d of %d", flow_seen(NULL), others + 1);
    ck_assert_int_eq(flow_lines(flow_record_file(), " 4/"), 1);
    flow_write("gate", "open");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1), "the commit");
    app_stop(app);
    check_keys();
}
END_TEST

/* A key whose record waits for its next attempt waits with it, and no other does; nor do records without a
 * key. */
START_TEST(test_failed_record_holds_up_its_key)
{
    begin(2);
    send_next(2, "fail 1");
    send_next(2, "");
    flow_send("records", 0, NULL, "0/0 fail 1");
    flow_flush();
    struct flow_process *app = app_start(app_recorder(BY_KEY ", 'backoff': ['1h', '1h']", ""), NULL);
    FLOW_UNTIL(flow_lines(app->err, "tried again") == 2, "both to fail");
    send_next(4, "");
    flow_send("records", 0, NULL, "0/1");
    flow_flush();
    FLOW_UNTIL(flow_seen("4/0 ") == 1 && flow_seen("0/1") == 1, "those behind them");
    ck_assert_int_eq(flow_seen("2/1 "), 0);
    app_stop(app);
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
}
END_TEST

/* A dead letter holds up its own key until it is confirmed, and nothing overtakes it. */
START_TEST(test_dead_letters)
{
    const struct flow_letter *letters;
    begin(2);
    for (int i = 0; i < 600; i++)
        send_next(i % KEYS, i % 50 == 7 ? "reject" : i % 50 == 23 ? "crash" : "");
    flow_flush();
    const char *task = BY_KEY ", 'attempts': 2, 'on_failure': 'dead-letter'";
    flow_expect(app_run(app_recorder(task, ""), "--until-end", NULL), 0);
    ck_assert_uint_eq(flow_letters("app.record.dlq", &letters), 24);
    check_keys();
}
END_TEST

/* Two supervisors: each key stays with its partition's owner. */
START_TEST(test_order_over_rebalances)
{
    const char *configuration = app_recorder(BY_KEY, "");
    begin(2);
    for (int i = 0; i < 1000; i++)
        send_next(i % KEYS, "sleep 0.03");
    flow_flush();
    struct flow_process *first = app_start(configuration, NULL);
    FLOW_UNTIL(flow_seen(NULL) > 100, "the first records");
    struct flow_process *second = flow_start("headrace", "run", configuration, "-b", flow_brokers(),
                                             "--runtime-dir", flow_path("second"), NULL);
    FLOW_UNTIL(app_workers_that_saw() > 4, "the second one at work");
    flow_signal(first, SIGTERM);
    flow_expect(first, 0);
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "the rest");
    flow_signal(second, SIGTERM);
    flow_expect(second, 0);
    check_keys();
}
END_TEST

Suite *keys_suite(void);

Suite *
keys_suite(void)
{
    Suite *suite = suite_create("keys");
    TCase *tc = tcase_create("keys");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_order_over_crashes_and_failures);
    tcase_add_test(tc, test_order_over_kills);
    tcase_add_test(tc, test_order_over_restarts);
    tcase_add_test(tc, test_more_workers_than_partitions);
    tcase_add_test(tc, test_slow_key_delays_no_other);
    tcase_add_test(tc, test_failed_record_holds_up_its_key);
    tcase_add_test(tc, test_dead_letters);
    tcase_add_test(tc, test_order_over_rebalances);
    suite_add_tcase(suite, tc);
    return suite;
}
