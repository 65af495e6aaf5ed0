/* test_timers.c - timers on their grid, background tasks, counters over all processes. */
#include "tests/flow/app.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

static const char *
periodic_file(void)
{
    return flow_path("periodic.txt");
}

/* Starts the module `periodic`: its timer with these options; no broker is needed. */
static struct flow_process *
start_periodic(const char *timer, const char *top)
{
    setenv("PERIODIC_FILE", periodic_file(), 1);
    return flow_start("headrace", "run",
                      app_json("periodic.json", "{'modules': ['%s'], 'timers': {'tick': {%s}}%s%s}",
                               flow_module("periodic"), timer, top[0] != '\0' ? ", " : "", top),
                      "--runtime-dir", flow_runtime(), NULL);
}

static int
ticks(void)
{
    return flow_lines(periodic_file(), "tick");
}

/* The times of the first `max` ticks; returns how many there are. */
static int
tick_times(mono_ns *times, int max)
{
    FILE *file = fopen(periodic_file(), "r");
    char line[128];
    int n = 0;
    while (file != NULL && n < max && fgets(line, sizeof line, file) != NULL)
        n += sscanf(line, "tick %*d %" SCNd64, &times[n]) == 1;
    if (file != NULL)
        fclose(file);
    return n;
}

/* Where on a grid of 100 ms the next trigger is, by the app's status: in ms. */
static int
phase_of_grid(void)
{
    const char *next = flow_string("timers.tick.next");
    const char *dot = strchr(next, '.');
    ck_assert_msg(dot != NULL, "timers.tick.next is \"%s\"", next);
    return atoi(dot + 1) % 100;
}

static void
check_phases(int before, int after)
{
    int apart = abs(before - after);
    ck_assert_msg(apart <= 3 || apart >= 97, "the grid was at %d ms and is at %d ms now", before, after);
}

START_TEST(test_triggers_come)
{
    mono_ns times[10],
        before = clock_mono(); /* any tick but the first one may be in time, and none is early */
    struct flow_process *app = start_periodic("'interval': '100ms'", "");
    FLOW_UNTIL(ticks() >= 10, "ten triggers");
    ck_assert_int_eq(tick_times(times, 10), 10);
    ck_assert_int_ge(times[9] - before, 900 * NS_PER_MS);
    FLOW_UNTIL(flow_number("counters.ticks") >= 10, "the counter");
    ck_assert_int_ge(flow_number("timers.tick.fired"), 10);
    FLOW_UNTIL(flow_number("counters.works") >= 5, "the background task");
    ck_assert_str_eq(flow_string("tasks.tick.kind"), "timer");
    ck_assert_str_eq(flow_string("tasks.work.kind"), "background");
    app_stop(app);
    ck_assert_int_eq(flow_lines(app->err, " warn "),
                     flow_lines(app->err, "trigger skipped")); /* on a busy machine */
}
END_TEST

START_TEST(test_timer_process_is_killed)
{
    struct flow_process *app = start_periodic("'interval': '100ms'", "");
    FLOW_UNTIL(ticks() >= 3, "three triggers");
    int phase = phase_of_grid();
    for (int i = 0; i < 3; i++) {
        pid_t pid = (pid_t)flow_number("timer_pid");
        ck_assert_int_gt(pid, 0);
        int seen = ticks();
        kill(pid, SIGKILL);
        FLOW_UNTIL(ticks() > seen + 2, "triggers after the death of the timer process");
        ck_assert_int_ne((int)flow_number("timer_pid"), pid);
        check_phases(phase, phase_of_grid());
    }
    ck_assert_int_eq(flow_lines(app->err, "timer process ended"), 3);
    app_stop(app);
}
END_TEST

START_TEST(test_worker_of_a_timer_is_killed)
{
    struct flow_process *app = start_periodic("'interval': '100ms'", "");
    FLOW_UNTIL(ticks() >= 3, "three triggers");
    int phase = phase_of_grid(), seen = ticks();
    app_kill("tick", 0, SIGKILL);
    FLOW_UNTIL(ticks() > seen + 2, "triggers after the death of the worker");
    check_phases(phase, phase_of_grid());
    app_stop(app);
}
END_TEST

/* A run of 700 ms and a trigger every 600 ms: where they are skipped, runs begin 1200 ms apart; where one is
 * queued, it begins at once when the one before ends. */
START_TEST(test_overlap_is_skipped)
{
    setenv("PERIODIC_TICK", "sleep 0.7", 1);
    struct flow_process *app = start_periodic("'interval': '600ms', 'overlap': 'skip'", "");
    FLOW_UNTIL(ticks() >= 3, "three runs");
    mono_ns times[3];
    tick_times(times, 3);
    ck_assert_int_ge(times[2] - times[0], 2000 * NS_PER_MS);
    ck_assert_int_ge(flow_number("timers.tick.skipped"), 2);
    ck_assert_int_ge(flow_number("timers.tick.fired"), 3);
    flow_await(app, "trigger skipped");
    app_stop(app);
}
END_TEST

/* From one run's start to the next one's, at the least. */
static mono_ns
shortest_gap(void)
{
    mono_ns times[64], gap = MONO_NEVER;
    int n = tick_times(times, 64);
    for (int i = 1; i < n; i++)
        gap = mono_earlier(gap, times[i] - times[i - 1]);
    return gap;
}

