/* test_stop.c - how an app ends: gracefully, at once, by force; and that nothing is left of it. */
#include "tests/flow/app.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/clock.h"

#define ONE_SIGNAL (400 * NS_PER_MS) /* SIGINTs within 300 ms are one */

/* Starts the recorder with a record in hand in each of two partitions, and others behind it. */
static struct flow_process *
start_with_records_in_hand(const char *what, const char *top)
{
    flow_broker("records:2", NULL);
    for (int p = 0; p < 2; p++) {
        flow_send("records", p, NULL, "%d %s", p, what);
        for (int i = 0; i < 50; i++)
            flow_send("records", p, NULL, "%d/%d sleep 0.2", p, i);
    }
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", top), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 2, "two records in hand");
    return app;
}

/* What was begun is finished and committed; what was not is left for the next run. */
static void
check_in_hand_is_finished(int signal_number)
{
    struct flow_process *app = start_with_records_in_hand(flow_text("wait %s", flow_path("gate")), "");
    flow_signal(app, signal_number);
    flow_await(app, "stopping");
    ck_assert_int_eq(flow_count("headrace-worker"), 2);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    app_nothing_left();
    ck_assert_int_eq(flow_seen(NULL), 2);
    ck_assert_int_eq(flow_committed("app.record", "records", 0), 1);
    ck_assert_int_eq(flow_committed("app.record", "records", 1), 1);
}

START_TEST(test_term)
{
    check_in_hand_is_finished(SIGTERM);
}
END_TEST

START_TEST(test_first_int)
{
    check_in_hand_is_finished(SIGINT);
}
END_TEST

/* A stop that meets workers which are just being born is as clean as any. */
START_TEST(test_stop_at_once)
{
    for (int i = 0; i < 5; i++) {
        struct flow_process *app =
            flow_start("headrace", "run", flow_module("periodic"), "--runtime-dir", flow_runtime(), NULL);
        FLOW_UNTIL(flow_count("headrace-worker tick ") > 0 || flow_ended(app), "a worker");
        app_stop(app);
        /* On a busy machine a trigger may find the one before still at it. */
        ck_assert_msg(flow_lines(app->err, " warn ") == flow_lines(app->err, "trigger skipped"), "%s",
                      flow_read(app->err));
    }
}
END_TEST

static void
check_forced(struct flow_process *app)
{
    flow_expect(app, 2);
    app_nothing_left();
    ck_assert_int_le(flow_committed("app.record", "records", 0), 0);
}

START_TEST(test_second_int)
{
    struct flow_process *app = start_with_records_in_hand("hang", "'stop_timeout': '1h'");
    flow_signal(app, SIGINT);
    mono_ns first = clock_mono();
    flow_await(app, "stopping");
    FLOW_UNTIL(clock_mono() - first > ONE_SIGNAL, "the time after which a second one is another");
    flow_signal(app, SIGINT);
    check_forced(app);
    ck_assert_int_eq(flow_lines(app->err, "cause=\"killed: second SIGINT\""), 2);
}
END_TEST

/* A terminal and a wrapper may both pass Ctrl-C on: twice at once is once. */
START_TEST(test_two_ints_at_once)
{
    const char *gate = flow_path("gate");
    struct flow_process *app = start_with_records_in_hand(flow_text("wait %s", gate), "");
    mono_ns first = clock_mono();
    flow_signal(app, SIGINT);
    flow_await(app, "stopping");
    flow_signal(app, SIGINT);
    bool at_once = clock_mono() - first < ONE_SIGNAL / 2; /* a slow machine shows nothing */
    FLOW_UNTIL(clock_mono() - first > ONE_SIGNAL, "the time of one signal");
    flow_write("gate", "%s", "");
    flow_wait(app);
    ck_assert_msg(!at_once || app->code == 0, "ended with %d", app->code);
}
END_TEST

START_TEST(test_quit)
{
    struct flow_process *app = start_with_records_in_hand("hang", "'stop_timeout': '1h'");
    flow_signal(app, SIGQUIT);
    check_forced(app);
}
END_TEST

START_TEST(test_stop_timeout)
{
    struct flow_process *app = start_with_records_in_hand("hang", "'stop_timeout': '300ms'");
    flow_signal(app, SIGTERM);
    check_forced(app);
    ck_assert_int_eq(flow_lines(app->err, "cause=\"killed: stop_timeout\""), 2);
}
END_TEST

