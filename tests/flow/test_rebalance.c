/* test_rebalance.c - several supervisors share a group: partitions are given up in good order. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

#define PARTITIONS 4

static int sent; /* in each partition */

/* One more supervisor of the same app, with a runtime directory of its own. */
static struct flow_process *
join(const char *configuration, int number, const char *option, const char *value)
{
    return flow_start("headrace", "run", configuration, "-b", flow_brokers(), "--runtime-dir",
                      flow_path("run%d", number), option, value, NULL);
}

static void
time_goes_by(int seconds)
{
    mono_ns from = clock_mono();
    FLOW_UNTIL(clock_mono() - from > seconds * NS_PER_S, "time");
}

static void
send_more(int n)
{
    for (int i = 0; i < n; i++, sent++)
        for (int p = 0; p < PARTITIONS; p++)
            flow_send("records", p, NULL, "%d/%d sleep 0.005", p, sent);
    flow_flush();
}

/* send_until keeps the workers busy until that many of them have seen records. */
static void
send_until(int workers)
{
    for (int64_t until = flow_limit(); app_workers_that_saw() < workers;) {
        send_more(flow_seen(NULL) > PARTITIONS * (sent - 20) ? 10 : 0);
        ck_assert_msg(flow_wait_more(until), "waited in vain for %d workers that see records", workers);
    }
}

/* A second supervisor joins while records are worked on, and leaves again. True: the broker has refused
 * commits. */
static bool
join_and_leave(const char *option, const char *value)
{
    flow_broker("records:4", NULL);
    const char *configuration = app_recorder("'concurrency': 2", "");
    struct flow_process *first = join(configuration, 1, option, value);
    send_until(2);
    struct flow_process *second = join(configuration, 2, option, value);
    send_until(4);
    flow_signal(second, SIGTERM);
    flow_expect(second, 0);
    send_more(20);
    FLOW_UNTIL(flow_all_committed("app.record", "records", PARTITIONS), "the last commit");
    flow_signal(first, SIGTERM);
    flow_expect(first, 0);
    ck_assert(!flow_said(first, "assignment lost") && !flow_said(second, "assignment lost"));
    app_nothing_left();
    return flow_said(first, "commit failed") || flow_said(second, "commit failed");
}

static void
nothing_is_lost(void)
{
    const struct flow_record *records;
    int64_t seen[PARTITIONS] = {0};
    for (size_t i = 0, n = flow_records(&records); i < n; i++)
        if (records[i].offset == seen[records[i].partition])
            seen[records[i].partition]++;
    for (int p = 0; p < PARTITIONS; p++)
        ck_assert_int_eq((int)seen[p], sent);
    flow_check_order(true);
}

/* Nothing is lost or out of order, nor is anything repeated, as long as the broker takes the commits: the
 * embedded one takes none while any member joins, and a newcomer may join again before partitions are handed
 * over. */
START_TEST(test_cooperative)
{
    bool refused = join_and_leave(NULL, NULL);
    nothing_is_lost();
    if (!refused)
        app_all_once(PARTITIONS, sent);
}
END_TEST

/* With this protocol partitions are given up while members join: what was done since the last commit is
 * repeated. */
START_TEST(test_eager)
{
    join_and_leave("-X", "partition.assignment.strategy=range");
    nothing_is_lost();
}
END_TEST

/* The first of two is killed: the second takes over after the session timeout, and repeats little. */
START_TEST(test_other_supervisor_is_killed)
{
    flow_broker("records:4", NULL);
    const char *configuration = app_recorder("'concurrency': 2", "");
    struct flow_process *first = join(configuration, 1, NULL, NULL);
    struct flow_process *second = join(configuration, 2, NULL, NULL);
    flow_await(first, "partitions assigned");
    flow_await(second, "partitions assigned");
    app_fill(PARTITIONS, 10);
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == PARTITIONS * 10, "the first records");
    FLOW_UNTIL(flow_all_committed("app.record", "records", PARTITIONS), "their commits");
    flow_signal(first, SIGKILL);
    flow_wait(first);
    app_fill(PARTITIONS, 10);
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == PARTITIONS * 20, "the other records");
    flow_signal(second, SIGTERM);
    flow_expect(second, 0);
    flow_check_order(false);
}
END_TEST

