/* test_limits.c - what a worker may use, and workers that are replaced for their age or their size. */
#include "tests/flow/app.h"
#include "tests/flow/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With a sanitizer a process has some 20 TB of addresses to begin with. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_LIMIT "24TB"
#define MEMORY_STEP 1048576 /* MB */
#else
#define MEMORY_LIMIT "1GB"
#define MEMORY_STEP 64
#endif

static bool
has_limit(pid_t pid, const char *name, const char *value)
{
    const char *line = strstr(flow_read(flow_text("/proc/%d/limits", (int)pid)), name);
    char soft[32], hard[32];
    return line != NULL && sscanf(line + strlen(name), "%31s %31s", soft, hard) == 2 &&
           strcmp(soft, value) == 0 && strcmp(hard, value) == 0;
}

START_TEST(test_limits_are_the_workers)
{
    flow_broker("records:1", NULL);
    struct flow_process *app =
        app_start(app_recorder("'limits': {'open_files': 77, 'core': '3KB'}", ""), NULL);
    pid_t pid;
    FLOW_UNTIL((pid = app_worker("record", 0)) > 0, "the worker");
    ck_assert(has_limit(pid, "Max open files", "77"));
#ifndef __SANITIZE_ADDRESS__ /* it sets the limit to 0 itself */
    ck_assert(has_limit(pid, "Max core file size", "3072"));
#endif
    ck_assert(!has_limit(app->pid, "Max open files", "77"));
    app_stop(app);
}
END_TEST

/* Before the next worker is recycled, the one before has a successor that is ready. */
static void
one_at_a_time(const struct flow_process *app, int workers)
{
    int away = 0, started = 0;
    char *text = strdup(flow_read(app->err)), *rest;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "worker ready task=record") != NULL && ++started > workers)
            away--;
        else if (strstr(line, "worker recycled") != NULL)
            ck_assert_int_eq(away++, 0);
    }
    free(text);
}

/* All three are due at once. */
static const struct flow_process *
recycled_for(const char *policy, const char *why)
{
    flow_broker("records:3", NULL);
    app_fill(3, 10);
    flow_flush();
    struct flow_process *app =
        app_start(app_recorder(flow_text("'concurrency': 3, 'recycle': {%s}", policy), ""), "--log-level",
                  "debug", NULL);
    FLOW_UNTIL(flow_lines(app->err, flow_text("worker recycled task=record instance=2")) >= 1 &&
                   flow_lines(app->err, flow_text("why=%s", why)) >= 3,
               "three workers that are replaced");
    FLOW_UNTIL(flow_seen(NULL) == 30, "the records");
    app_stop(app);
    one_at_a_time(app, 3);
    app_all_once(3, 10);
    ck_assert(!flow_said(app, "given up on"));
    return app;
}

START_TEST(test_recycled_for_age)
{
    recycled_for("'age': '1s'", "age");
}
END_TEST

/* Each of them is too large from its birth on; all the same it lives for a second. */
START_TEST(test_recycled_for_memory)
{
    const struct flow_process *app = recycled_for("'rss': '1MB'", "rss");
    const char *recycled = app_line(app, "worker recycled");
    int pid = 0;
    ck_assert_int_eq(sscanf(strstr(recycled, " pid="), " pid=%d", &pid), 1);
    const char *born = app_line(app, flow_text("worker started task=record instance=%c pid=%d ",
                                               strstr(recycled, "instance=")[9], pid));
    ck_assert_int_ge(app_ms_between(born, recycled), 999); /* rounding */
}
END_TEST

/* One at a time: before the next one is recycled, the one before has a successor. */
START_TEST(test_recycle)
{
    flow_broker("records:4", NULL);
    for (int i = 0; i < 400; i++)
        flow_send("records", i % 4, NULL, "%d sleep 0.005", i);
    flow_flush();
    struct flow_process *app = app_run(app_recorder("'concurrency': 3, 'recycle': {'records': 30}", ""),
                                       "--until-end", "--log-level", "debug", NULL);
    flow_expect(app, 0);
    app_all_once(4, 100);
    ck_assert_int_ge(flow_lines(app->err, "worker recycled"), 4);
    ck_assert_int_gt(app_workers_that_saw(), 5);
    int away = 0, started = 0;
    char *text = strdup(flow_read(app->err)), *rest;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "worker ready task=record") != NULL && ++started > 3)
            away--;
        else if (strstr(line, "worker recycled") != NULL)
            ck_assert_int_eq(away++, 0);
    }
    free(text);
}
END_TEST

START_TEST(test_limit_of_memory)
{
    dead_one("'attempts': 2, 'limits': {'memory': '" MEMORY_LIMIT "'}", flow_text("eat %d", MEMORY_STEP), "2",
             "crash: SIGSEGV");
}
END_TEST

START_TEST(test_no_limit_of_memory)
{
    dead_broker();
    dead_send(7, flow_text("eat %d", MEMORY_STEP));
    struct flow_process *app = dead_run("'attempts': 2");
    ck_assert(!flow_said(app, "dead-lettered"));
}
END_TEST

Suite *
limits_suite(void)
{
    Suite *s = suite_create("limits");
    TCase *c = tcase_create("limits");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_limits_are_the_workers);
    tcase_add_test(c, test_recycled_for_age);
    tcase_add_test(c, test_recycled_for_memory);
    tcase_add_test(c, test_recycle);
    tcase_add_test(c, test_limit_of_memory);
    tcase_add_test(c, test_no_limit_of_memory);
    suite_add_tcase(s, c);
    return s;
}
