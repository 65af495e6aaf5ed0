/* test_try_record.c - `headrace try --record`: the programs themselves, over librdkafka's mock cluster. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/unit/dead_world.h"

static void
try_record(int expected, const char *task, const char *place)
{
    char *path = mem_printf("%s/seen", dead_folder);
    setenv("RECORD_FILE", path, 1);
    unlink(path);
    dead_run(expected, "try " BUILD_DIR "/test-modules/%s --record %s", task, place);
    free(path);
}

static void
expect_seen(const char *expected)
{
    char *path = mem_printf("%s/seen", dead_folder), *seen = dead_slurp(path), record[256], rest[256];
    int pid;
    ck_assert_int_eq(sscanf(seen, "%255s %255s", record, rest), 2);
    long long offset;
    int partition, attempt, n = 0;
    ck_assert_int_eq(sscanf(seen, "%255s %d %lld %d %d %n", record, &partition, &offset, &pid, &attempt, &n),
                     5);
    char *shown = mem_printf("%s:%d:%lld attempt %d %s", record, partition, offset, attempt, seen + n);
    ck_assert_str_eq(shown, expected);
    free(shown);
    free(seen);
    free(path);
}

START_TEST(test_try_letter)
{
    dead_put_letter(2, "logs", 1, 40, "1 fail");
    try_record(1, "recorder.so record", DLQ ":2:0");
    expect_seen("logs:1:40 attempt 1 1 fail\n");
    dead_said(dead_err, "headrace try: record logs:1:40, dead letter " DLQ ":2:0, crash: SIGSEGV\n");
    dead_said(dead_err, "record logs:1:40: failed: told to fail, attempt 1\n");
}
END_TEST

START_TEST(test_try_record)
{
    dead_put("logs", 3, NULL, "2", 1, rd_kafka_headers_new(1));
    try_record(0, "recorder.so record", "logs:3:0");
    expect_seen("logs:3:0 attempt 1 2\n");
    dead_said(dead_err, "headrace try: record logs:3:0\n");
    try_record(66, "recorder.so record", "logs:3:1");
    dead_said(dead_err, "headrace try: logs:3:1: there is no such record; the partition holds 0 to 0\n");
    try_record(64, "recorder.so record", "logs:3");
    dead_said(dead_err, "--record takes TOPIC:PARTITION:OFFSET, as in logs:0:17, not 'logs:3'");
    try_record(69, "recorder.so record", "lugs:3:0");
    dead_said(dead_err, "there is no topic lugs; did you mean logs?");
    try_record(64, "periodic.so tick", "logs:3:0");
    dead_said(dead_err, "--record is for tasks with a topic, and tick has none");
}
END_TEST

/* A task that reads the dead-letter topic itself is to see the letter. */
START_TEST(test_try_letter_as_it_is)
{
    rd_kafka_mock_topic_create(dead_cluster, "records", 1, 1);
    dead_put("records", 0, "k", "3", 1, dead_headers("logs", 1, 40, "exit: 3"));
    try_record(0, "recorder.so record", "records:0:0");
    expect_seen("records:0:0 attempt 1 3\n");
}
END_TEST

Suite *
try_record_suite(void)
{
    Suite *s = suite_create("try_record");
    TCase *t = tcase_create("try_record");
    tcase_add_checked_fixture(t, dead_setup, dead_teardown);
    tcase_add_test(t, test_try_letter);
    tcase_add_test(t, test_try_record);
    tcase_add_test(t, test_try_letter_as_it_is);
    suite_add_tcase(s, t);
    return s;
}
