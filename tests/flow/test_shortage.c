/* test_shortage.c - what the machine has no more of: descriptors, processes, memory, room on the disk.
 *
 * Each test takes something away from a running app, and gives it back: in between nothing more than that is
 * missing, and afterwards every record was done, in order. tests/fail tries each single call; these are the
 * cases with a name. */
#include "tests/flow/app.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"

#define RECORDS 40

/* ---- the app ---- */

/* Two partitions with records that take a while, so that the app is at work while something is missing. */
static struct flow_process *
start_at_work(const char *task, const char *top)
{
    flow_broker("records:2", NULL);
    for (int i = 0; i < RECORDS; i++)
        for (int p = 0; p < 2; p++)
            flow_send("records", p, NULL, "%d/%d sleep 0.02", p, i);
    flow_flush();
    struct flow_process *app = app_start(app_recorder(task, top), NULL);
    FLOW_UNTIL(flow_seen(NULL) > 2, "the first records");
    return app;
}

static void
expect_all_done(struct flow_process *app)
{
    FLOW_UNTIL(flow_all_committed("app.record", "records", 2), "everything is committed");
    flow_check_order(true);
    app_stop(app);
}

/* A worker dies and no other one can be started: that is said, tried again, and the rest goes on; then it is
 * there. */
static void
check_no_worker_can_start(struct flow_process *app, void (*take)(struct flow_process *app, bool away),
                          const char *why)
{
    take(app, true);
    app_kill("record", 0, SIGKILL);
    FLOW_UNTIL(flow_lines(app->err, "cannot start a worker, trying again in 1 s") >= 2, "a second try");
    ck_assert_str_ne(app_line(app, flow_text("instance=0 error=\"%s\"", why)), "");
    ck_assert(!flow_ended(app));
    take(app, false);
    FLOW_UNTIL(app_worker("record", 0) > 0, "the worker");
    expect_all_done(app);
}

/* ---- descriptors ---- */

static void
take_descriptors(struct flow_process *app, bool away)
{
    struct rlimit now, then;
    ck_assert_int_eq(prlimit(app->pid, RLIMIT_NOFILE, NULL, &now), 0);
    then = (struct rlimit){.rlim_cur = away ? 8 : now.rlim_max, .rlim_max = now.rlim_max};
    ck_assert_int_eq(prlimit(app->pid, RLIMIT_NOFILE, &then, NULL), 0);
}

START_TEST(test_no_descriptor_is_left)
{
    struct flow_process *app = start_at_work("'concurrency': 2", "");
    check_no_worker_can_start(app, take_descriptors, "Too many open files");
}
END_TEST

/* Too few from the beginning: nothing is begun, and it is said what there is too little of. */
START_TEST(test_too_few_descriptors_to_start)
{
    static const int limits[] = {6, 12, 30, 60};
    flow_broker("records:2", NULL);
    const char *conf = app_recorder("", "");
    for (int i = 0; i < 4; i++) {
        struct flow_process *app =
            flow_call("/bin/sh", "-c", "ulimit -n \"$1\"; shift; exec \"$@\"", "sh",
                      flow_text("%d", limits[i]), flow_text("%s/headrace", BUILD_DIR), "run", conf, "-b",
                      flow_brokers(), "--runtime-dir", flow_runtime(), NULL);
        ck_assert_msg(app->code == 70 || app->code == 78, "%d with %d descriptors", app->code, limits[i]);
        ck_assert_msg(flow_said(app, "Too many open files") ||
                          flow_said(app, "limit of open files is too low"),
                      "%d descriptors: %s", limits[i], flow_read(app->err));
        app_nothing_left();
    }
}
END_TEST

/* ---- processes ---- */

static void
take_by_shim(struct flow_process *app, bool away)
{
    (void)app;
    app_short(away);
}

START_TEST(test_fork_fails)
{
    app_shim("run", "fork,vfork", EAGAIN);
    struct flow_process *app = start_at_work("'concurrency': 2", "");
    check_no_worker_can_start(app, take_by_shim, "Resource temporarily unavailable");
}
END_TEST

START_TEST(test_no_timer_process_can_start)
{
    app_shim("run", _i == 0 ? "fork,vfork" : "bind", EAGAIN);
    setenv("FAIL_BY", "all", 1);
    struct flow_process *app = start_at_work("", "");
    app_short(true);
    pid_t timer = 0;
    ck_assert_int_eq(flow_pids("headrace-timer", &timer, 1), 1);
    kill(timer, SIGKILL);
    FLOW_UNTIL(flow_lines(app->err, "cannot start the timer process, trying again in 1 s") >= 2,
               "a second try");
    app_short(false);
    FLOW_UNTIL(flow_count("headrace-timer") == 1, "the timer process");
    expect_all_done(app);
}
END_TEST

