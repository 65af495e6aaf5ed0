/* test_headers.c - headers reach the task, and none that are not there, whatever stands around them in what Kafka sent. */
#include "tests/flow/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 3000

/* length_of: every length is there with and without a header, also none at all. */
static int
length_of(int i)
{
    return i / 2 % 150 - 1;
}

static void
send_one(int i)
{
    static const struct flow_header mark = {"h", "mark", 4};
    static const char zeros[200];
    int length = length_of(i);
    flow_send_message(&(struct flow_message){.topic = "records",
                                             .value = length < 0 ? NULL : zeros,
                                             .value_size = length < 0 ? 0 : (size_t)length,
                                             .key = i % 3 ? "k" : NULL,
                                             .key_size = i % 3 ? 1 : 0,
                                             .headers = &mark,
                                             .n_headers = i % 2});
}

START_TEST(test_headers_of_every_length)
{
    flow_broker("records:1", NULL);
    for (int i = 0; i < RECORDS; i++)
        send_one(i);
    flow_flush();
    struct flow_process *app =
        app_run(app_json("app.json", "{'modules': ['%s'], 'tasks': {'headed': {}}}", flow_module("headed")), "--until-end", NULL);
    flow_expect(app, 0);
    const char *line = flow_read(app->out);
    for (int i = 0; i < RECORDS; i++) {
        int offset = -1, length = -2, used = 0;
        char header[16] = "";
        ck_assert_int_eq(sscanf(line, "%d %d %15s\n%n", &offset, &length, header, &used), 3);
        ck_assert_int_eq(offset, i);
        ck_assert_int_eq(length, length_of(i));
        ck_assert_str_eq(header, i % 2 ? "mark" : "-");
        line += used;
    }
}
END_TEST

Suite *headers_suite(void);

Suite *
headers_suite(void)
{
    Suite *suite = suite_create("headers");
    TCase *tc = tcase_create("headers");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_add_test(tc, test_headers_of_every_length);
    suite_add_tcase(suite, tc);
    return suite;
}
