/* test_reach.c - brokers that are not there, and topics that end or are missing. */
#include "tests/flow/app.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(test_until_end_of_nothing)
{
    flow_broker("records:3", NULL);
    flow_expect(app_run(app_recorder("", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen(NULL), 0);
}
END_TEST

/* Records that come after the start are not waited for. */
START_TEST(test_until_end_has_an_end)
{
    flow_broker("records:2", NULL);
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_run(app_recorder("'concurrency': 2", ""), "--until-end", NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    for (int i = 0; i < 100; i++)
        flow_send("records", 1, NULL, "1/%d sleep 1", i);
    flow_flush();
    flow_write("gate", "%s", "");
    flow_expect(app, 0);
    ck_assert_int_lt(flow_seen(NULL), 50);
    ck_assert_int_eq(flow_committed("app.record", "records", 0), 1);
}
END_TEST

START_TEST(test_until_end_over_failures)
{
    flow_broker("records:2", NULL);
    const char *const values[] = {"", "fail", "crash 1", "reject", "exit 3", "term", ""};
    for (int i = 0; i < 14; i++)
        flow_send("records", i % 2, NULL, "%d %s", i, values[i / 2]);
    flow_flush();
    flow_expect(app_run(app_recorder("'concurrency': 2, 'attempts': 2", ""), "--until-end", NULL), 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    ck_assert_int_eq(flow_committed("app.record", "records", 0), 7);
}
END_TEST

START_TEST(test_broker_is_not_there)
{
    flow_use_broker(flow_text("127.0.0.1:%d", app_free_port()));
    struct flow_process *app = app_run(app_recorder("", ""), NULL);
    flow_await(app, "cannot reach the broker");
    const char *line = app_line(app, "cannot reach the broker");
    ck_assert_msg(strstr(line, flow_brokers()) != NULL, "%s", line);
    ck_assert_int_eq(flow_lines(app->err, "cannot reach"), 1);
    ck_assert_int_gt(app_worker("record", 0), 0); /* they are ready for when it comes */
    flow_signal(app, SIGTERM);
    flow_expect(app, 0);
    app_nothing_left();
}
END_TEST

/* The embedded broker chooses its port: a second address that is reachable stands for the one that comes
 * later. */
START_TEST(test_broker_comes_back)
{
    struct flow_process *broker = flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    flow_signal(broker, SIGSTOP); /* it is there, and does not answer */
    flow_signal(app, SIGUSR2);    /* that keeps nobody from working */
    flow_await(app, "info supervisor state");
    ck_assert_ptr_nonnull(flow_status());
    flow_signal(broker, SIGCONT);
    app_fill(2, 5);
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == 10, "the records");
    app_stop(app);
}
END_TEST

START_TEST(test_stop_without_a_broker)
{
    struct flow_process *broker = flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    flow_signal(broker, SIGKILL);
    flow_await(app, "cannot reach the broker");
    flow_signal(app, SIGTERM);
    flow_wait(app);
    ck_assert_msg(app->code == 0 || app->code == 2, "ended with %d", app->code);
    app_nothing_left();
}
END_TEST

/* The assignment is lost while a commit waits for its answer: there is nothing left that it could be waited
 * for. */
START_TEST(test_stop_after_a_loss)
{
    struct flow_process *broker = flow_broker("records:2", NULL);
    struct flow_process *app = app_start(app_recorder("", "'stop_timeout': '1h'"), NULL);
    flow_send("records", 0, NULL, "wait %s", flow_path("gate"));
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    flow_signal(broker, SIGSTOP);
    flow_write("gate", "%s", ""); /* what is committed now is not answered any more */
    flow_await(app, "partitions lost");
    flow_signal(app, SIGTERM);
    FLOW_UNTIL(flow_ended(app), "the end of the stop");
    app_nothing_left();
}
END_TEST

/* ---- the embedded broker of a run ---- */

START_TEST(test_embedded)
{
    struct flow_process *app = flow_start("headrace", "run", flow_module("recorder"), "--embedded",
                                          "--runtime-dir", flow_runtime(), NULL);
    flow_await(app, "partitions assigned");
    const char *input = flow_write("in.txt", "one\ntwo\n\nfour\n");
    struct flow_process *send =
        flow_call("headrace", "send", "records", input, "--runtime-dir", flow_runtime(), NULL);
    flow_expect(send, 0);
    FLOW_UNTIL(flow_seen(NULL) >= 4, "the records, an empty one among them");
    ck_assert_int_eq(flow_seen("one") + flow_seen("two") + flow_seen("four"), 3);
    app_stop(app);
    FLOW_UNTIL(flow_count("") == 0, "the end of every process of the scene");
}
END_TEST

/* What the file says of the login of another broker does not keep anybody from trying the app, and is named
 * where it cannot be. */
START_TEST(test_embedded_without_login)
{
    const char *conf =
        app_json("tls.json",
                 "{'modules': ['%s'], 'kafka': {'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN',\n"
                 "  'sasl.username': 'u', 'sasl.password': 'p', 'ssl.ca.location': '/nowhere/ca.pem'}}",
                 flow_module("recorder"));
    struct flow_process *app =
        flow_start("headrace", "run", conf, "--embedded", "--runtime-dir", flow_runtime(), NULL);
    flow_await(app, "partitions assigned");
    app_stop(app);
    struct flow_process *check = flow_call("headrace", "check", conf, NULL);
    flow_expect(check, 78);
    ck_assert(flow_said(check, "ssl.ca.location: /nowhere/ca.pem: No such file or directory"));
    ck_assert_str_eq(flow_read(check->out), flow_text("%s: not ok\n", conf));
    struct flow_process *list =
        flow_call("headrace", "dead", "list", "letters", "-b", "127.0.0.1:1", "-X", "security.protocol=ssl",
                  "-X", "ssl.ca.location=/nowhere/ca.pem", NULL);
    flow_expect(list, 78);
    ck_assert(flow_said(list, "ssl.ca.location: /nowhere/ca.pem: No such file or directory"));
}
END_TEST

START_TEST(test_send_keys)
{
    flow_broker("records:4", NULL);
    const char *input = flow_write("in.txt", "%s", "a:1\nb:2\na:3\n");
    flow_expect(flow_call("headrace", "send", "records", input, "-K", ":", "-b", flow_brokers(), NULL), 0);
    flow_expect(app_run(app_recorder("", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen("1"), 1);
    ck_assert_int_eq(flow_seen("2"), 1);
    ck_assert_int_eq(flow_seen("3"), 1);
}
END_TEST

Suite *
reach_suite(void)
{
    Suite *s = suite_create("reach");
    TCase *c = tcase_create("until end");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_until_end_of_nothing);
    tcase_add_test(c, test_until_end_has_an_end);
    tcase_add_test(c, test_until_end_over_failures);
    suite_add_tcase(s, c);
    c = tcase_create("broker");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_broker_is_not_there);
    tcase_add_test(c, test_broker_comes_back);
    tcase_add_test(c, test_stop_without_a_broker);
    tcase_add_test(c, test_stop_after_a_loss);
    tcase_add_test(c, test_embedded);
    tcase_add_test(c, test_embedded_without_login);
    tcase_add_test(c, test_send_keys);
    suite_add_tcase(s, c);
    return s;
}
