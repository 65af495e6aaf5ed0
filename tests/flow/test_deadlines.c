/* test_deadlines.c - records that take too long, and whose clock stands still: a stopped or traced worker's,
 * and everybody's while the supervisor sleeps. */
#include "tests/flow/app.h"
#include "tests/flow/dead.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "shared/clock.h"

#define DEADLINE (6 * NS_PER_S)

START_TEST(test_deadline)
{
    const struct flow_letter *letter =
        dead_one("'attempts': 2, 'deadline': '200ms', 'concurrency': 2", "hang", "2", "deadline: 0.2s");
    const char *backtrace = flow_letter_text(letter, "headrace.backtrace");
    ck_assert_msg(strstr(backtrace, "recorder.c") != NULL, "%s", backtrace); /* where it hung */
}
END_TEST

/* SIGABRT does not end it: SIGKILL does. */
START_TEST(test_deadline_of_the_deaf)
{
    dead_one("'attempts': 1, 'deadline': '200ms'", "deaf", "1", "deadline: 0.2s");
}
END_TEST

/* Many records that take less than the deadline each are no hang. */
START_TEST(test_deadline_is_for_each_record)
{
    dead_broker();
    for (int i = 0; i < 20; i++)
        flow_send("records", 0, NULL, "0/%d sleep 0.05", i);
    flow_flush();
    struct flow_process *app = dead_run("'deadline': '600ms'");
    ck_assert_int_eq(flow_seen(NULL), 20);
    ck_assert(!flow_said(app, "worker ended"));
}
END_TEST

/* A worker that is stopped, for a debugger say, is not killed: its clock stands still. */
START_TEST(test_stopped_worker_is_not_killed)
{
    dead_broker();
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(app_recorder(DEAD_LETTERS ", 'deadline': '2s'", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    pid_t pid = app_kill("record", 0, SIGSTOP);
    mono_ns stopped = clock_mono();
    FLOW_UNTIL(clock_mono() - stopped > 4 * NS_PER_S, "twice the deadline");
    flow_write("gate", "%s", "");
    kill(pid, SIGCONT);
    FLOW_UNTIL(flow_number("tasks.record.processed") == 1, "its end");
    ck_assert_int_eq(app_worker("record", 0), pid);
    app_stop(app);
    ck_assert(!flow_said(app, "deadline"));
}
END_TEST

START_TEST(test_deadline_of_a_timer)
{
    setenv("PERIODIC_TICK", "hang", 1);
    setenv("PERIODIC_FILE", flow_path("periodic.txt"), 1);
    struct flow_process *app = flow_start(
        "headrace", "run",
        app_json("periodic.json",
                 "{'modules': ['%s'], 'timers': {'tick': {'interval': '100ms', 'deadline': '200ms'}}}",
                 flow_module("periodic")),
        "--runtime-dir", flow_runtime(), NULL);
    FLOW_UNTIL(flow_lines(flow_path("periodic.txt"), "tick") >= 3, "three runs");
    FLOW_UNTIL(flow_lines(app->err, "cause=\"deadline: 0.2s\"") >= 2, "two that were ended");
    flow_signal(app, SIGQUIT);
    flow_wait(app);
}
END_TEST

/* A worker is on a record that waits for the gate. */
static struct flow_process *
start_with_a_gate(void)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'deadline': '6s', 'attempts': 1", ""), "-X",
                                         "session.timeout.ms=30000", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    return app;
}

static void
time_goes_by(mono_ns time)
{
    mono_ns from = clock_mono();
    FLOW_UNTIL(clock_mono() - from > time, "time");
}

static void
ends_as_if_nothing_had_been(struct flow_process *app)
{
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_number("tasks.record.processed") == 1, "the end of the record");
    app_stop(app);
    ck_assert(!flow_said(app, "deadline") && !flow_said(app, "worker ended"));
}

START_TEST(test_traced_worker_is_not_killed)
{
    struct flow_process *app = start_with_a_gate();
    pid_t pid = app_worker("record", 0);
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) { /* where that is forbidden nothing is shown */
        ck_assert_int_eq((int)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
        FLOW_UNTIL(waitpid(pid, &status, WNOHANG | __WALL) == pid, "that it stands still");
        time_goes_by(2 * DEADLINE);
        ck_assert_int_eq((int)ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
    }
    ends_as_if_nothing_had_been(app);
}
END_TEST

/* A machine that was suspended, say: what the supervisor did not see is nobody's fault. */
START_TEST(test_supervisor_that_slept_kills_nobody)
{
    struct flow_process *app = start_with_a_gate();
    time_goes_by(DEADLINE / 6); /* it sees that the worker is on the record */
    flow_signal(app, SIGSTOP);
    time_goes_by(2 * DEADLINE);
    flow_signal(app, SIGCONT);
    for (int i = 0; i < 3; i++) /* it has looked at its workers by then */
        ck_assert_int_eq(flow_number("tasks.record.processed"), 0);
    ends_as_if_nothing_had_been(app);
}
END_TEST

Suite *
deadlines_suite(void)
{
    Suite *s = suite_create("deadlines");
    TCase *c = tcase_create("deadlines");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_deadline);
    tcase_add_test(c, test_deadline_of_the_deaf);
    tcase_add_test(c, test_deadline_is_for_each_record);
    tcase_add_test(c, test_stopped_worker_is_not_killed);
    tcase_add_test(c, test_deadline_of_a_timer);
    tcase_add_test(c, test_traced_worker_is_not_killed);
    tcase_add_test(c, test_supervisor_that_slept_kills_nobody);
    suite_add_tcase(s, c);
    return s;
}
