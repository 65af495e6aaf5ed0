/* test_workloads.c - the workloads of the benchmark, small: every record is counted. */
#include "tests/flow/app.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 4

static void
fill(int n)
{
    flow_broker(flow_text("bench:%d", PARTITIONS), flow_text("relayed:%d", PARTITIONS), NULL);
    for (int i = 0; i < n; i++)
        flow_send("bench", i % PARTITIONS, flow_text("k%d", i % 100),
                  "{\"severity\": \"%s\", \"message\": \"%010d and what else there is to say of it\"}", i % 10 ? "INFO" : "ERROR", i);
    flow_flush();
}

/* counted adds up what the workers of the task say they saw. */
static long
counted(const char *task)
{
    long all = 0, n;
    DIR *dir = opendir(flow_path("counts"));
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, task, strlen(task)) == 0 &&
            sscanf(flow_read(flow_path("counts/%s", entry->d_name)), "%ld", &n) == 1)
            all += n;
    closedir(dir);
    return all;
}

static struct flow_process *
run(const char *task, const char *order, int concurrency, int n)
{
    ck_assert_int_eq(system(flow_text("mkdir -p %s", flow_path("counts"))), 0);
    setenv("BENCH_DIR", flow_path("counts"), 1);
    setenv("BENCH_TASKS", task, 1);
    const char *conf = app_json("bench.json",
                                "{'modules': ['%s/bench/bench.so'], " APP_QUICK_GROUP ",\n"
                                " 'tasks': {'%s': {'order': '%s', 'concurrency': %d}}}\n",
                                BUILD_DIR, task, order, concurrency);
    struct flow_process *app = app_run(conf, "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_eq(counted(task), n);
    ck_assert(flow_all_committed(flow_text("bench.%s", task), "bench", PARTITIONS));
    ck_assert_int_eq(flow_lines(app->err, "worker ended"), 0);
    return app;
}

START_TEST(test_nothing_is_done)
{
    static const char *const orders[] = {"partition", "key", "none"};
    fill(20000);
    run("noop", orders[_i], _i == 0 ? 2 : 8, 20000);
}
END_TEST

START_TEST(test_logs)
{
    fill(5000);
    struct flow_process *app = run("logs", "partition", 2, 5000);
    ck_assert_int_eq(flow_lines(app->out, "ERROR: 0000"), 500);
}
END_TEST

START_TEST(test_sleeps)
{
    setenv("BENCH_SLEEP_MS", "1", 1);
    fill(3000);
    run("sleeps", _i == 0 ? "none" : "key", 30, 3000);
}
END_TEST

START_TEST(test_batches)
{
    fill(20000);
    run("batches", _i == 0 ? "partition" : "key", 3, 20000);
}
END_TEST

START_TEST(test_sent_on)
{
    int64_t sent = 0;
    fill(10000);
    run("relay", "partition", 2, 10000);
    for (int p = 0; p < PARTITIONS; p++)
        sent += flow_end_offset("relayed", p);
    ck_assert_int_eq(sent, 10000);
}
END_TEST

Suite *workloads_suite(void);

Suite *
workloads_suite(void)
{
    Suite *suite = suite_create("workloads");
    TCase *tc = tcase_create("workloads");
    tcase_add_checked_fixture(tc, flow_begin, flow_end);
    tcase_add_loop_test(tc, test_nothing_is_done, 0, 3);
    tcase_add_test(tc, test_logs);
    tcase_add_loop_test(tc, test_sleeps, 0, 2);
    tcase_add_loop_test(tc, test_batches, 0, 2);
    tcase_add_test(tc, test_sent_on);
    suite_add_tcase(suite, tc);
    return suite;
}