/* A death without a process that could make its backtrace readable is told without one, and its letter is
 * written. */
START_TEST(test_no_process_for_a_backtrace)
{
    app_shim("run", "fork,vfork", EAGAIN);
    flow_broker("records:2", NULL);
    flow_send("records", 0, NULL, "0/0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app =
        app_start(app_recorder("'attempts': 1, 'on_failure': 'dead-letter'", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    app_short(true);
    app_kill("record", 0, SIGSEGV);
    flow_await(app, "cannot start a worker");
    FLOW_UNTIL(flow_end_offset("app.record.dlq", 0) + flow_end_offset("app.record.dlq", 1) +
                       flow_end_offset("app.record.dlq", 2) + flow_end_offset("app.record.dlq", 3) >
                   0,
               "the letter");
    app_short(false);
    expect_all_done(app);
}
END_TEST

/* ---- memory ---- */

/* A worker that has no memory for a record's JSON ends, and the next one has the record: it is not refused as
 * a bad one. */
START_TEST(test_no_memory_for_a_record)
{
    static const char value[] = "{\"severity\": \"ERROR\", \"message\": \"one that is long enough for a second buffer\"}";
    app_shim("headrace-worker", "malloc", ENOMEM);
    setenv("FAIL_AT", flow_text("%d", 1 + 3 * _i), 1);
    setenv("FAIL_TIMES", "1", 1);
    setenv("RECORDER_PARSES", "1", 1);
    flow_broker("records:1", NULL);
    struct flow_process *app = app_start(app_recorder("'attempts': 100", ""), NULL);
    FLOW_UNTIL(strcmp(flow_string("tasks.record.workers.0.state"), "idle") == 0, "the worker is ready");
    app_short(true);
    flow_send("records", 0, NULL, "%s", value);
    flow_flush();
    flow_await(app, "out of memory");
    app_short(false);
    FLOW_UNTIL(flow_all_committed("app.record", "records", 1), "it is committed");
    ck_assert_int_ge(flow_seen(value), 1);
    ck_assert(flow_said(app, "exit: 70"));
    ck_assert_int_eq(flow_number("tasks.record.dead_lettered"), 0);
    app_stop(app);
}
END_TEST

START_TEST(test_no_scoreboard_can_be_made)
{
    static const char *const calls[] = {"memfd_create", "mmap", "epoll_ctl"};
    app_shim("run", calls[_i], ENOMEM);
    struct flow_process *app = start_at_work("'concurrency': 2", "");
    check_no_worker_can_start(app, take_by_shim, "Cannot allocate memory");
}
END_TEST

/* ---- the disk ---- */

/* run_to starts the app with its stdout or stderr to where the words of a shell say. */
static struct flow_process *
run_to(const char *where, const char *conf)
{
    return flow_start("/bin/sh", "-c", flow_text("exec \"$@\" %s", where), "sh",
                      flow_text("%s/headrace", BUILD_DIR), "run", conf, "-b", flow_brokers(), "--runtime-dir",
                      flow_runtime(), NULL);
}

START_TEST(test_log_on_a_full_disk)
{
    flow_broker("records:2", NULL);
    app_fill(2, RECORDS);
    flow_send("records", 0, NULL, "9 crash 1");
    flow_flush();
    struct flow_process *app = run_to("2>/dev/full", app_recorder("'concurrency': 2", ""));
    expect_all_done(app);
    ck_assert_str_eq(flow_read(app->err), "");
}
END_TEST

/* What workers print has no room: their records are done all the same. */
START_TEST(test_stdout_on_a_full_disk)
{
    flow_broker("logs:2", NULL);
    for (int i = 0; i < 3000; i++) /* more than a buffer of stdio holds */
        flow_send("logs", i % 2, NULL, "{\"severity\": \"ERROR\", \"message\": \"%080d\"}", i);
    flow_flush();
    const char *conf = app_json("logs.json", "{'app': 'logs', 'modules': ['%s'], " APP_QUICK_GROUP "}",
                                flow_example("logs"));
    struct flow_process *app = run_to(">/dev/full", conf);
    FLOW_UNTIL(flow_all_committed("logs.process_logs", "logs", 2), "everything is committed");
    ck_assert_int_eq(flow_number("tasks.process_logs.processed"), 3000);
    ck_assert_int_eq(flow_number("tasks.process_logs.workers.0.restarts"), 0);
    app_stop(app);
}
END_TEST

/* A file that may not grow (RLIMIT_FSIZE) is a disk that is full, and no reason to die of SIGXFSZ. */
static void
limit_file_size(pid_t pid)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

START_TEST(test_log_that_may_not_grow)
{
    struct flow_process *app = start_at_work("'concurrency': 2", "");
    limit_file_size(app->pid);
    int lines = flow_lines(app->err, NULL);
    for (int i = 0; i < 3; i++)
        flow_signal(app, SIGUSR2); /* a line each */
    expect_all_done(app);
    ck_assert_int_eq(flow_lines(app->err, NULL), lines);
}
END_TEST

START_TEST(test_stdout_that_may_not_grow)
{
    flow_broker("logs:1", NULL);
    const char *conf = app_json(
        "logs.json",
        "{'app': 'logs', 'modules': ['%s'], 'tasks': {'process_logs': {'concurrency': 1}}, " APP_QUICK_GROUP
        "}",
        flow_example("logs"));
    struct flow_process *app = app_start(conf, NULL);
    FLOW_UNTIL(app_worker("process_logs", 0) > 0, "the worker");
    FLOW_UNTIL(strcmp(flow_string("tasks.process_logs.workers.0.state"), "idle") == 0, "the worker is ready");
    pid_t worker = app_worker("process_logs", 0);
    limit_file_size(worker);
    for (int i = 0; i < 50; i++)
        flow_send("logs", 0, NULL, "{\"severity\": \"ERROR\", \"message\": \"%d\"}", i);
    flow_flush();
    FLOW_UNTIL(flow_all_committed("logs.process_logs", "logs", 1), "everything is committed");
    ck_assert_int_eq(app_worker("process_logs", 0), worker);
    app_stop(app);
}
END_TEST

/* full_disk mounts a file system that has no room for a file; NULL where that is not allowed. */
static const char *
full_disk(void)
{
    const char *path = flow_path("disk");
    if (mkdir(path, 0700) == 0 && (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("flow", path, "tmpfs", 0, "mode=0700,nr_inodes=1") == 0)
        return path;
    fprintf(stderr, "shortage: a small file system cannot be mounted (%s)\n", strerror(errno));
    return NULL;
}

START_TEST(test_runtime_directory_on_a_full_disk)
{
    flow_broker("records:2", NULL);
    const char *full = full_disk();
    if (!full)
        return;
    struct flow_process *app =
        flow_call("headrace", "run", app_recorder("", ""), "-b", flow_brokers(), "--runtime-dir", full, NULL);
    flow_expect(app, 64);
    ck_assert(
        flow_said(app, flow_text("--runtime-dir %s: it cannot be locked: No space left on device", full)));
    app_nothing_left();
}
END_TEST

START_TEST(test_no_room_for_a_socket)
{
    app_shim("run", "bind", ENOSPC);
    setenv("FAIL_BY", "all", 1); /* libzmq binds */
    struct flow_process *app = start_at_work("'concurrency': 2", "");
    check_no_worker_can_start(app, take_by_shim, "No space left on device");
}
END_TEST

Suite *
shortage_suite(void)
{
    Suite *s = suite_create("shortage");
    TCase *c = tcase_create("descriptors");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_no_descriptor_is_left);
    tcase_add_test(c, test_too_few_descriptors_to_start);
    suite_add_tcase(s, c);
    c = tcase_create("processes");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_fork_fails);
    tcase_add_loop_test(c, test_no_timer_process_can_start, 0, 2);
    tcase_add_test(c, test_no_process_for_a_backtrace);
    suite_add_tcase(s, c);
    c = tcase_create("memory");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_loop_test(c, test_no_scoreboard_can_be_made, 0, 3);
    tcase_add_loop_test(c, test_no_memory_for_a_record, 0, 2);
    suite_add_tcase(s, c);
    c = tcase_create("disk");
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    tcase_add_test(c, test_log_on_a_full_disk);
    tcase_add_test(c, test_stdout_on_a_full_disk);
    tcase_add_test(c, test_log_that_may_not_grow);
    tcase_add_test(c, test_stdout_that_may_not_grow);
    tcase_add_test(c, test_runtime_directory_on_a_full_disk);
    tcase_add_test(c, test_no_room_for_a_socket);
    suite_add_tcase(s, c);
    return s;
}
