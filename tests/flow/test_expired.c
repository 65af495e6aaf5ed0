/* test_expired.c - records that the broker deleted before they could be read. */
#include "tests/flow/app.h"

#include <stdlib.h>
#include <string.h>

#define LARGE (900 * 1024)

/* The embedded broker keeps the last 5 MB of a partition: with more than that, the first ones are gone. */
static void
send_large(int n)
{
    char *value = calloc(1, LARGE);
    memset(value, ' ', LARGE);
    for (int i = 0; i < n; i++) {
        flow_send_bytes("records", 0, NULL, 0, value, LARGE);
        flow_flush(); /* one batch each: whole batches are deleted */
    }
    free(value);
}

static void
run_to_end(struct flow_process **app)
{
    *app = app_run(app_recorder("", ""), "--until-end", NULL);
    flow_expect(*app, 0);
}

START_TEST(test_said_and_counted)
{
    struct flow_process *app;
    flow_broker("records:1", NULL);
    flow_send("records", 0, NULL, "first");
    flow_send("records", 0, NULL, "second");
    flow_flush();
    run_to_end(&app);
    ck_assert(!flow_said(app, "records were deleted"));
    send_large(12);
    run_to_end(&app);
    const char *line = app_line(app, "records were deleted before they could be read");
    ck_assert_msg(strstr(line, "partition=records:0 first=2 ") != NULL, "%s", line);
    const struct flow_record *seen;
    size_t n = flow_records(&seen);
    ck_assert_uint_gt(n, 2);
    ck_assert_msg(strstr(line, flow_text(" next=%d ", (int)seen[2].offset)) != NULL, "%s", line);
    ck_assert(flow_all_committed("app.record", "records", 1));
}
END_TEST

/* A group that never committed starts at what is left: nothing of it is missing to it. */
START_TEST(test_not_for_a_new_group)
{
    struct flow_process *app;
    flow_broker("records:1", NULL);
    send_large(12);
    run_to_end(&app);
    ck_assert(!flow_said(app, "records were deleted"));
}
END_TEST

Suite *
expired_suite(void)
{
    Suite *suite = suite_create("expired");
    TCase *tc = tcase_create("expired");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_said_and_counted);
    tcase_add_test(tc, test_not_for_a_new_group);
    suite_add_tcase(suite, tc);
    return suite;
}
