/* test_sends.c - what tasks send: with the record that sends it, or not at all. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sender writes the configuration of the sender. */
static const char *
sender(const char *task)
{
    return app_json("app.json",
                    "{'modules': ['%s'], 'tasks': {'send': {'backoff': ['10ms', '20ms']%s%s}}, "
                    "'commit_interval': '100ms'}",
                    flow_module("sender"), task[0] ? ", " : "", task);
}

/* run_to_end runs the sender over what was sent to "records". */
static struct flow_process *
run_to_end(const char *task)
{
    flow_flush();
    struct flow_process *app = app_run(sender(task), "--until-end", NULL);
    flow_expect(app, 0);
    app_nothing_left();
    return app;
}

static bool
has_value(const struct flow_letter *l, const char *text)
{
    return l->value != NULL && l->value_size == strlen(text) && memcmp(l->value, text, l->value_size) == 0;
}

/* values joins the values of a topic of one partition. */
static const char *
values(const char *topic)
{
    static char text[2000];
    const struct flow_letter *letters;
    size_t n = flow_letters(topic, &letters);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "",
                 (int)letters[i].value_size, (const char *)letters[i].value);
    return text;
}

START_TEST(test_sent_with_the_record)
{
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a;to out b");
    flow_send("records", 0, NULL, "nothing");
    flow_send("records", 0, NULL, "to out c");
    run_to_end("");
    ck_assert_str_eq(values("out"), "a b c");
    ck_assert(flow_all_committed("app.send", "records", 1));
}
END_TEST

START_TEST(test_bytes_headers_timestamp)
{
    const struct flow_letter *l;
    struct flow_header header;
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "all out;tombstone out gone;empty out");
    run_to_end("");
    ck_assert_uint_eq(flow_letters("out", &l), 3);
    ck_assert_mem_eq(l[0].key, "k\0y", 3);
    ck_assert_mem_eq(l[0].value, "v\0e", 3);
    ck_assert_int_eq(l[0].timestamp, 1600000000000);
    ck_assert(flow_letter_header(&l[0], 0, &header));
    ck_assert_str_eq(header.name, "first");
    ck_assert_uint_eq(header.size, 3);
    ck_assert_mem_eq(header.value, "1\0002", 3);
    ck_assert(flow_letter_header(&l[0], 1, &header));
    ck_assert_str_eq(header.name, "null");
    ck_assert_ptr_null(header.value);
    ck_assert_mem_eq(l[1].key, "gone", 4);
    ck_assert_ptr_null(l[1].value);
    ck_assert_ptr_nonnull(l[2].value);
    ck_assert_ptr_nonnull(l[2].key);
    ck_assert_uint_eq(l[2].value_size, 0);
}
END_TEST

START_TEST(test_to_a_partition)
{
    const struct flow_letter *l;
    flow_broker("records:1", "out:3", NULL);
    flow_send("records", 0, NULL, "at out 2 x;at out 1 y");
    run_to_end("");
    ck_assert_uint_eq(flow_letters("out", &l), 2);
    ck_assert_int_eq(l[0].partition, 1);
    ck_assert(has_value(&l[0], "y"));
    ck_assert_int_eq(l[1].partition, 2);
}
END_TEST

/* What a failed attempt sent is dropped; what the good one sends is sent once. */
START_TEST(test_failed_attempts_send_nothing)
{
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a;fail 1");
    flow_send("records", 0, NULL, "to out b;crash 1");
    flow_send("records", 0, NULL, "to out c;reject");
    flow_send("records", 0, NULL, "to out d");
    run_to_end("'dead_letter_limit': 0");
    ck_assert_str_eq(values("out"), "a b d");
}
END_TEST

START_TEST(test_what_is_refused_at_once)
{
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "errno out");
    run_to_end("");
    ck_assert_str_eq(values("out"), "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EMSGSIZE");
}
END_TEST

/* Nor does anything of it arrive, or of what the body itself sends get lost. */
START_TEST(test_another_thread_or_process_cannot_send)
{
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a;elsewhere out;to out b");
    struct flow_process *app = run_to_end("");
    ck_assert_str_eq(values("out"), "a thread:EPERM child:EPERM b");
    ck_assert_int_eq(flow_lines(app->err, "another thread or process than the body's, refused function=hr_send"), 1);
}
END_TEST