/* Two supervisors that ask the broker impatiently, each with two partitions; one of these has a record that
 * waits. */
struct asking {
    struct flow_process *broker, *apps[2];
};

static bool
both_work(const struct asking *a, int seen)
{
    return flow_seen(NULL) >= seen && flow_said(a->apps[0], "partitions assigned") &&
           flow_said(a->apps[1], "partitions assigned");
}

static struct asking
start_asking(void)
{
    struct asking a = {.broker = flow_broker("records:4", NULL)};
    const char *configuration = app_recorder("'concurrency': 2", "");
    flow_send("records", 0, NULL, "wait %s", flow_path("gate"));
    for (int p = 1; p < PARTITIONS; p++)
        flow_send("records", p, NULL, "quick");
    flow_flush();
    for (int i = 0; i < 2; i++)
        a.apps[i] = flow_start("headrace", "run", configuration, "-b", flow_brokers(), "--runtime-dir",
                               flow_path("run%d", i), "-X", "socket.timeout.ms=1000", "-X",
                               "session.timeout.ms=30000", "--until-end", NULL);
    return a;
}

static void
kill_asking(const struct asking *a)
{
    struct flow_process *all[] = {a->apps[0], a->apps[1], a->broker};
    for (int i = 0; i < 3; i++) {
        if (!flow_ended(all[i]))
            flow_signal(all[i], SIGKILL);
        flow_wait(all[i]);
    }
}

/* librdkafka 2.0.2's embedded broker forgets what the leader gave to a member that asks for it only after the
 * leader did: that one joins anew, and with requests that time out it may join twice, which the broker does
 * not survive. On a busy machine that happens; so they are started until both have joined. */
static struct asking
asking(void)
{
    for (int tries = 0; tries < 5; tries++) {
        int seen = flow_seen(NULL) + PARTITIONS;
        struct asking a = start_asking();
        int64_t until = clock_mono() + 15 * NS_PER_S;
        do
            if (both_work(&a, seen))
                return a;
        while (flow_wait_more(until));
        kill_asking(&a);
    }
    ck_abort_msg("two supervisors did not join a group in five attempts");
}

/* The broker falls silent for longer than its answers are waited for, while the group's offsets are asked for
 * again and again: by those that are at the end, as to what the other has. They are there when it goes on.
 * (Their ends are not looked at: members that join twice, again.) */
START_TEST(test_silent_while_asked)
{
    struct asking a = asking();
    for (int i = 0; i < 3; i++) {
        flow_signal(a.broker, SIGSTOP);
        time_goes_by(4);
        flow_signal(a.broker, SIGCONT);
        time_goes_by(2);
    }
    for (int i = 0; i < 2; i++)
        ck_assert(!flow_ended(a.apps[i]));
}
END_TEST

/* A revoke while a record takes longer than drain_timeout: the worker is killed, and the record repeated
 * elsewhere without an attempt. */
START_TEST(test_drain_timeout)
{
    flow_broker("records:2", NULL);
    for (int p = 0; p < 2; p++) {
        flow_send("records", p, NULL, "%d/0 wait %s", p, flow_path("gate"));
        flow_send("records", p, NULL, "%d/1", p);
    }
    flow_flush();
    const char *configuration = app_recorder("'concurrency': 2, 'attempts': 1", "'drain_timeout': '300ms'");
    struct flow_process *first = join(configuration, 1, NULL, NULL);
    FLOW_UNTIL(flow_seen(NULL) == 2, "two records that hang");
    struct flow_process *second = join(configuration, 2, NULL, NULL);
    flow_await(first, "drain_timeout");
    flow_await(second, "partitions assigned");
    FLOW_UNTIL(flow_seen(NULL) == 3, "the record again, in another supervisor");
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "the end");
    flow_signal(first, SIGTERM);
    flow_signal(second, SIGTERM);
    flow_expect(first, 0);
    flow_expect(second, 0);
    ck_assert(!flow_said(first, "record skipped") && !flow_said(second, "record skipped"));
    ck_assert_int_eq(flow_lines(first->err, "worker killed"), 1);
    const struct flow_record *records;
    size_t n = flow_records(&records);
    ck_assert_int_eq((int)n, 5);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(records[i].attempt, 1);
}
END_TEST

