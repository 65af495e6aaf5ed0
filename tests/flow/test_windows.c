/* test_windows.c - how far others may go past a record that waits: window, window_bytes, memory. */
#include "tests/flow/app.h"

#include <signal.h>

#define LARGE 2000 /* bytes of a value, about */
#define SMALL 3000 /* records */

static int
seen_in(int partition)
{
    const struct flow_record *records;
    int seen = 0;
    for (size_t i = 0, n = flow_records(&records); i < n; i++)
        seen += records[i].partition == partition;
    return seen;
}

/* In partition 0 a record that waits for the gate, and `n` others behind it. */
static void
send_behind_a_gate(int n)
{
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    for (int i = 1; i <= n; i++)
        flow_send("records", 0, NULL, "0/%d", i);
    flow_flush();
}

/* Records of another partition that come later all get through: what has not begun by then does not begin. */
static void
others_get_through(int partition, int before)
{
    for (int i = 0; i < 30; i++)
        flow_send("records", partition, NULL, "%d/%d", partition, i);
    flow_flush();
    FLOW_UNTIL(seen_in(partition) == before + 30, "the other partition");
}

START_TEST(test_window)
{
    flow_broker("records:2", NULL);
    send_behind_a_gate(40);
    struct flow_process *app =
        app_start(app_recorder("'order': 'none', 'concurrency': 2, 'window': 10", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) >= 8, "the window"); /* some may be with the worker that waits */
    others_get_through(1, 0);
    ck_assert_int_le(seen_in(0), 10);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_seen(NULL) == 41 + 30, "all records");
    app_stop(app);
}
END_TEST

/* The window is counted from what Kafka has confirmed: while it confirms nothing, no more than a window is
 * done that would be repeated if the supervisor died. */
START_TEST(test_window_of_what_would_be_repeated)
{
    struct flow_process *broker = flow_broker("records:1", NULL);
    send_behind_a_gate(100);
    struct flow_process *app = app_start(app_recorder("'window': 20", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the first record");
    flow_signal(broker, SIGSTOP);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_number("tasks.record.processed") >= 20, "a window");
    FLOW_UNTIL(flow_number("tasks.record.partitions.0.in_flight") == 0, "that it waits");
    ck_assert_int_eq(flow_seen(NULL), 20);
    flow_signal(broker, SIGCONT);
    FLOW_UNTIL(flow_seen(NULL) == 101, "all records");
    app_stop(app);
}
END_TEST

/* First many small records, in the last partition, so that large batches are handed out; then in the others
 * large ones, that fail and wait for an hour. */
static struct flow_process *
start_with_records_that_wait(int partitions, const char *task, const char *top)
{
    for (int i = 0; i < SMALL; i++)
        flow_send("records", partitions, NULL, "%d/%d", partitions, i);
    flow_flush();
    const char *waiting = flow_text("'order': 'none', 'concurrency': 3, 'backoff': ['1h', '1h']%s", task);
    struct flow_process *app = app_start(app_recorder(waiting, top), NULL);
    FLOW_UNTIL(flow_seen(NULL) == SMALL, "the small ones");
    for (int i = 0; i < 100; i++)
        for (int p = 0; p < partitions; p++)
            flow_send("records", p, NULL, "%d/%d fail%*s", p, i, LARGE, "");
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) >= SMALL + 20480 / (LARGE + 100), "as many as may wait");
    return app;
}

START_TEST(test_window_bytes)
{
    flow_broker("records:2", NULL);
    struct flow_process *app = start_with_records_that_wait(1, ", 'window_bytes': '20KB'", "");
    others_get_through(1, SMALL);
    ck_assert_int_le(seen_in(0), 20480 / LARGE + 1);
    app_stop(app);
}
END_TEST

/* Over all partitions; but one record of each is always admitted. */
START_TEST(test_memory)
{
    flow_broker("records:3", NULL);
    struct flow_process *app = start_with_records_that_wait(2, "", "'memory': '20KB'");
    others_get_through(2, SMALL);
    ck_assert_int_le(seen_in(0) + seen_in(1), 20480 / LARGE + 2);
    app_stop(app);
}
END_TEST

START_TEST(test_one_record_is_always_admitted)
{
    flow_broker("records:2", NULL);
    for (int i = 0; i < 4; i++)
        for (int p = 0; p < 2; p++)
            flow_send("records", p, NULL, "%d/%d%*s", p, i, 450 * LARGE, "");
    flow_flush();
    flow_expect(app_run(app_recorder("'window': 1, 'window_bytes': 1", "'memory': 1"), "--until-end", NULL),
                0);
    app_all_once(2, 4);
}
END_TEST

Suite *
windows_suite(void)
{
    Suite *s = suite_create("windows");
    TCase *c = tcase_create("windows");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_window);
    tcase_add_test(c, test_window_of_what_would_be_repeated);
    tcase_add_test(c, test_window_bytes);
    tcase_add_test(c, test_memory);
    tcase_add_test(c, test_one_record_is_always_admitted);
    suite_add_tcase(s, c);
    return s;
}