/* A message that is larger than the producer may send: its record is a dead letter and is not run again,
 * nothing of it is sent, and the lane goes on. */
START_TEST(test_too_large)
{
    const struct flow_letter *l;
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a");
    flow_send("records", 0, NULL, "to out b;large out 30000");
    flow_send("records", 0, NULL, "to out c");
    struct flow_process *app = run_to_end("'kafka': {'message.max.bytes': 20000}");
    ck_assert_str_eq(values("out"), "a c");
    ck_assert_uint_eq(flow_letters("app.send.dlq", &l), 1);
    ck_assert_str_eq(flow_letter_text(&l[0], "headrace.reason"),
                     "send: out: larger than message.max.bytes (20000)");
    ck_assert_str_eq(flow_letter_text(&l[0], "headrace.attempts"), "1");
    ck_assert_int_eq(flow_seen("to out b;large out 30000"), 1);
    ck_assert(flow_said(app, "record dead-lettered"));
}
END_TEST

/* A partition that the topic does not have, found by the producer. */
START_TEST(test_no_such_partition)
{
    const struct flow_letter *l;
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a"); /* so that the topic is known */
    flow_send("records", 0, NULL, "at out 7 x");
    run_to_end("");
    ck_assert_uint_eq(flow_letters("app.send.dlq", &l), 1);
    const char *reason = flow_letter_text(&l[0], "headrace.reason");
    ck_assert_msg(strncmp(reason, "send: out: ", 11) == 0, "%s", reason);
    ck_assert_int_eq(flow_seen("at out 7 x"), 1);
}
END_TEST

#define BOUND(topic) "send: " topic ": the task has sent to 1000 other topics, which is the most"

/* Made-up topics are bounded: the record that names one too many sends nothing, and known topics go on. */
START_TEST(test_topics_are_bounded)
{
    const struct flow_letter *l;
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "to out a");
    flow_send("records", 0, NULL, "to out b;topics t 1000");
    flow_send("records", 0, NULL, "to another c");
    flow_send("records", 0, NULL, "to out d");
    run_to_end("");
    ck_assert_str_eq(values("out"), "a d");
    ck_assert_uint_eq(flow_letters("app.send.dlq", &l), 2);
    int other = strcmp(flow_letter_text(&l[0], "headrace.reason"), BOUND("t999")) == 0; /* they may be in any partition */
    ck_assert_str_eq(flow_letter_text(&l[!other], "headrace.reason"), BOUND("t999"));
    ck_assert_str_eq(flow_letter_text(&l[other], "headrace.reason"), BOUND("another"));
}
END_TEST

/* Sends that are refused count as dead letters in a row, though their records finished. */
START_TEST(test_refused_sends_trip_the_breaker)
{
    flow_broker("records:1", "out:1", NULL);
    for (int i = 0; i < 80; i++)
        flow_send("records", 0, NULL,
                  "large out 30000"); /* so large that a frame of the outbox holds less than the limit */
    flow_flush();
    struct flow_process *app = app_run(
        sender("'dead_letter_limit': 20, 'kafka': {'message.max.bytes': 20000}"), "--until-end", NULL);
    flow_expect(app, 1);
    ck_assert(flow_said(app, "send: out: larger"));
    ck_assert_int_lt(flow_end_offset("app.send.dlq", 0), 45);
}
END_TEST

