/* test_unclean.c - a record that takes the supervisor with it, and what is remembered of how it ended. */
#include "tests/flow/app.h"
#include "tests/flow/dead.h"

#include <signal.h>

/* Starts again, as a service manager does, until a run gets to the end. */
static void
start_until_the_end(const char *task)
{
    const char *configuration = app_recorder(flow_text(DEAD_LETTERS ", %s", task), "");
    for (int starts = 1;; starts++) {
        ck_assert_int_le(starts, 8);
        struct flow_process *app = app_run(configuration, "--until-end", NULL);
        if (flow_wait(app) == 0)
            return;
        ck_assert_int_eq(app->code, 128 + SIGKILL);
        FLOW_UNTIL(flow_count("headrace-worker") == 0, "the end of its workers");
    }
}

static void
takes_supervisor_down(int at)
{
    dead_broker();
    dead_send(at, "kill_supervisor");
    start_until_the_end("'attempts': 1, 'concurrency': 2");
    const struct flow_letter *letter = dead_letter();
    dead_header(letter, "headrace.offset", flow_text("%d", at));
    dead_header(letter, "headrace.partition", "0");
    dead_header(letter, "headrace.attempts", "1"); /* one was told from the others */
    dead_header(letter, "headrace.reason", "crash: the supervisor ended");
    for (int i = 0; i < 20; i++)
        for (int p = 0; p < 2; p++)
            ck_assert_int_ge(
                flow_seen(flow_text(p == 0 && i == at ? "%d/%d kill_supervisor" : "%d/%d", p, i)), 1);
    flow_check_order(true);
    ck_assert(flow_all_committed("app.record", "records", 2));
}

START_TEST(test_takes_the_supervisor_down)
{
    takes_supervisor_down(7);
}
END_TEST

/* After a stop in good order there is nothing to be careful about. */
START_TEST(test_clean_stop_is_remembered)
{
    flow_broker("records:2", NULL);
    app_fill(2, 10);
    flow_flush();
    struct flow_process *app = app_start(app_recorder("", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 20, "the records");
    app_stop(app);
    app = app_start(app_recorder("", ""), NULL);
    app_fill(2, 10);
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == 40, "more records");
    flow_signal(app, SIGKILL);
    flow_wait(app);
    ck_assert(!flow_said(app, "did not end in order"));
    app = app_run(app_recorder("", ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_eq(flow_lines(app->err, "did not end in order"),
                     2); /* and after any other end it is said */
}
END_TEST

START_TEST(test_first_record_takes_the_supervisor_down)
{
    takes_supervisor_down(0);
}
END_TEST

Suite *
unclean_suite(void)
{
    Suite *s = suite_create("unclean");
    TCase *c = tcase_create("unclean");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    suite_add_tcase(s, c);
    tcase_add_test(c, test_takes_the_supervisor_down);
    tcase_add_test(c, test_clean_stop_is_remembered);
    tcase_add_test(c, test_first_record_takes_the_supervisor_down);
    return s;
}
