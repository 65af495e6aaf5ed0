/* test_dead.c - `headrace dead list`, `show` and `replay`: the program itself, over librdkafka's mock
 * cluster. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/dead_world.h"

#define PRODUCE 0 /* the number of this request in Kafka's protocol */

static int
lines_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* ---- list and show ---- */

START_TEST(test_dead_list)
{
    dead_put_letter(2, "logs", 1, 40, "a");
    dead_put_letter(0, "logs", 0, 41, "b");
    dead_put(DLQ, 1, NULL, NULL, 0, dead_headers("logs", 3, 42, "rejected: bad"));
    dead_put(DLQ, 1, "k", "odd", 3, rd_kafka_headers_new(1));
    dead_run(0, "dead list " DLQ);
    ck_assert_str_eq(dead_out, "LETTER  DIED                      FROM       TASK  ATTEMPTS  REASON\n"
                               "   2:0  2023-11-14T22:13:20.000Z  logs:1:40  read         5  crash: SIGSEGV\n"
                               "   0:0  2023-11-14T22:13:20.001Z  logs:0:41  read         5  crash: SIGSEGV\n"
                               "   1:0  2023-11-14T22:13:20.002Z  logs:3:42  read         5  rejected: bad\n"
                               "   1:1  2023-11-14T22:13:20.003Z  -          -            -  -\n"
                               "4 letters in " DLQ "\n");
    dead_said(dead_err, "1 of them have no headrace.topic");
    dead_run(0, "dead list " DLQ " --reason crash -n 1");
    ck_assert_int_eq(lines_of(dead_out), 3);
    dead_said(dead_out, "   0:0  2023");
    dead_said(dead_out, "\n1 of 4 letters in " DLQ "\n");
    dead_run(0, "dead list " DLQ " --task reed");
    ck_assert_str_eq(dead_out, "0 of 4 letters in " DLQ "\n");
    dead_run(0, "dead list " DLQ " --json -n 2");
    ck_assert_int_eq(lines_of(dead_out), 2);
    dead_said(
        dead_out,
        "{\"partition\":1,\"offset\":0,\"timestamp\":1700000000002,\"from\":{\"topic\":\"logs\","
        "\"partition\":3,"
        "\"offset\":42,\"timestamp\":1600000000123},\"group\":\"logs.read\",\"task\":\"read\",\"attempts\":5,"
        "\"reason\":\"rejected: bad\",\"backtrace\":null,\"key\":null,\"value_bytes\":null}\n"
        "{\"partition\":1,\"offset\":1,");
}
END_TEST

START_TEST(test_dead_list_empty)
{
    dead_run(0, "dead list " DLQ);
    ck_assert_str_eq(dead_out, "0 letters in " DLQ "\n");
    dead_run(0, "dead list " DLQ " --json");
    ck_assert_str_eq(dead_out, "");
    dead_run(0, "dead replay " DLQ);
    ck_assert_str_eq(dead_out, "no letters in " DLQ " since the last replay\n");
}
END_TEST

START_TEST(test_dead_show)
{
    rd_kafka_headers_t *headers = dead_headers("logs", 1, 40, "crash: SIGSEGV");
    rd_kafka_header_add(headers, "odd", -1, "\033[2J\xff", 5);
    rd_kafka_header_add(headers, "null", -1, NULL, 0);
    dead_add(headers, "headrace.backtrace", "store (feeds.c:31) < body_run");
    dead_put(DLQ, 1, "\x01\x02", "two\nlines", 9, headers);
    dead_run(0, "dead show " DLQ " --offset 1:0");
    char *behind = strstr(dead_out, " -b 127");
    ck_assert_ptr_nonnull(behind);
    behind[0] = '\0';
    ck_assert_str_eq(dead_out, "letter     " DLQ ":1:0\n"
                               "died       2023-11-14T22:13:20.000Z\n"
                               "from       logs:1:40\n"
                               "written    2020-09-13T12:26:40.123Z\n"
                               "group      logs.read\n"
                               "task       read\n"
                               "attempts   5\n"
                               "reason     crash: SIGSEGV\n"
                               "backtrace\n"
                               "  store (feeds.c:31)\n"
                               "  body_run\n"
                               "headers\n"
                               "  trace: 7\n"
                               "  odd (5 bytes)\n"
                               "    00000000  1b 5b 32 4a ff                                    |.[2J.|\n"
                               "  null (null)\n"
                               "key (2 bytes)\n"
                               "  00000000  01 02                                             |..|\n"
                               "value (9 bytes)\n"
                               "  two\n"
                               "  lines\n"
                               "\n"
                               "try it:     headrace try APP read --record " DLQ ":1:0");
}
END_TEST

