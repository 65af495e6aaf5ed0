/* test_letters.c - records that fail for good: dead letters, deadlines, limits, and what stops the app. */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

#define DLQ "app.record.dlq"
#define LETTERS "'on_failure': 'dead-letter'"

/* With a sanitizer a process has some 20 TB of addresses to begin with. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_LIMIT "24TB"
#define MEMORY_STEP 1048576 /* MB */
#else
#define MEMORY_LIMIT "1GB"
#define MEMORY_STEP 64
#endif

static void
broker_with_letters(void)
{
    flow_broker("records:2", DLQ ":1", NULL);
}

/* In partition 0 one record between others does `what`; in partition 1 nothing happens. */
static void
send_with_one(const char *what)
{
    for (int i = 0; i < 20; i++) {
        flow_send("records", 0, NULL, i == 7 ? "0/%d %s" : "0/%d", i, what);
        flow_send("records", 1, NULL, "1/%d", i);
    }
    flow_flush();
}

static struct flow_process *
run_letters(const char *task)
{
    const char *configuration =
        app_recorder(flow_text(LETTERS "%s%s", task[0] != '\0' ? ", " : "", task), "");
    struct flow_process *app = app_run(configuration, "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    return app;
}

static const struct flow_letter *
the_letter(void)
{
    const struct flow_letter *letters;
    ck_assert_int_eq((int)flow_letters(DLQ, &letters), 1);
    return letters;
}

static void
check_header(const struct flow_letter *letter, const char *name, const char *value)
{
    ck_assert_msg(strcmp(flow_letter_text(letter, name), value) == 0, "%s is \"%s\", not \"%s\"", name,
                  flow_letter_text(letter, name), value);
}

/* Record 7 of partition 0 becomes a letter with that reason; it was tried `attempts` times, all others once
 * and in order. */
static const struct flow_letter *
check_one_letter(const char *what, const char *attempts, const char *reason)
{
    const struct flow_letter *letter = the_letter();
    check_header(letter, "headrace.topic", "records");
    check_header(letter, "headrace.partition", "0");
    check_header(letter, "headrace.offset", "7");
    check_header(letter, "headrace.attempts", attempts);
    check_header(letter, "headrace.reason", reason);
    ck_assert_int_eq(flow_seen(flow_text("0/7 %s", what)), atoi(attempts));
    ck_assert_int_eq(flow_seen(NULL), 2 * 20 + atoi(attempts) - 1);
    flow_check_order(true);
    return letter;
}

static const struct flow_letter *
one_letter(const char *task, const char *what, const char *attempts, const char *reason)
{
    broker_with_letters();
    send_with_one(what);
    run_letters(task);
    return check_one_letter(what, attempts, reason);
}

/* ---- what a letter says ---- */

START_TEST(test_failed)
{
    const struct flow_letter *letter =
        one_letter("'attempts': 3", "fail", "3", "failed: told to fail, attempt 3");
    check_header(letter, "headrace.group", "app.record");
    check_header(letter, "headrace.task", "record");
    check_header(letter, "headrace.backtrace", "");
    int64_t written =
        atoll(flow_letter_text(letter, "headrace.timestamp")); /* by the sender, before it died */
    ck_assert_int_gt(written, letter->timestamp - 60000);
    ck_assert_int_lt(written, letter->timestamp);
    ck_assert_int_eq(letter->key == NULL, 1);
}
END_TEST

START_TEST(test_rejected)
{
    one_letter("'attempts': 3", "reject", "1", "rejected: told to reject");
}
END_TEST

START_TEST(test_crashed)
{
    broker_with_letters();
    send_with_one("crash");
    struct flow_process *app = run_letters("'attempts': 2, 'concurrency': 2");
    const char *backtrace =
        flow_letter_text(check_one_letter("crash", "2", "crash: SIGSEGV"), "headrace.backtrace");
    ck_assert_msg(strstr(backtrace, "act (modules/recorder.c:") != NULL && strstr(backtrace, " < ") != NULL,
                  "%s", backtrace);
    ck_assert_int_eq(flow_lines(app->err, " backtrace task=record "), 2); /* one for each death, the same */
    ck_assert(flow_said(app, flow_text("at=\"%s\"", backtrace)));
}
END_TEST

/* A letter that is too large with its backtrace is written without. */
START_TEST(test_too_large_with_its_backtrace)
{
    broker_with_letters();
    flow_send("records", 0, NULL, "0 crash%*s", 1655, "");
    flow_flush();
    const char *task = LETTERS ", 'attempts': 1, 'kafka': {'message.max.bytes': 2000}";
    struct flow_process *app = app_run(app_recorder(task, ""), "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert_int_gt((int)strlen(strstr(app_line(app, " backtrace task="), "at=")), 100);
    check_header(the_letter(), "headrace.reason", "crash: SIGSEGV");
    check_header(the_letter(), "headrace.backtrace", "");
}
END_TEST

START_TEST(test_killed)
{
    const struct flow_letter *letter = one_letter("'attempts': 2", "kill", "2", "crash: SIGKILL");
    check_header(letter, "headrace.backtrace", "");
}
END_TEST

START_TEST(test_exited)
{
    one_letter("'attempts': 2", "exit 3", "2", "exit: 3");
}
END_TEST

START_TEST(test_returned)
{
    one_letter("'attempts': 2", "return 4", "2", "returned: 4");
}
END_TEST

/* Key, value and headers are in the letter byte for byte, its own headers behind them; the time is that of
 * death. */
START_TEST(test_byte_for_byte)
{
    static const char key[] = "k\0\xff\n", value[] = "0 reject \0\x80\xff\r\n\"'";
    static const struct flow_header sent[] = {
        {"a", "1", 1},
        {"a", "2", 1},
        {"empty", "", 0},
        {"null", NULL, 0},
        {"bytes", "\0\xfe\n", 3},
        {"headrace.reason", "of the sender", 13},
    };
    int n = (int)(sizeof sent / sizeof *sent);
    struct flow_header header;
    broker_with_letters();
    flow_send_message(&(struct flow_message){.topic = "records",
                                             .key = key,
                                             .key_size = sizeof key - 1,
                                             .value = value,
                                             .value_size = sizeof value - 1,
                                             .headers = sent,
                                             .n_headers = n});
    flow_flush();
    wall_ms before = clock_wall();
    run_letters("");
    const struct flow_letter *letter = the_letter();
    ck_assert_mem_eq(letter->key, key, sizeof key - 1);
    ck_assert_int_eq((int)letter->key_size, (int)sizeof key - 1);
    ck_assert_mem_eq(letter->value, value, sizeof value - 1);
    ck_assert_int_eq((int)letter->value_size, (int)sizeof value - 1);
    for (int i = 0; i < n; i++) {
        ck_assert(flow_letter_header(letter, (size_t)i, &header));
        ck_assert_str_eq(header.name, sent[i].name);
        ck_assert_int_eq((int)header.size, (int)sent[i].size);
        ck_assert_int_eq(header.value == NULL, sent[i].value == NULL);
        if (sent[i].size > 0)
            ck_assert_mem_eq(header.value, sent[i].value, sent[i].size);
    }
    ck_assert(flow_letter_header(letter, (size_t)n, &header));
    ck_assert_str_eq(header.name, "headrace.topic");
    ck_assert_int_ge(letter->timestamp, before);
    ck_assert_int_le(letter->timestamp, clock_wall());
}
END_TEST

/* What has no value and no key has none in the letter either; that is not the same as empty ones. */
START_TEST(test_nothing_stays_nothing)
{
    const struct flow_letter *letters;
    flow_broker("logs:1", "logs.process_logs.dlq:1", NULL);
    flow_send_bytes("logs", 0, NULL, 0, NULL, 0);
    flow_send_bytes("logs", 0, "", 0, "", 0);
    flow_flush();
    flow_expect(
        app_run(app_json("logs.json", "{'modules': ['%s']}", flow_example("logs")), "--until-end", NULL), 0);
    ck_assert_int_eq((int)flow_letters("logs.process_logs.dlq", &letters), 2);
    ck_assert(letters[0].key == NULL && letters[0].value == NULL);
    ck_assert(letters[1].key != NULL && letters[1].value != NULL);
    ck_assert_int_eq((int)(letters[1].key_size + letters[1].value_size), 0);
    ck_assert_msg(strncmp(flow_letter_text(&letters[1], "headrace.reason"), "decode: ", 8) == 0, "%s",
                  flow_letter_text(&letters[1], "headrace.reason"));
}
END_TEST

START_TEST(test_topic_of_ones_own)
{
    const struct flow_letter *letters;
    flow_broker("records:2", "graves:1", NULL);
    send_with_one("reject");
    struct flow_process *app = run_letters("'dead_letter_topic': 'graves'");
    ck_assert_int_eq((int)flow_letters("graves", &letters), 1);
    const char *line = app_line(app, "record dead-lettered");
    ck_assert_msg(strstr(line, "record=records:0:7") != NULL && strstr(line, "letter=graves:0:0") != NULL,
                  "%s", line);
}
END_TEST

/* What is behind a letter is committed at once: until then whoever is next would write it again. */
START_TEST(test_commit_follows_the_letter)
{
    broker_with_letters();
    struct flow_process *app =
        app_start(app_json("app.json",
                           "{'modules': ['%s'], 'commit_interval': '1h', " APP_QUICK_GROUP
                           ", 'tasks': {'record': {'topic': 'records'}}}",
                           flow_module("recorder")),
                  NULL);
    flow_send("records", 0, NULL, "0");
    flow_flush();
    FLOW_UNTIL(flow_seen("0") == 1, "the partitions are being worked on");
    for (int letters = 1; letters <= 3; letters++) {
        flow_send("records", 0, NULL, "reject");
        flow_flush();
        FLOW_UNTIL(flow_committed("app.record", "records", 0) == 1 + letters, "the commit of letter %d",
                   letters);
    }
    app_stop(app);
}
END_TEST

/* A connection that is refused at once is said by the client before anybody listens to it: what it says then
 * must not keep the confirmations of letters from being heard. */
START_TEST(test_letter_though_a_broker_is_away)
{
    broker_with_letters();
    send_with_one("reject");
    const char *configuration = app_recorder(LETTERS, ""), *brokers = flow_brokers();
    for (int i = 0; i < 9; i++) /* librdkafka begins with any */
        brokers = flow_text("127.0.0.1:%d,%s", app_free_port(), brokers);
    struct flow_process *app = flow_start("headrace", "run", configuration, "-b", brokers, "--runtime-dir",
                                          flow_runtime(), "--until-end", NULL);
    flow_expect(app, 0);
    check_one_letter("reject", "1", "rejected: told to reject");
}
END_TEST

/* ---- letters that cannot be written ---- */

/* The record waits and is not lost, its lane waits with it, no other does, and the status says why. */
START_TEST(test_lane_waits_for_its_letter)
{
    char large[4000];
    memset(large, 'x', sizeof large);
    memcpy(large, "0 reject ", 9);
    broker_with_letters();
    flow_send_bytes("records", 0, NULL, 0, large, sizeof large);
    flow_send("records", 0, NULL, "1");
    flow_flush();
    struct flow_process *app = app_start(
        app_recorder(LETTERS ", 'kafka': {'message.max.bytes': 2000}", "'stop_timeout': '500ms'"), NULL);
    flow_await(app, "dead letters cannot be written");
    for (int i = 0; i < 10; i++)
        flow_send("records", 1, NULL, "1/%d", i);
    flow_flush();
    FLOW_UNTIL(flow_seen("1/9") == 1, "the other partition");
    ck_assert_int_eq(flow_seen("1"), 0);
    ck_assert_int_eq((int)flow_number("tasks.record.waiting_letters"), 1);
    ck_assert_int_ne((int)strlen(flow_string("tasks.record.trouble")), 0);
    flow_signal(app, SIGTERM);
    flow_expect(app, 2); /* it waited for the letter, to the end of stop_timeout */
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 0);
    run_letters("");
    ck_assert_int_eq((int)the_letter()->value_size, (int)sizeof large);
    ck_assert_int_eq(flow_seen("1"), 1);
}
END_TEST

/* ---- other policies ---- */

START_TEST(test_stop)
{
    broker_with_letters();
    app_fill(1, 5);
    flow_send("records", 0, NULL, "0/5 fail");
    flow_send("records", 0, NULL, "0/6");
    flow_flush();
    for (int run = 1; run <= 2; run++) {
        const struct flow_record *records;
        struct flow_process *app =
            app_run(app_recorder("'on_failure': 'stop', 'attempts': 2", ""), "--until-end", NULL);
        flow_expect(app, 1);
        const char *line = app_line(app, "given up on");
        ck_assert_msg(strstr(line, "records:0:5") != NULL && strstr(line, "told to fail, attempt 2") != NULL,
                      "%s", line);
        ck_assert_int_eq((int)flow_committed("app.record", "records", 0), 5);
        ck_assert_int_eq((int)flow_records(&records), 5 + 2 * run);
        ck_assert_int_eq((int)records[5 + 2 * (run - 1)].offset, 5); /* the first of this run */
        ck_assert_int_eq(records[5 + 2 * (run - 1)].attempt, 1);
    }
    ck_assert_int_eq(flow_seen("0/6"), 0);
}
END_TEST

START_TEST(test_stop_on_a_crash)
{
    broker_with_letters();
    flow_send("records", 0, NULL, "0 crash");
    flow_flush();
    struct flow_process *app = app_run(app_recorder("'on_failure': 'stop', 'attempts': 2", ""), NULL);
    flow_expect(app, 1);
    ck_assert_int_eq(flow_seen(NULL), 2);
    ck_assert_int_eq(flow_lines(app->err, "supervisor given up on"), 1);
    ck_assert(!flow_said(app, "restart.max"));
}
END_TEST

/* A bad deployment does not empty the topic. */
static void
many_letters(const char *what)
{
    const struct flow_letter *letters;
    broker_with_letters();
    for (int i = 0; i < 50; i++)
        flow_send("records", 0, NULL, "%d %s", i, what);
    flow_flush();
    struct flow_process *app =
        app_run(app_recorder(LETTERS ", 'attempts': 1, 'dead_letter_limit': 5", ""), NULL);
    flow_expect(app, 1);
    int n = (int)flow_letters(DLQ, &letters);
    ck_assert_msg(n == 5 || n == 6, "%d letters", n); /* one more was in hand */
    ck_assert_int_eq((int)flow_committed("app.record", "records", 0), n);
    ck_assert_int_eq(flow_lines(app->err, "supervisor given up on"), 1);
    const char *line = app_line(app, "given up on");
    ck_assert_msg(strstr(line, "dead_letter_limit") != NULL, "%s", line);
}

START_TEST(test_many_that_fail)
{
    many_letters("fail");
}
END_TEST

START_TEST(test_many_that_crash)
{
    many_letters("crash");
}
END_TEST

/* Records that were in hand when the limit was reached and fail then are left for the next start. */
START_TEST(test_nothing_more_is_given_up_on)
{
    const struct flow_letter *letters;
    broker_with_letters();
    for (int i = 0; i < 4; i++)
        flow_send("records", 0, NULL, "%d late %s", i, flow_path("gate"));
    flow_flush();
    const char *task = LETTERS ", 'order': 'none', 'concurrency': 4, 'attempts': 1, 'dead_letter_limit': 1";
    struct flow_process *app = app_run(app_recorder(task, ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 4, "four in hand");
    flow_write("gate", "%s", "");
    flow_expect(app, 1);
    ck_assert_int_eq((int)flow_letters(DLQ, &letters), 1);
    ck_assert_int_le((int)flow_committed("app.record", "records", 0), 1);
}
END_TEST

/* Those with something finished in between are single bad records, and 0 means never. */
START_TEST(test_limit_is_for_a_row)
{
    const struct flow_letter *letters;
    broker_with_letters();
    for (int i = 0; i < 30; i++)
        flow_send("records", 0, NULL, "%d %s", i, i % 5 == 4 ? "" : "reject");
    flow_flush();
    run_letters("'dead_letter_limit': 5");
    ck_assert_int_eq((int)flow_letters(DLQ, &letters), 24);
    for (int i = 0; i < 30; i++)
        flow_send("records", 0, NULL, "%d reject", i);
    flow_flush();
    run_letters("'dead_letter_limit': 0");
    ck_assert_int_eq((int)flow_letters(DLQ, &letters), 24 + 30);
}
END_TEST

/* The wait is the one that the body asked for, not that of the configuration; the lane waits with the record.
 */
START_TEST(test_retry_after)
{
    broker_with_letters();
    send_with_one("retry 0.4");
    mono_ns began = clock_mono();
    struct flow_process *app = run_letters("'backoff': ['1h', '1h']");
    ck_assert_int_ge(clock_mono() - began, 400 * NS_PER_MS);
    ck_assert_int_eq(flow_seen("0/7 retry 0.4"), 2);
    ck_assert_int_eq(flow_seen(NULL), 41);
    flow_check_order(true);
    const char *line = app_line(app, "tried again");
    ck_assert_msg(strstr(line, "records:0:7") != NULL && strstr(line, "in=400ms") != NULL, "%s", line);
}
END_TEST

/* ---- deadlines ---- */

START_TEST(test_deadline)
{
    const struct flow_letter *letter =
        one_letter("'attempts': 2, 'deadline': '200ms', 'concurrency': 2", "hang", "2", "deadline: 0.2s");
    const char *backtrace = flow_letter_text(letter, "headrace.backtrace");
    ck_assert_msg(strstr(backtrace, "recorder.c") != NULL, "%s", backtrace); /* where it hung */
}
END_TEST

/* SIGABRT does not end it: SIGKILL does. */
START_TEST(test_deadline_of_the_deaf)
{
    one_letter("'attempts': 1, 'deadline': '200ms'", "deaf", "1", "deadline: 0.2s");
}
END_TEST

/* Many records that take less than the deadline each are no hang. */
START_TEST(test_deadline_is_for_each_record)
{
    broker_with_letters();
    for (int i = 0; i < 20; i++)
        flow_send("records", 0, NULL, "0/%d sleep 0.05", i);
    flow_flush();
    struct flow_process *app = run_letters("'deadline': '600ms'");
    ck_assert_int_eq(flow_seen(NULL), 20);
    ck_assert(!flow_said(app, "worker ended"));
}
END_TEST

/* A worker that is stopped, for a debugger say, is not killed: its clock stands still. */
START_TEST(test_stopped_worker_is_not_killed)
{
    broker_with_letters();
    flow_send("records", 0, NULL, "0 wait %s", flow_path("gate"));
    flow_flush();
    struct flow_process *app = app_start(app_recorder(LETTERS ", 'deadline': '2s'", ""), NULL);
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    pid_t pid = app_kill("record", 0, SIGSTOP);
    mono_ns stopped = clock_mono();
    FLOW_UNTIL(clock_mono() - stopped > 4 * NS_PER_S, "twice the deadline");
    flow_write("gate", "%s", "");
    kill(pid, SIGCONT);
    FLOW_UNTIL(flow_number("tasks.record.processed") == 1, "its end");
    ck_assert_int_eq(app_worker("record", 0), pid);
    app_stop(app);
    ck_assert(!flow_said(app, "deadline"));
}
END_TEST

START_TEST(test_deadline_of_a_timer)
{
    setenv("PERIODIC_TICK", "hang", 1);
    setenv("PERIODIC_FILE", flow_path("periodic.txt"), 1);
    struct flow_process *app = flow_start(
        "headrace", "run",
        app_json("periodic.json",
                 "{'modules': ['%s'], 'timers': {'tick': {'interval': '100ms', 'deadline': '200ms'}}}",
                 flow_module("periodic")),
        "--runtime-dir", flow_runtime(), NULL);
    FLOW_UNTIL(flow_lines(flow_path("periodic.txt"), "tick") >= 3, "three runs");
    FLOW_UNTIL(flow_lines(app->err, "cause=\"deadline: 0.2s\"") >= 2, "two that were ended");
    flow_signal(app, SIGQUIT);
    flow_wait(app);
}
END_TEST

/* ---- workers that are replaced or limited ---- */

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
    one_letter("'attempts': 2, 'limits': {'memory': '" MEMORY_LIMIT "'}", flow_text("eat %d", MEMORY_STEP),
               "2", "crash: SIGSEGV");
}
END_TEST

START_TEST(test_no_limit_of_memory)
{
    broker_with_letters();
    send_with_one(flow_text("eat %d", MEMORY_STEP));
    struct flow_process *app = run_letters("'attempts': 2");
    ck_assert(!flow_said(app, "dead-lettered"));
}
END_TEST

/* ---- a record that takes the supervisor with it ---- */

/* Starts again, as a service manager does, until a run gets to the end; returns how many starts that took. */
static int
start_until_the_end(const char *task)
{
    const char *configuration = app_recorder(flow_text(LETTERS ", %s", task), "");
    for (int starts = 1;; starts++) {
        ck_assert_int_le(starts, 8);
        struct flow_process *app = app_run(configuration, "--until-end", NULL);
        if (flow_wait(app) == 0)
            return starts;
        ck_assert_int_eq(app->code, 128 + SIGKILL);
        FLOW_UNTIL(flow_count("headrace-worker") == 0, "the end of its workers");
    }
}

static void
takes_supervisor_down(int at)
{
    broker_with_letters();
    for (int i = 0; i < 20; i++) {
        flow_send("records", 0, NULL, i == at ? "0/%d kill_supervisor" : "0/%d", i);
        flow_send("records", 1, NULL, "1/%d", i);
    }
    flow_flush();
    start_until_the_end("'attempts': 1, 'concurrency': 2");
    const struct flow_letter *letter = the_letter();
    check_header(letter, "headrace.offset", flow_text("%d", at));
    check_header(letter, "headrace.partition", "0");
    check_header(letter, "headrace.attempts", "1"); /* one was told from the others */
    check_header(letter, "headrace.reason", "crash: the supervisor ended");
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

static TCase *
test_case(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, flow_begin, flow_end);
    suite_add_tcase(s, c);
    return c;
}

Suite *
letters_suite(void)
{
    Suite *s = suite_create("letters");
    TCase *c = test_case(s, "letters");
    tcase_add_test(c, test_failed);
    tcase_add_test(c, test_rejected);
    tcase_add_test(c, test_crashed);
    tcase_add_test(c, test_too_large_with_its_backtrace);
    tcase_add_test(c, test_killed);
    tcase_add_test(c, test_exited);
    tcase_add_test(c, test_returned);
    tcase_add_test(c, test_byte_for_byte);
    tcase_add_test(c, test_nothing_stays_nothing);
    tcase_add_test(c, test_topic_of_ones_own);
    tcase_add_test(c, test_commit_follows_the_letter);
    tcase_add_test(c, test_letter_though_a_broker_is_away);
    tcase_add_test(c, test_lane_waits_for_its_letter);
    c = test_case(s, "policies");
    tcase_add_test(c, test_stop);
    tcase_add_test(c, test_stop_on_a_crash);
    tcase_add_test(c, test_many_that_fail);
    tcase_add_test(c, test_many_that_crash);
    tcase_add_test(c, test_nothing_more_is_given_up_on);
    tcase_add_test(c, test_limit_is_for_a_row);
    tcase_add_test(c, test_retry_after);
    c = test_case(s, "deadlines");
    tcase_add_test(c, test_deadline);
    tcase_add_test(c, test_deadline_of_the_deaf);
    tcase_add_test(c, test_deadline_is_for_each_record);
    tcase_add_test(c, test_stopped_worker_is_not_killed);
    tcase_add_test(c, test_deadline_of_a_timer);
    c = test_case(s, "replaced");
    tcase_add_test(c, test_recycle);
    tcase_add_test(c, test_limit_of_memory);
    tcase_add_test(c, test_no_limit_of_memory);
    c = test_case(s, "supervisor");
    tcase_add_test(c, test_takes_the_supervisor_down);
    tcase_add_test(c, test_clean_stop_is_remembered);
    tcase_add_test(c, test_first_record_takes_the_supervisor_down);
    return s;
}
