/* test_letters.c - records that fail for good: what their dead letters say, and when those can be written. */
#include "tests/flow/app.h"
#include "tests/flow/dead.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

/* ---- what a letter says ---- */

START_TEST(test_failed)
{
    const struct flow_letter *letter =
        dead_one("'attempts': 3", "fail", "3", "failed: told to fail, attempt 3");
    dead_header(letter, "headrace.group", "app.record");
    dead_header(letter, "headrace.task", "record");
    dead_header(letter, "headrace.backtrace", "");
    int64_t written =
        atoll(flow_letter_text(letter, "headrace.timestamp")); /* by the sender, before it died */
    ck_assert_int_gt(written, letter->timestamp - 60000);
    ck_assert_int_lt(written, letter->timestamp);
    ck_assert_int_eq(letter->key == NULL, 1);
}
END_TEST

START_TEST(test_rejected)
{
    dead_one("'attempts': 3", "reject", "1", "rejected: told to reject");
}
END_TEST

START_TEST(test_crashed)
{
    dead_broker();
    dead_send(7, "crash");
    struct flow_process *app = dead_run("'attempts': 2, 'concurrency': 2");
    const char *backtrace =
        flow_letter_text(dead_check("crash", "2", "crash: SIGSEGV"), "headrace.backtrace");
    ck_assert_msg(strstr(backtrace, "act (modules/recorder.c:") != NULL && strstr(backtrace, " < ") != NULL,
                  "%s", backtrace);
    ck_assert_int_eq(flow_lines(app->err, " backtrace task=record "), 2); /* one for each death, the same */
    ck_assert(flow_said(app, flow_text("at=\"%s\"", backtrace)));
}
END_TEST