static const struct {
    const char *line;
    int code;
    const char *message;
} mistakes[] = {
    {"dead", 64, "headrace dead: takes list, show or replay first"}, /* -b comes first then */
    {"dead lst " DLQ, 64, "takes list, show or replay first, not 'lst'; did you mean list?"},
    {"dead list", 64, "headrace dead list: needs the name of a dead-letter topic, by default GROUP.dlq"},
    {"dead list " DLQ " x", 64, "takes one TOPIC, but there is 'x' too"},
    {"dead list a/b", 64, "'a/b' is no name for a topic"},
    {"dead list " DLQ " -n 0", 64, "-n takes a number from 1 to 1000000, not '0'"},
    {"dead list " DLQ " --offset 0:1", 64, "unknown option --offset"},
    {"dead list " DLQ " -X group.id=x", 64, "-X group.id: is set by headrace; leave it out"},
    {"dead list logs.read.dlx", 69, "there is no topic logs.read.dlx; did you mean " DLQ "?"},
    {"dead show " DLQ, 64, "needs --offset PARTITION:OFFSET; `headrace dead list " DLQ "` shows them"},
    {"dead show " DLQ " --offset 0", 64, "--offset takes PARTITION:OFFSET, as in 0:17, not '0'"},
    {"dead show " DLQ " --offset 0:1 --offset 0:1", 64, "--offset 0:1 is given twice"},
    {"dead show " DLQ " --offset 3:0", 66,
     DLQ ":3:0: there is no such partition; the topic has 3, from 0 on"},
    {"dead show " DLQ " --offset 2:0", 66, DLQ ":2:0: there is no such record; the partition is empty"},
    {"dead show " DLQ " --offset 0:1", 66, DLQ ":0:1: there is no such record; the partition holds 0 to 0"},
    {"dead replay " DLQ " --offset 0:0 --offset 0:1", 66, DLQ ":0:1: there is no such record"},
    {"dead replay " DLQ " --to " DLQ, 64, "--to names the topic that the letters are read from"},
    {"dead replay " DLQ " --to a/b", 64, "--to: 'a/b' is no name for a topic"},
    {"dead replay " DLQ " --to nowhere", 69, "there is no topic nowhere; create it first"},
};

START_TEST(test_dead_mistakes)
{
    dead_put_letter(0, "logs", 1, 40, "a");
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        dead_run(mistakes[i].code, "%s", mistakes[i].line);
        dead_said(dead_err, mistakes[i].message);
        ck_assert_str_eq(dead_out, "");
    }
    ck_assert_int_eq(dead_content("logs", 4).records, 0);
}
END_TEST

/* ---- replay ---- */

START_TEST(test_dead_replay)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    dead_add(headers, "headrace.for", "older");
    dead_add(headers, "empty", "");
    rd_kafka_header_add(headers, "null", -1, NULL, 0);
    dead_add(headers, "headrace.topic", "logs");
    dead_add(headers, "headrace.partition", "2");
    dead_add(headers, "headrace.group", "logs.read");
    dead_put(DLQ, 0, NULL, NULL, 0, headers);
    dead_put_letter(1, "logs", 3, 40, "");
    dead_put_letter(1, "logs", 99, 41, "no such partition now");
    dead_run(0, "dead replay " DLQ);
    ck_assert_str_eq(dead_out, "sent 3 letters to logs, for group logs.read\n");
    struct dead_content c = dead_content("logs", 4);
    ck_assert_int_eq(c.records, 3);
    dead_said(c.text, "2:(null)=(null) empty= null=(null) headrace.for=logs.read\n");
    dead_said(c.text, "3:key= trace=7 headrace.for=logs.read\n");
    dead_said(c.text, ":key=no such partition now trace=7 headrace.for=logs.read\n");

    dead_run(0, "dead replay " DLQ);
    ck_assert_str_eq(dead_out, "no letters in " DLQ " since the last replay\n");
    dead_put_letter(1, "logs", 3, 42, "new");
    dead_run(0, "dead replay " DLQ);
    ck_assert_str_eq(dead_out, "sent 1 letter to logs, for group logs.read\n");
    ck_assert_int_eq(dead_content("logs", 4).records, 4);
    ck_assert_int_eq(dead_committed(0), 1);
    ck_assert_int_eq(dead_committed(1), 3);
}
END_TEST

START_TEST(test_dead_replay_named)
{
    for (int i = 0; i < 3; i++)
        dead_put_letter(0, "logs", 1, i, i == 0 ? "a" : i == 1 ? "b" : "c");
    dead_run(0, "dead replay " DLQ " --offset 0:2 --offset 0:0");
    ck_assert_str_eq(dead_out, DLQ ":0:2 is now logs:1:0\n" DLQ ":0:0 is now logs:1:1\n"
                                   "sent 2 letters to logs, for group logs.read\n");
    struct dead_content c = dead_content("logs", 4);
    ck_assert_str_eq(c.text,
                     "1:key=c trace=7 headrace.for=logs.read\n1:key=a trace=7 headrace.for=logs.read\n");
    ck_assert_int_eq(dead_committed(0), -1);
}
END_TEST

