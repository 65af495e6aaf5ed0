/* test_replays.c - dead letters sent back where they came from: who sees them, and who passes them over. */
#include "tests/flow/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DLQ "app.record.dlq"

/* Two tasks of two groups read the topic; one of them gives the record up, and only that one gets it again.
 */
START_TEST(test_replay_is_for_the_group_that_died_of_it)
{
    flow_broker("records:1", DLQ ":1", NULL);
    flow_send("records", 0, NULL, "0 reject");
    flow_send("records", 0, NULL, "1");
    flow_flush();
    flow_expect(app_run(app_recorder("'on_failure': 'dead-letter'", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen("0 reject"), 1);
    struct flow_process *replay = flow_call("headrace", "dead", "replay", DLQ, "-b", flow_brokers(), NULL);
    flow_expect(replay, 0);
    ck_assert_int_eq((int)flow_end_offset("records", 0), 3);

    flow_expect(app_run(app_recorder("'group': 'others'", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen("0 reject"), 2); /* the first one, and not the one that was sent back */
    ck_assert_int_eq(flow_seen("1"), 2);
    ck_assert_int_eq((int)flow_committed("others", "records", 0), 3); /* it counts as done */

    flow_expect(app_run(app_recorder("'on_failure': 'dead-letter'", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen("0 reject"), 3);
    ck_assert_int_eq(flow_seen("1"), 2);
    const struct flow_letter *letters;
    ck_assert_int_eq((int)flow_letters(DLQ, &letters), 2);
    ck_assert_str_eq(flow_letter_text(&letters[1], "headrace.for"), "app.record");
    ck_assert_str_eq(flow_letter_text(&letters[1], "headrace.offset"), "2");
}
END_TEST

/* It has no claim on anybody when it is sent elsewhere. */
START_TEST(test_replay_elsewhere_is_for_all)
{
    flow_broker("records:1", "graves:1", NULL);
    flow_send("records", 0, NULL, "0 reject");
    flow_flush();
    flow_expect(app_run(app_recorder("'on_failure': 'dead-letter', 'dead_letter_topic': 'graves'", ""),
                        "--until-end", NULL),
                0);
    flow_expect(
        flow_call("headrace", "dead", "replay", "graves", "--to", "records", "-b", flow_brokers(), NULL), 0);
    flow_expect(app_run(app_recorder("'group': 'others'", ""), "--until-end", NULL), 0);
    ck_assert_int_eq(flow_seen("0 reject"), 1 + 2);
}
END_TEST

/* From the line in the log to the record in hand: the command that it prints runs the task on it. */
START_TEST(test_line_in_the_log_can_be_tried)
{
    flow_broker("records:1", DLQ ":1", NULL);
    flow_send("records", 0, NULL, "0 exit 3");
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder("'on_failure': 'dead-letter', 'attempts': 1", ""), "--until-end", NULL);
    flow_expect(app, 0);
    char conf[256], place[128];
    const char *line = strstr(app_line(app, "worker ended"), "headrace try ");
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(sscanf(line, "headrace try %255s record --record %127s --debug -b", conf, place) == 2, "%s",
                  line);
    struct flow_process *try =
        flow_call("headrace", "try", conf, "record", "--record", place, "-b", flow_brokers(), NULL);
    flow_expect(try, 3);
    ck_assert_int_eq(flow_seen("0 exit 3"), 2);
    flow_expect(
        flow_call("headrace", "try", conf, "record", "--record", DLQ ":0:0", "-b", flow_brokers(), NULL), 3);
    ck_assert_int_eq(flow_seen("0 exit 3"), 3);
}
END_TEST

/* --debug becomes gdb, with a breakpoint where the body of the task begins. */
START_TEST(test_debug_opens_gdb)
{
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "0");
    flow_flush();
    chmod(flow_write("gdb", "%s", "#!/bin/sh\necho \"$@\"\n"), 0700);
    setenv("PATH", flow_text("%s:%s", flow_path("."), getenv("PATH")), 1);
    struct flow_process *try = flow_call("headrace", "try", app_recorder("", ""), "record", "--record",
                                         "records:0:0", "--debug", "-b", flow_brokers(), NULL);
    flow_expect(try, 0);
    const char *line = app_line(try, "--args");
    ck_assert_msg(strstr(line, "-ex break hr_task_body_record -ex run --args ") != NULL &&
                      strstr(line, "headrace-worker") != NULL,
                  "%s", line);
}
END_TEST

Suite *
replays_suite(void)
{
    Suite *s = suite_create("replays");
    TCase *c = tcase_create("replays");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_replay_is_for_the_group_that_died_of_it);
    tcase_add_test(c, test_replay_elsewhere_is_for_all);
    tcase_add_test(c, test_line_in_the_log_can_be_tried);
    tcase_add_test(c, test_debug_opens_gdb);
    suite_add_tcase(s, c);
    return s;
}