/* What is done is committed before a partition is handed over, however rarely commits are sent otherwise. */
START_TEST(test_revoke_commits_first)
{
    flow_broker("records:2", NULL);
    app_fill(2, 10);
    flow_flush();
    const char *configuration = app_json("app.json",
                                         "{'modules': ['%s'], 'commit_interval': '1h', " APP_QUICK_GROUP
                                         ", 'tasks': {'record': {'topic': 'records'}}}",
                                         flow_module("recorder"));
    struct flow_process *first = app_start(configuration, NULL);
    FLOW_UNTIL(flow_number("tasks.record.processed") == 20, "the records");
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
    struct flow_process *second = join(configuration, 2, NULL, NULL);
    flow_await(second, "partitions assigned task=record new=1");
    flow_send("records", 0, NULL, "0/10");
    flow_send("records", 1, NULL, "1/10");
    flow_flush();
    FLOW_UNTIL(flow_seen("0/10") + flow_seen("1/10") == 2, "two more");
    if (!flow_said(first, "commit failed")) /* the embedded broker takes none while any member joins */
        app_all_once(2, 11);
}
END_TEST

/* A supervisor that slept has lost its partitions, and gets them again while a worker is still on a record of
 * before: its lane stays closed until that has ended, and what that did counts for nothing. */
START_TEST(test_lost_lane_stays_closed_while_worked_on)
{
    flow_broker("records:2", NULL);
    const char *slow = flow_text("0/0 wait %s", flow_path("gate"));
    flow_send("records", 0, NULL, "%s", slow);
    flow_send("records", 1, NULL, "1/0");
    flow_flush();
    struct flow_process *app = app_start(app_recorder("'concurrency': 2", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 2, "both records");
    flow_signal(app, SIGSTOP);
    time_goes_by(6);
    flow_signal(app, SIGCONT);
    flow_await(app, "assignment lost");
    FLOW_UNTIL(flow_lines(app->err, "partitions assigned") == 2, "the partitions again");
    for (int i = 1; i < 30; i++)
        flow_send("records", 1, NULL, "1/%d", i);
    flow_flush();
    FLOW_UNTIL(flow_seen("1/29") == 1, "the other partition");
    ck_assert_int_eq(flow_seen(slow), 1);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_seen(slow) == 2, "the record again");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "the end");
    app_stop(app);
}
END_TEST

/* A broker that does not answer for as long as a session lasts: the log says why the assignment is lost. */
START_TEST(test_session_times_out)
{
    struct flow_process *broker = flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0/0");
    flow_flush();
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1),
               "that nothing is asked of the broker any more");
    flow_signal(broker, SIGSTOP);
    flow_await(app, "warn supervisor session timed out task=record error=\"Consumer group session timed out");
    flow_await(app, "assignment lost");
    flow_signal(broker, SIGCONT);
    FLOW_UNTIL(flow_lines(app->err, "partitions assigned") == 2, "the partitions again");
    app_stop(app);
}
END_TEST

/* SPEC 5.5: a record may take longer than max.poll.interval.ms. */
START_TEST(test_slow_record_keeps_the_membership)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app =
        app_start(app_recorder("", "'drain_timeout': '500ms'"), "-X", "max.poll.interval.ms=4000", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    time_goes_by(6);
    flow_write("gate", "%s", "");
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1), "its commit");
    app_stop(app);
    ck_assert_int_eq(flow_seen(NULL), 1);
    ck_assert_int_eq(flow_lines(app->err, "partitions assigned"), 1);
    ck_assert(!flow_said(app, "assignment lost"));
}
END_TEST

Suite *
rebalance_suite(void)
{
    Suite *s = suite_create("rebalance");
    TCase *c = tcase_create("rebalance");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_cooperative);
    tcase_add_test(c, test_eager);
    tcase_add_test(c, test_other_supervisor_is_killed);
    tcase_add_test(c, test_silent_while_asked);
    tcase_add_test(c, test_drain_timeout);
    tcase_add_test(c, test_revoke_commits_first);
    tcase_add_test(c, test_lost_lane_stays_closed_while_worked_on);
    tcase_add_test(c, test_session_times_out);
    tcase_add_test(c, test_slow_record_keeps_the_membership);
    suite_add_tcase(s, c);
    return s;
}