/* What a forced stop left is seen again by the next run, and nothing else is. */
START_TEST(test_forced_stop_loses_nothing)
{
    const char *gate = flow_path("gate");
    struct flow_process *app =
        start_with_records_in_hand(flow_text("wait %s", gate), "'stop_timeout': '300ms'");
    flow_signal(app, SIGTERM);
    flow_expect(app, 2);
    flow_write("gate", "%s", "");
    flow_expect(app_run(app_recorder("'order': 'none', 'concurrency': 20", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen(NULL), 2 + 2 * 51);
    ck_assert(flow_all_committed("app.record", "records", 2));
}
END_TEST

/* Whatever kills the supervisor: no process of the app is left after a second. */
START_TEST(test_supervisor_is_killed)
{
    struct flow_process *app = start_with_records_in_hand("hang", "");
    ck_assert_int_eq(flow_count("headrace-worker"), 2);
    ck_assert_int_eq(flow_count("headrace-timer"), 1);
    flow_signal(app, SIGKILL);
    mono_ns killed = clock_mono();
    ck_assert_int_eq(flow_wait(app), 128 + SIGKILL);
    FLOW_UNTIL(flow_count("headrace-worker") + flow_count("headrace-timer") == 0, "the end of its children");
    ck_assert_int_lt(clock_mono() - killed, NS_PER_S);
}
END_TEST

START_TEST(test_killed_supervisor_loses_nothing)
{
    flow_broker("records:2", NULL);
    for (int i = 0; i < 100; i++)
        for (int p = 0; p < 2; p++)
            flow_send("records", p, NULL, "%d/%d sleep 0.01", p, i);
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) > 50 && flow_committed("app.record", "records", 0) > 0, "some records");
    flow_signal(app, SIGKILL);
    flow_wait(app);
    flow_expect(app_run(app_recorder("'concurrency': 2", ""), "--until-end", NULL), 0);
    flow_check_order(true);
    for (int i = 0; i < 100; i++)
        for (int p = 0; p < 2; p++)
            ck_assert_int_ge(flow_seen(flow_text("%d/%d sleep 0.01", p, i)), 1);
    ck_assert(flow_all_committed("app.record", "records", 2));
}
END_TEST

/* ---- what is left ---- */

static int
entries(const char *path)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, NULL), kept = 0;
    for (int i = 0; i < n; i++) {
        kept += list[i]->d_name[0] != '.';
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return kept;
}

START_TEST(test_runtime_directory_is_removed)
{
    struct flow_process *app =
        flow_start("headrace", "run", flow_module("periodic"), NULL); /* the default one */
    flow_await(app, "started");
    const char *mine = flow_path("headrace/periodic.%d", (int)app->pid);
    struct stat status;
    ck_assert_int_eq(stat(mine, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0700);
    app_stop(app);
    ck_assert_int_ne(stat(mine, &status), 0);
    ck_assert_int_eq(entries(flow_path("headrace")), 0);
}
END_TEST

START_TEST(test_given_directory_is_emptied)
{
    struct flow_process *app =
        flow_start("headrace", "run", flow_module("periodic"), "--runtime-dir", flow_runtime(), NULL);
    flow_await(app, "started");
    ck_assert_int_gt(entries(flow_runtime()), 0);
    app_stop(app);
    ck_assert_int_eq(entries(flow_runtime()), 0);
}
END_TEST

Suite *
stop_suite(void)
{
    Suite *s = suite_create("stop");
    TCase *c = tcase_create("graceful");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_term);
    tcase_add_test(c, test_first_int);
    tcase_add_test(c, test_stop_at_once);
    suite_add_tcase(s, c);
    c = tcase_create("forced");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_second_int);
    tcase_add_test(c, test_two_ints_at_once);
    tcase_add_test(c, test_quit);
    tcase_add_test(c, test_stop_timeout);
    tcase_add_test(c, test_forced_stop_loses_nothing);
    tcase_add_test(c, test_supervisor_is_killed);
    tcase_add_test(c, test_killed_supervisor_loses_nothing);
    suite_add_tcase(s, c);
    c = tcase_create("left behind");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_runtime_directory_is_removed);
    tcase_add_test(c, test_given_directory_is_emptied);
    suite_add_tcase(s, c);
    return s;
}
