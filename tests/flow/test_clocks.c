/* test_clocks.c - a wall clock that jumps, a machine that sleeps: the grid of timers, deadlines and waits
 * stay as they are. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdlib.h>

#include "shared/clock.h"

#define RECORDS 40

/* The wall clock is for what people read: it jumps by a year with each look, and nothing else changes. */
START_TEST(test_wall_clock_jumps)
{
    app_shim("all", "none", 0);
    setenv("FAIL_SKEW", "31536000", 1);
    setenv("PERIODIC_FILE", flow_path("ticks"), 1);
    flow_broker("records:2", NULL);
    app_fill(2, RECORDS);
    flow_send("records", 0, NULL, "8 fail 1");
    flow_send("records", 1, NULL, "9 sleep 0.5");
    flow_flush();
    app_short(true);
    mono_ns began = clock_mono();
    const char *conf = app_json("app.json",
                                "{'modules': ['%s', '%s'], 'commit_interval': '100ms', " APP_QUICK_GROUP ",\n"
                                " 'tasks': {'record': {'deadline': '20s', 'backoff': ['10ms', '20ms']}}}\n",
                                flow_module("recorder"), flow_module("periodic"));
    struct flow_process *app = app_start(conf, NULL);
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "everything is committed");
    FLOW_UNTIL(flow_number("timers.tick.fired") >= 10, "ten triggers");
    int64_t fired = flow_number("timers.tick.fired"), skipped = flow_number("timers.tick.skipped");
    ck_assert_int_le(fired + skipped, (clock_mono() - began) / (100 * NS_PER_MS));
    ck_assert_int_eq(flow_number("tasks.record.workers.0.restarts"), 0);
    ck_assert_int_eq(flow_number("tasks.record.failed"), 1);
    app_stop(app);
    ck_assert_str_eq(app_line(app, "deadline"), "");
}
END_TEST

/* The machine sleeps, and wakes behind the deadline of a record: nobody was slow. */
START_TEST(test_machine_sleeps)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_send("records", 0, NULL, "1");
    flow_flush();
    const char *conf =
        app_json("app.json",
                 "{'modules': ['%s'], 'commit_interval': '100ms', 'kafka': {'session.timeout.ms': 30000},\n"
                 " 'tasks': {'record': {'deadline': '10s', 'attempts': 1}}}\n",
                 flow_module("recorder"));
    struct flow_process *app = app_start(conf, NULL);
    FLOW_UNTIL(flow_number("tasks.record.workers.0.record.seconds") >= 1, "the record has been looked at");
    pid_t worker = app_kill("record", 0, SIGSTOP);
    flow_signal(app, SIGSTOP);
    mono_ns asleep = clock_mono();
    FLOW_UNTIL(clock_mono() - asleep > 11 * NS_PER_S, "time");
    kill(worker, SIGCONT); /* first: of a worker that stands still no time counts anyway */
    flow_signal(app, SIGCONT);
    ck_assert_int_ge(flow_number("uptime_s"), 5); /* it has looked */
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1), "both are committed");
    ck_assert_int_eq(app_worker("record", 0), worker);
    ck_assert_int_eq(flow_seen(NULL), 2);
    app_stop(app);
}
END_TEST

Suite *
clocks_suite(void)
{
    Suite *s = suite_create("clocks");
    TCase *c = tcase_create("clocks");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_wall_clock_jumps);
    tcase_add_test(c, test_machine_sleeps);
    suite_add_tcase(s, c);
    return s;
}