/* A letter that is too large with its backtrace is written without. */
START_TEST(test_too_large_with_its_backtrace)
{
    dead_broker();
    flow_send("records", 0, NULL, "0 crash%*s", 1655, "");
    flow_flush();
    const char *task = DEAD_LETTERS ", 'attempts': 1, 'kafka': {'message.max.bytes': 2000}";
    struct flow_process *app = app_run(app_recorder(task, ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_gt((int)strlen(strstr(app_line(app, " backtrace task="), "at=")), 100);
    dead_header(dead_letter(), "headrace.reason", "crash: SIGSEGV");
    dead_header(dead_letter(), "headrace.backtrace", "");
}
END_TEST

START_TEST(test_killed)
{
    const struct flow_letter *letter = dead_one("'attempts': 2", "kill", "2", "crash: SIGKILL");
    dead_header(letter, "headrace.backtrace", "");
}
END_TEST

START_TEST(test_exited)
{
    dead_one("'attempts': 2", "exit 3", "2", "exit: 3");
}
END_TEST

START_TEST(test_returned)
{
    dead_one("'attempts': 2", "return 4", "2", "returned: 4");
}
END_TEST

/* Key, value and headers are in the letter byte for byte, its own headers behind them; the time is that of
 * death. */
START_TEST(test_byte_for_byte)
{
    static const char key[] = "k\0\xff\n", value[] = "0 reject \0\x80\xff\r\n\"'";
    static const struct flow_header sent[] = {
        {"a", "1", 1},
        {"a", "2", 1},
        {"empty", "", 0},
        {"null", NULL, 0},
        {"bytes", "\0\xfe\n", 3},
        {"headrace.reason", "of the sender", 13},
    };
    int n = (int)(sizeof sent / sizeof *sent);
    struct flow_header header;
    dead_broker();
    flow_send_message(&(struct flow_message){.topic = "records",
                                             .key = key,
                                             .key_size = sizeof key - 1,
                                             .value = value,
                                             .value_size = sizeof value - 1,
                                             .headers = sent,
                                             .n_headers = n});
    flow_flush();
    wall_ms before = clock_wall();
    dead_run("");
    const struct flow_letter *letter = dead_letter();
    ck_assert_mem_eq(letter->key, key, sizeof key - 1);
    ck_assert_int_eq((int)letter->key_size, (int)sizeof key - 1);
    ck_assert_mem_eq(letter->value, value, sizeof value - 1);
    ck_assert_int_eq((int)letter->value_size, (int)sizeof value - 1);
    for (int i = 0; i < n; i++) {
        ck_assert(flow_letter_header(letter, (size_t)i, &header));
        ck_assert_str_eq(header.name, sent[i].name);
        ck_assert_int_eq((int)header.size, (int)sent[i].size);
        ck_assert_int_eq(header.value == NULL, sent[i].value == NULL);
        if (sent[i].size > 0)
            ck_assert_mem_eq(header.value, sent[i].value, sent[i].size);
    }
    ck_assert(flow_letter_header(letter, (size_t)n, &header));
    ck_assert_str_eq(header.name, "headrace.topic");
    ck_assert_int_ge(letter->timestamp, before);
    ck_assert_int_le(letter->timestamp, clock_wall());
}
END_TEST

/* What has no value and no key has none in the letter either; that is not the same as empty ones. */
START_TEST(test_nothing_stays_nothing)
{
    const struct flow_letter *letters;
    flow_broker("logs:1", "logs.process_logs.dlq:1", NULL);
    flow_send_bytes("logs", 0, NULL, 0, NULL, 0);
    flow_send_bytes("logs", 0, "", 0, "", 0);
    flow_flush();
    flow_expect(
        app_run(app_json("logs.json", "{'modules': ['%s']}", flow_example("logs")), "--until-end", NULL), 0);
    ck_assert_int_eq((int)flow_letters("logs.process_logs.dlq", &letters), 2);
    ck_assert(letters[0].key == NULL && letters[0].value == NULL);
    ck_assert(letters[1].key != NULL && letters[1].value != NULL);
    ck_assert_int_eq((int)(letters[1].key_size + letters[1].value_size), 0);
    ck_assert_msg(strncmp(flow_letter_text(&letters[1], "headrace.reason"), "decode: ", 8) == 0, "%s",
                  flow_letter_text(&letters[1], "headrace.reason"));
}
END_TEST

START_TEST(test_topic_of_ones_own)
{
    const struct flow_letter *letters;
    flow_broker("records:2", "graves:1", NULL);
    dead_send(7, "reject");
    struct flow_process *app = dead_run("'dead_letter_topic': 'graves'");
    ck_assert_int_eq((int)flow_letters("graves", &letters), 1);
    const char *line = app_line(app, "record dead-lettered");
    ck_assert_msg(strstr(line, "record=records:0:7") != NULL && strstr(line, "letter=graves:0:0") != NULL,
                  "%s", line);
}
END_TEST

/* What is behind a letter is committed at once: until then whoever is next would write it again. */
START_TEST(test_commit_follows_the_letter)
{
    dead_broker();
    struct flow_process *app =
        app_start(app_json("app.json",
                           "{'modules': ['%s'], 'commit_interval': '1h', " APP_QUICK_GROUP
                           ", 'tasks': {'record': {'topic': 'records'}}}",
                           flow_module("recorder")),
                  NULL);
    flow_send("records", 0, NULL, "0");
    flow_flush();
    FLOW_UNTIL(flow_seen("0") == 1, "the partitions are being worked on");
    for (int letters = 1; letters <= 3; letters++) {
        flow_send("records", 0, NULL, "reject");
        flow_flush();
        FLOW_UNTIL(flow_committed("app.record", "records", 0) == 1 + letters, "the commit of letter %d",
                   letters);
    }
    app_stop(app);
}
END_TEST

/* A connection that is refused at once is said by the client before anybody listens to it: what it says then
 * must not keep the confirmations of letters from being heard. */
START_TEST(test_letter_though_a_broker_is_away)
{
    dead_broker();
    dead_send(7, "reject");
    const char *configuration = app_recorder(DEAD_LETTERS, ""), *brokers = flow_brokers();
    for (int i = 0; i < 9; i++) /* librdkafka begins with any */
        brokers = flow_text("127.0.0.1:%d,%s", app_free_port(), brokers);
    struct flow_process *app = flow_start("headrace", "run", configuration, "-b", brokers, "--runtime-dir",
                                          flow_runtime(), "--until-end", NULL);
    flow_expect(app, 0);
    dead_check("reject", "1", "rejected: told to reject");
}
END_TEST

/* ---- letters that cannot be written ---- */

/* The record waits and is not lost, its lane waits with it, no other does, and the status says why. */
START_TEST(test_lane_waits_for_its_letter)
{
    char large[4000];
    memset(large, 'x', sizeof large);
    memcpy(large, "0 reject ", 9);
    dead_broker();
    flow_send_bytes("records", 0, NULL, 0, large, sizeof large);
    flow_send("records", 0, NULL, "1");
    flow_flush();
    struct flow_process *app = app_start(
        app_recorder(DEAD_LETTERS ", 'kafka': {'message.max.bytes': 2000}", "'stop_timeout': '500ms'"), NULL);
    flow_await(app, "dead letters cannot be written");
    for (int i = 0; i < 10; i++)
        flow_send("records", 1, NULL, "1/%d", i);
    flow_flush();
    FLOW_UNTIL(flow_seen("1/9") == 1, "the other partition");
    ck_assert_int_eq(flow_seen("1"), 0);
    ck_assert_int_eq((int)flow_number("tasks.record.waiting_letters"), 1);
    ck_assert_int_ne((int)strlen(flow_string("tasks.record.trouble")), 0);
    flow_signal(app, SIGTERM);
    flow_expect(app, 2); /* it waited for the letter, to the end of stop_timeout */
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
    dead_run("");
    ck_assert_int_eq((int)dead_letter()->value_size, (int)sizeof large);
    ck_assert_int_eq(flow_seen("1"), 1);
}
END_TEST

Suite *
letters_suite(void)
{
    Suite *s = suite_create("letters");
    TCase *c = tcase_create("letters");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    suite_add_tcase(s, c);
    tcase_add_test(c, test_failed);
    tcase_add_test(c, test_rejected);
    tcase_add_test(c, test_crashed);
    tcase_add_test(c, test_too_large_with_its_backtrace);
    tcase_add_test(c, test_killed);
    tcase_add_test(c, test_exited);
    tcase_add_test(c, test_returned);
    tcase_add_test(c, test_byte_for_byte);
    tcase_add_test(c, test_nothing_stays_nothing);
    tcase_add_test(c, test_topic_of_ones_own);
    tcase_add_test(c, test_commit_follows_the_letter);
    tcase_add_test(c, test_letter_though_a_broker_is_away);
    tcase_add_test(c, test_lane_waits_for_its_letter);
    return s;
}