START_TEST(test_dead_replay_to)
{
    rd_kafka_mock_topic_create(dead_cluster, "elsewhere", 1, 1);
    dead_put_letter(0, "logs", 1, 40, "a");
    dead_put_letter(0, NULL, 1, 41, "from nowhere");
    dead_run(0, "dead replay " DLQ " --to elsewhere");
    ck_assert_str_eq(dead_out, "sent 2 letters to elsewhere\n");
    struct dead_content c = dead_content("elsewhere", 1);
    ck_assert_str_eq(c.text, "0:key=a trace=7\n0:key=from nowhere trace=7\n");
    ck_assert_int_eq(dead_content("logs", 4).records, 0);
}
END_TEST

START_TEST(test_dead_replay_leaves_what_says_nothing)
{
    dead_put_letter(0, NULL, 1, 41, "from nowhere");
    dead_put_letter(0, "logs", 1, 40, "a");
    dead_run(1, "dead replay " DLQ);
    dead_said(dead_err, DLQ ":0:0: not sent: it does not say where it came from (headrace.topic)");
    ck_assert_str_eq(dead_out, "sent 1 letter to logs, for group logs.read\n1 letter could not be sent\n");
    ck_assert_int_eq(dead_committed(0), 2);
}
END_TEST

/* Trouble that would meet the others too ends the replay, and the next one begins there. */
START_TEST(test_dead_replay_ends_where_the_topic_is_gone)
{
    dead_put_letter(0, "logs", 1, 40, "a");
    dead_put_letter(0, "gone", 1, 41, "b");
    dead_put_letter(0, "logs", 1, 42, "c");
    dead_run(69, "dead replay " DLQ);
    dead_said(dead_err, DLQ ":0:1 cannot be sent to gone: ");
    ck_assert_str_eq(dead_out, "sent 1 letter to logs, for group logs.read\n");
    ck_assert_int_eq(dead_committed(0), 1);
    rd_kafka_mock_topic_create(dead_cluster, "gone", 2, 1);
    dead_run(0, "dead replay " DLQ);
    ck_assert_int_eq(dead_content("logs", 4).records, 2);
    ck_assert_int_eq(dead_content("gone", 2).records, 1);
    ck_assert_int_eq(dead_committed(0), 3);
}
END_TEST

/* A letter that the broker refuses for its size is left, and the others go on. */
START_TEST(test_dead_replay_leaves_what_is_refused)
{
    dead_put_letter(0, "logs", 1, 40, "a");
    dead_put_letter(0, "logs", 1, 41, "b");
    rd_kafka_mock_push_request_errors(dead_cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    dead_run(1, "dead replay " DLQ " -X batch.num.messages=1 -X max.in.flight=1");
    dead_said(dead_err, DLQ ":0:0: not sent: Broker: Message size too large");
    ck_assert_str_eq(dead_out, "sent 1 letter to logs, for group logs.read\n1 letter could not be sent\n");
    ck_assert_int_eq(dead_committed(0), 2);
}
END_TEST

/* A broker that takes nothing: nothing is committed, and all of it is sent by the next replay. */
START_TEST(test_dead_replay_unconfirmed)
{
    dead_put_letter(0, "logs", 1, 40, "a");
    dead_put_letter(0, "logs", 1, 41, "b");
    rd_kafka_mock_push_request_errors(dead_cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    dead_run(69, "dead replay " DLQ);
    dead_said(dead_err, "cannot be sent to logs: the user ANONYMOUS has no right to Write on topic logs");
    ck_assert_int_eq(dead_committed(0), -1);
    rd_kafka_mock_clear_request_errors(dead_cluster, PRODUCE);
    dead_run(0, "dead replay " DLQ);
    ck_assert_int_eq(dead_content("logs", 4).records, 2);
}
END_TEST

/* Letters are spread over the dead-letter topic, and go back in the order of their deaths. */
START_TEST(test_dead_replay_in_order)
{
    char value[16], expected[4096] = "";
    for (int i = 0; i < 40; i++) {
        snprintf(value, sizeof value, "%d", i);
        dead_put_letter((7 * i) % 3, "logs", 1, i, value);
        sprintf(expected + strlen(expected), "1:key=%d trace=7 headrace.for=logs.read\n", i);
    }
    dead_run(0, "dead replay " DLQ);
    struct dead_content c = dead_content("logs", 4);
    ck_assert_str_eq(c.text, expected);
}
END_TEST

Suite *
dead_suite(void)
{
    Suite *s = suite_create("dead");
    TCase *t = tcase_create("dead");
    tcase_add_checked_fixture(t, dead_setup, dead_teardown);
    tcase_add_test(t, test_dead_list);
    tcase_add_test(t, test_dead_list_empty);
    tcase_add_test(t, test_dead_show);
    tcase_add_test(t, test_dead_mistakes);
    tcase_add_test(t, test_dead_replay);
    tcase_add_test(t, test_dead_replay_named);
    tcase_add_test(t, test_dead_replay_to);
    tcase_add_test(t, test_dead_replay_leaves_what_says_nothing);
    tcase_add_test(t, test_dead_replay_ends_where_the_topic_is_gone);
    tcase_add_test(t, test_dead_replay_leaves_what_is_refused);
    tcase_add_test(t, test_dead_replay_unconfirmed);
    tcase_add_test(t, test_dead_replay_in_order);
    suite_add_tcase(s, t);
    return s;
}
