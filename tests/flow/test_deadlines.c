/* test_deadlines.c - whose clock stands still: a traced worker's, and everybody's while the supervisor
 * sleeps.
 *
 * That deadlines are kept is shown by test_letters.c. */
#include "tests/flow/app.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "shared/clock.h"

#define DEADLINE (3 * NS_PER_S)

/* A worker is on a record that waits for the gate. */
static struct flow_process *
start_with_a_gate(void)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'deadline': '3s', 'attempts': 1", ""), "-X",
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
    TCase *c = tcase_create("stands still");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_traced_worker_is_not_killed);
    tcase_add_test(c, test_supervisor_that_slept_kills_nobody);
    suite_add_tcase(s, c);
    return s;
}
