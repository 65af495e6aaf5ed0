/* test_harness.c - the harness itself: what the other flow tests rely on. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/flow/flow.h"

START_TEST(test_codes_and_output)
{
    struct flow_process *p = flow_call("sh", "-c", "echo out; echo err >&2; exit 3", NULL);
    flow_expect(p, 3);
    ck_assert_str_eq(flow_read(p->out), "out\n");
    ck_assert_str_eq(flow_read(p->err), "err\n");
    flow_expect(flow_call("sh", "-c", "kill -SEGV $$", NULL), 128 + SIGSEGV);
    flow_expect(flow_call("/no/such/program", NULL), 127);
}
END_TEST

START_TEST(test_input_and_files)
{
    const char *input = flow_write("in.txt", "%d\n%d\n", 1, 2);
    struct flow_process *p = flow_start_from(input, "cat", NULL);
    flow_expect(p, 0);
    ck_assert_int_eq(flow_lines(p->out, NULL), 2);
    ck_assert_int_eq(flow_lines(p->out, "2"), 1);
    ck_assert_int_eq(flow_lines(flow_path("none"), NULL), 0);
}
END_TEST

START_TEST(test_waits_and_signals)
{
    struct flow_process *p = flow_start("sh", "-c", "trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.01; "
                                                    "done", NULL);
    flow_await(p, "up");
    ck_assert(!flow_ended(p));
    flow_signal(p, SIGTERM);
    flow_expect(p, 0);
    ck_assert(flow_said(p, "told"));
}
END_TEST

START_TEST(test_finds_processes)
{
    const char *script = flow_write("script", "%s", "sleep 1000 &\nsetsid sleep 2000 &\nwait\n");
    struct flow_process *p = flow_start("sh", script, NULL);
    pid_t pid;
    FLOW_UNTIL(flow_count("sleep ") == 2, "two sleeps");
    ck_assert_int_eq(flow_pids("sleep 2000 ", &pid, 1), 1);
    ck_assert_int_eq(flow_count(""), 3);
    ck_assert_int_eq(flow_descriptors(p->pid) > 2, 1);
    flow_signal(p, SIGKILL);
    ck_assert_int_eq(flow_wait(p), 128 + SIGKILL);
    ck_assert_int_eq(flow_count("sleep "), 2); /* for the guard to end */
}
END_TEST

START_TEST(test_reads_records)
{
    const struct flow_record *records;
    flow_write("records.txt", "%s", "t 0 0 10 1 0/0\nt 1 0 11 1 \nt 0 1 10 2 0/1 fail 1\n");
    ck_assert_uint_eq(flow_records(&records), 3);
    ck_assert_str_eq(records[0].topic, "t");
    ck_assert_int_eq(records[0].pid, 10);
    ck_assert_str_eq(records[1].value, "");
    ck_assert_int_eq(records[2].offset, 1);
    ck_assert_int_eq(records[2].attempt, 2);
    ck_assert_int_eq(flow_seen("0/1 fail 1"), 1);
    flow_check_order(false);
}
END_TEST

START_TEST(test_walks_documents)
{
    json_t *document = json_loads("{\"tasks\": [{\"name\": \"a\", \"n\": 1}, {\"name\": \"b\", \"n\": 2}]}", 0, NULL);
    ck_assert_int_eq(json_integer_value(flow_get(document, "tasks.b.n")), 2);
    ck_assert_int_eq(json_integer_value(flow_get(document, "tasks.0.n")), 1);
    ck_assert_ptr_null(flow_get(document, "tasks.c.n"));
    json_decref(document);
    ck_assert_int_eq(flow_number("tasks.0.n"), -1); /* no app runs */
}
END_TEST

Suite *
harness_suite(void)
{
    Suite *s = suite_create("harness");
    TCase *c = tcase_create("harness");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_codes_and_output);
    tcase_add_test(c, test_input_and_files);
    tcase_add_test(c, test_waits_and_signals);
    tcase_add_test(c, test_finds_processes);
    tcase_add_test(c, test_reads_records);
    tcase_add_test(c, test_walks_documents);
    suite_add_tcase(s, c);
    return s;
}
