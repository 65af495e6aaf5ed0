/* test_asking.c - the running app, asked and stopped by others: status and stop. */
#include "tests/flow/app.h"
#include "tests/flow/scene.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An app of that name with no stream, in the default runtime directory. */
static struct flow_process *
start_named(const char *name)
{
    struct flow_process *app = flow_start(
        "headrace", "run",
        app_json(flow_text("%s.json", name), "{'modules': ['%s']}", flow_module("periodic")), NULL);
    flow_await(app, "started");
    return app;
}

static void
check_says(struct flow_process *p, int code, const char *text)
{
    flow_expect(p, code);
    ck_assert_msg(flow_said(p, text), "%s: did not say \"%s\":\n%s%s", p->name, text, flow_read(p->out),
                  flow_read(p->err));
}

START_TEST(test_nothing_runs)
{
    check_says(flow_call("headrace", "status", NULL), 69, "--runtime-dir");
    check_says(flow_call("headrace", "status", "--json", NULL), 69, "");
    check_says(flow_call("headrace", "stop", NULL), 69, "");
    check_says(flow_call("headrace", "status", "-a", "nobody", NULL), 69, "nobody is running (--runtime-dir");
    check_says(flow_call("headrace", "stop", "--runtime-dir", flow_runtime(), NULL), 69, flow_runtime());
}
END_TEST

START_TEST(test_only_one_runs)
{
    struct flow_process *app = start_named("lonely");
    check_says(flow_call("headrace", "status", NULL), 0, "lonely");
    check_says(flow_call("headrace", "status", "-v", NULL), 0, "tick");
    check_says(flow_call("headrace", "status", "--json", NULL), 0, "\"lonely\"");
    flow_expect(flow_call("headrace", "stop", NULL), 0);
    ck_assert(flow_ended(app));
    flow_expect(app, 0);
    app_nothing_left();
}
END_TEST

START_TEST(test_two_run)
{
    struct flow_process *one = start_named("one"), *two = start_named("two");
    struct flow_process *status = flow_call("headrace", "status", NULL);
    check_says(status, 64, "one");
    check_says(status, 64, "two");
    check_says(flow_call("headrace", "stop", NULL), 64, "two");
    check_says(flow_call("headrace", "status", "-a", "two", "--json", NULL), 0, "\"two\"");
    flow_expect(flow_call("headrace", "stop", "-a", "one", NULL), 0);
    flow_expect(one, 0);
    ck_assert(!flow_ended(two));
    flow_expect(flow_call("headrace", "stop", NULL), 0);
    flow_expect(two, 0);
}
END_TEST

/* What a supervisor that was killed left behind is not found, and is swept by the next one. */
START_TEST(test_stale_directories_are_swept)
{
    struct flow_process *app = start_named("stale");
    const char *folder = flow_path("headrace/stale.%d", (int)app->pid);
    flow_signal(app, SIGKILL);
    flow_wait(app);
    ck_assert_int_eq(access(folder, F_OK), 0);
    flow_expect(flow_call("headrace", "status", NULL), 69);
    struct flow_process *next = start_named("next");
    ck_assert_int_ne(access(folder, F_OK), 0);
    app_stop(next);
}
END_TEST

START_TEST(test_directory_in_use)
{
    struct flow_process *app =
        flow_start("headrace", "run", flow_module("periodic"), "--runtime-dir", flow_runtime(), NULL);
    flow_await(app, "started");
    check_says(flow_call("headrace", "run", flow_module("periodic"), "--runtime-dir", flow_runtime(), NULL),
               69, flow_text("%d", (int)app->pid));
    ck_assert_ptr_nonnull(flow_status()); /* the first one does not notice */
    app_stop(app);
}
END_TEST

START_TEST(test_status_of_a_stream)
{
    flow_broker("records:2", NULL);
    flow_send("records", 1, NULL, "0 wait %s", flow_path("gate"));
    flow_send("records", 1, NULL, "1");
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record in hand");
    json_t *status = flow_status();
    const char *const members[] = {
        "app",
        "pid",
        "state",
        "uptime_s",
        "tasks.record.kind",
        "tasks.record.topic",
        "tasks.record.group",
        "tasks.record.order",
        "tasks.record.concurrency",
        "tasks.record.state",
        "tasks.record.processed",
        "tasks.record.failed",
        "tasks.record.retried",
        "tasks.record.redelivered",
        "tasks.record.lag",
        "tasks.record.rate",
        "tasks.record.workers.1.instance",
        "tasks.record.workers.1.pid",
        "tasks.record.workers.1.state",
        "tasks.record.workers.1.processed",
        "tasks.record.workers.1.restarts",
        "tasks.record.workers.1.rss_bytes",
        "tasks.record.workers.1.record",
        "tasks.record.partitions.1.topic",
        "tasks.record.partitions.1.partition",
        "tasks.record.partitions.1.committed",
        "tasks.record.partitions.1.end",
        "tasks.record.partitions.1.in_flight",
        "timers",
        "counters.recorded",
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        ck_assert_msg(flow_get(status, members[i]) != NULL, "status has no %s", members[i]);
    ck_assert_int_eq(flow_number("pid"), app->pid);
    ck_assert_str_eq(flow_string("state"), "running");
    int busy = flow_number("tasks.record.workers.0.record.offset") == 0 ? 0 : 1;
    ck_assert_int_eq(flow_number(flow_text("tasks.record.workers.%d.record.partition", busy)), 1);
    ck_assert_str_eq(flow_string(flow_text("tasks.record.workers.%d.state", busy)), "busy");
    FLOW_UNTIL(flow_number("tasks.record.lag") == 2, "the lag");
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_number("tasks.record.lag") == 0, "no lag");
    ck_assert_int_eq(flow_number("tasks.record.processed"), 2);
    app_stop(app);
}
END_TEST

/* A status can be had while the app stops. */
START_TEST(test_status_during_a_stop)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record in hand");
    struct flow_process *stop = flow_start("headrace", "stop", "--runtime-dir", flow_runtime(), NULL);
    FLOW_UNTIL(strcmp(flow_string("state"), "stopping") == 0, "the state");
    ck_assert(!flow_ended(stop)); /* it waits until the app is gone */
    flow_write("gate", "%s", "");
    flow_expect(stop, 0);
    flow_expect(app, 0);
}
END_TEST

Suite *
asking_suite(void)
{
    Suite *s = suite_create("asking");
    TCase *c = tcase_create("found");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_checked_fixture(c, scene_alone, NULL);
    tcase_add_test(c, test_nothing_runs);
    tcase_add_test(c, test_only_one_runs);
    tcase_add_test(c, test_two_run);
    tcase_add_test(c, test_stale_directories_are_swept);
    tcase_add_test(c, test_directory_in_use);
    suite_add_tcase(s, c);
    c = tcase_create("status");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_status_of_a_stream);
    tcase_add_test(c, test_status_during_a_stop);
    suite_add_tcase(s, c);
    return s;
}