START_TEST(test_overlap_is_queued_once)
{
    setenv("PERIODIC_TICK", "sleep 0.7", 1);
    struct flow_process *app = start_periodic("'interval': '300ms', 'overlap': 'queue'", "");
    FLOW_UNTIL(ticks() >= 4, "four runs");
    FLOW_UNTIL(shortest_gap() < 850 * NS_PER_MS,
               "a run right behind another one");      /* at 900 ms each if none were queued */
    ck_assert_int_ge(shortest_gap(), 690 * NS_PER_MS); /* never two at once */
    ck_assert_int_ge(flow_number("timers.tick.skipped"), 2);
    app_stop(app);
}
END_TEST

/* A body that fails is triggered on and on: that is no crash loop. */
static void
body_fails(const char *how, const char *cause)
{
    setenv("PERIODIC_TICK", how, 1);
    struct flow_process *app = start_periodic("'interval': '100ms'", "");
    FLOW_UNTIL(ticks() >= 8, "eight triggers");
    FLOW_UNTIL(flow_lines(app->err, flow_text("task=tick instance=0 pid=")) >= 8, "eight lines in the log");
    ck_assert_int_eq(flow_lines(app->err, "worker ended task=tick"), flow_lines(app->err, cause));
    app_stop(app);
    ck_assert(!flow_said(app, "given up on"));
}

START_TEST(test_body_crashes)
{
    body_fails("crash", "cause=\"crash: SIGSEGV\"");
}
END_TEST

START_TEST(test_body_returns_an_error)
{
    body_fails("return 3", "cause=\"returned: 3\"");
}
END_TEST

/* ---- background tasks ---- */

START_TEST(test_app_of_finished_tasks_ends)
{
    struct flow_process *app =
        flow_call("headrace", "run", flow_module("finishing"), "--runtime-dir", flow_runtime(), NULL);
    flow_expect(app, 0);
    flow_await(app, "every task has finished");
    ck_assert(!flow_said(app, "error"));
}
END_TEST

START_TEST(test_finished_task_stays_finished)
{
    const char *gate = flow_path("gate");
    setenv("FINISH_FILE", gate, 1);
    struct flow_process *app =
        flow_start("headrace", "run", flow_module("finishing"), "--runtime-dir", flow_runtime(), NULL);
    FLOW_UNTIL(strcmp(flow_string("tasks.at_once.state"), "finished") == 0, "the first task");
    ck_assert_str_eq(flow_string("tasks.later.state"), "running");
    ck_assert_int_eq(flow_number("counters.finished"), 1);
    ck_assert_int_eq(app_worker("at_once", 0), 0);
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
}
END_TEST

START_TEST(test_background_task_is_restarted)
{
    setenv("PERIODIC_WORK", "exit 3", 1);
    struct flow_process *app =
        start_periodic("'interval': '1h'", "'tasks': {'work': {'restart': {'max': 2}}}");
    flow_expect(app, 1);
    ck_assert_int_eq(flow_lines(periodic_file(), "work"), 3);
    ck_assert_int_eq(flow_lines(app->err, "cause=\"exit: 3\""), 3);
}
END_TEST

/* ---- counters ---- */

/* A counter survives the death of whoever counted, by whatever signal, and others see the sum. */
START_TEST(test_counters_survive_deaths)
{
    flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("'concurrency': 2, 'attempts': 1", ""), NULL);
    int sent = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++, sent++)
            flow_send("records", i % 2, NULL, "%d %s", i, i == 9 ? "crash" : i == 8 ? "exit 1" : "");
        flow_flush();
        FLOW_UNTIL(flow_number("counters.recorded") == sent, "%d records counted", sent);
        app_kill("record", 0, SIGKILL);
    }
    ck_assert_int_eq(flow_number("counters.recorded"), sent);
    app_stop(app);
}
END_TEST

START_TEST(test_total_in_another_process)
{
    flow_broker("logs:2", NULL);
    for (int i = 0; i < 20; i++)
        flow_send("logs", i % 2, NULL, "{\"severity\": \"INFO\", \"message\": \"m\"}");
    flow_flush();
    setenv("LOGS_STATS_SECONDS", "0.05", 1);
    const char *conf =
        app_json("logs.json", "{'modules': ['%s'], 'timers': {'dump_stats': {'interval': '100ms'}}}",
                 flow_example("logs"));
    struct flow_process *app = app_start(conf, NULL);
    flow_await(app, "Logs processed: 20\n");
    flow_await(app, "Logs processed so far: 20\n");
    app_kill("process_logs", 0, SIGKILL);
    app_kill("process_logs", 1, SIGKILL);
    FLOW_UNTIL(flow_lines(app->err, "worker ended") == 2, "two deaths");
    flow_send("logs", 0, NULL, "{\"severity\": \"INFO\", \"message\": \"m\"}");
    flow_flush();
    flow_await(app, "Logs processed: 21\n");
    app_stop(app);
}
END_TEST

Suite *
timers_suite(void)
{
    Suite *s = suite_create("timers");
    TCase *c = tcase_create("timers");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_triggers_come);
    tcase_add_test(c, test_timer_process_is_killed);
    tcase_add_test(c, test_worker_of_a_timer_is_killed);
    tcase_add_test(c, test_overlap_is_skipped);
    tcase_add_test(c, test_overlap_is_queued_once);
    tcase_add_test(c, test_body_crashes);
    tcase_add_test(c, test_body_returns_an_error);
    suite_add_tcase(s, c);
    c = tcase_create("background");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_app_of_finished_tasks_ends);
    tcase_add_test(c, test_finished_task_stays_finished);
    tcase_add_test(c, test_background_task_is_restarted);
    suite_add_tcase(s, c);
    c = tcase_create("counters");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_counters_survive_deaths);
    tcase_add_test(c, test_total_in_another_process);
    suite_add_tcase(s, c);
    return s;
}