/* A worker killed on a record: what was finished before is sent, once. */
START_TEST(test_killed_after_sending)
{
    flow_broker("records:1", "out:1", NULL);
    for (int i = 0; i < 20; i++)
        flow_send("records", 0, NULL, "to out %d", i);
    flow_send("records", 0, NULL, "sleep 0.05;kill 1;to out end");
    run_to_end("");
    ck_assert_str_eq(values("out"), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 end");
}
END_TEST

/* The lane goes on while what its records send is not confirmed. */
START_TEST(test_lane_goes_on)
{
    flow_broker("records:1", "out:1", NULL);
    for (int i = 0; i < 30; i++)
        flow_send("records", 0, NULL, "to out %d", i);
    flow_flush();
    struct flow_process *app = app_start(sender("'kafka': {'linger.ms': 4000}"), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 30, "all records have been begun");
    ck_assert_int_eq(flow_number("tasks.send.sent"), 0);
    ck_assert_int_eq(flow_number("tasks.send.waiting_sends"), 30);
    FLOW_UNTIL(flow_number("tasks.send.sent") == 30, "all is confirmed");
    app_stop(app);
    ck_assert(flow_all_committed("app.send", "records", 1));
}
END_TEST

/* A stop waits for the confirmation. */
START_TEST(test_stop_waits_for_the_confirmation)
{
    flow_broker("records:1", "out:1", NULL);
    flow_send("records", 0, NULL, "many out 1000");
    flow_flush();
    struct flow_process *app = app_start(sender("'kafka': {'linger.ms': 700}"), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    app_stop(app);
    ck_assert_int_eq(flow_end_offset("out", 0), 1000);
    ck_assert(flow_all_committed("app.send", "records", 1));
}
END_TEST

static struct flow_process *
run_alone(const char *tick)
{
    setenv("SENDER_TICK", tick, 1);
    setenv("SENDER_SLEEP", "1000", 1);
    return app_run(
        app_json("app.json", "{'modules': ['%s'], 'kafka': {'linger.ms': 500}}", flow_module("sender_alone")),
        NULL);
}

START_TEST(test_timer_sends_at_each_trigger)
{
    flow_broker("ticks:1", "pumped:1", NULL);
    struct flow_process *app = run_alone("");
    FLOW_UNTIL(flow_end_offset("ticks", 0) >= 3, "three triggers");
    app_stop(app);
    ck_assert_msg(strncmp(values("ticks"), "0 1 2", 5) == 0, "%s", values("ticks"));
}
END_TEST

START_TEST(test_timer_that_fails_sends)
{
    flow_broker("ticks:1", "pumped:1", NULL);
    struct flow_process *app = run_alone("return");
    FLOW_UNTIL(flow_end_offset("ticks", 0) >= 2, "two triggers, of two processes");
    app_stop(app);
}
END_TEST

START_TEST(test_background_task_sends_when_it_sleeps)
{
    flow_broker("ticks:1", "pumped:1", NULL);
    struct flow_process *app = run_alone("");
    FLOW_UNTIL(flow_end_offset("pumped", 0) == 1, "what was sent before the sleep");
    app_stop(app); /* the sleep ends, and so does the body; what it sent is waited for */
    ck_assert_str_eq(values("pumped"), "0 1");
}
END_TEST

START_TEST(test_try_shows_what_would_be_sent)
{
    const char *input = flow_write("input", "to out hello\nkeyed out k v\nto out x;fail 1\nall out\n");
    struct flow_process *p = flow_start_from(input, "headrace", "try", flow_module("sender"), "send", NULL);
    flow_expect(p, 1);
    ck_assert(flow_said(p, "line 1 sends to out: hello\n"));
    ck_assert(flow_said(p, "line 2 sends to out key=k: v\n"));
    ck_assert(!flow_said(p, "line 3 sends"));
    ck_assert(flow_said(p, "line 4 sends to out key=k\\x00y first=1\\x002 null=null: v\\x00e\n"));
}
END_TEST

Suite *
sends_suite(void)
{
    Suite *suite = suite_create("sends");
    TCase *tc = tcase_create("sends");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_sent_with_the_record);
    tcase_add_test(tc, test_bytes_headers_timestamp);
    tcase_add_test(tc, test_to_a_partition);
    tcase_add_test(tc, test_failed_attempts_send_nothing);
    tcase_add_test(tc, test_what_is_refused_at_once);
    tcase_add_test(tc, test_another_thread_or_process_cannot_send);
    tcase_add_test(tc, test_too_large);
    tcase_add_test(tc, test_no_such_partition);
    tcase_add_test(tc, test_topics_are_bounded);
    tcase_add_test(tc, test_refused_sends_trip_the_breaker);
    tcase_add_test(tc, test_killed_after_sending);
    tcase_add_test(tc, test_lane_goes_on);
    tcase_add_test(tc, test_stop_waits_for_the_confirmation);
    tcase_add_test(tc, test_timer_sends_at_each_trigger);
    tcase_add_test(tc, test_timer_that_fails_sends);
    tcase_add_test(tc, test_background_task_sends_when_it_sleeps);
    tcase_add_test(tc, test_try_shows_what_would_be_sent);
    suite_add_tcase(suite, tc);
    return suite;
}
