/* test_conf_merge.c - what comes out of file, code and command line together. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/apps.h"

static const struct conf_task *
task(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        if (strcmp(c->tasks[i].name, name) == 0)
            return &c->tasks[i];
    ck_abort_msg("no task %s", name);
    return NULL;
}

static const char *
from(const struct conf_task *t, const char *key)
{
    const char *text = json_string_value(json_object_get(t->from, key));
    return text ? text : "nowhere";
}

static const char *
property(const struct conf_task *t, const char *name)
{
    const char *text = json_string_value(json_object_get(t->kafka, name));
    return text ? text : "(none)";
}

START_TEST(test_defaults)
{
    struct conf *c = apps_open("x/logs.so", NULL);
    apps_expect_good(c);
    ck_assert_str_eq(c->app, "logs");
    ck_assert_int_eq(c->commit_interval, NS_PER_S);
    ck_assert_int_eq(c->drain_timeout, 60 * NS_PER_S);
    ck_assert_int_eq(c->stop_timeout, 25 * NS_PER_S);
    ck_assert_uint_eq(c->n_tasks, 3);
    const struct conf_task *t = task(c, "process_logs");
    ck_assert_int_eq(t->kind, CONF_STREAM);
    ck_assert_str_eq(t->module, "x/logs.so");
    ck_assert_str_eq(t->declared_at, "logs.c:14");
    ck_assert_str_eq(t->group, "logs.process_logs");
    ck_assert_int_eq(t->concurrency, 2);
    ck_assert_str_eq(from(t, "concurrency"), "code");
    ck_assert_int_eq(t->order, CONF_ORDER_PARTITION);
    ck_assert_int_eq(t->attempts, 5);
    ck_assert_int_eq(t->backoff[0], NS_PER_S);
    ck_assert_int_eq(t->backoff[1], 60 * NS_PER_S);
    ck_assert_int_eq(t->restart_max, 5);
    ck_assert_int_eq(t->restart_within, 60 * NS_PER_S);
    ck_assert_int_eq(t->window, 100000);
    ck_assert_int_eq(t->window_bytes, 32 << 20);
    ck_assert_str_eq(from(t, "window_bytes"), "default");
    ck_assert_str_eq(property(t, "bootstrap.servers"), "localhost:9092");
    t = task(c, "stats");
    ck_assert_int_eq(t->kind, CONF_BACKGROUND);
    ck_assert_int_eq(t->concurrency, 1);
    ck_assert_ptr_null(t->group);
    t = task(c, "dump_stats");
    ck_assert_int_eq(t->kind, CONF_TIMER);
    ck_assert_int_eq(t->concurrency, 1);
    ck_assert_int_eq(t->interval, 30 * NS_PER_S);
    ck_assert_int_eq(t->overlap, CONF_OVERLAP_SKIP);
    ck_assert_int_eq(t->restart_max, 5);
    ck_assert_uint_eq(c->n_counters, 2);
    ck_assert_str_eq(c->counters[0], "errors");
    ck_assert_str_eq(c->counters[1], "logs_received");
    conf_free(&c);
}
END_TEST

START_TEST(test_module_without_folder)
{
    struct conf *c = apps_open("logs.so", NULL);
    ck_assert_str_eq(c->modules[0], "./logs.so"); /* or the loader would look elsewhere */
    ck_assert_str_eq(task(c, "stats")->module, "./logs.so");
    conf_free(&c);
}
END_TEST

START_TEST(test_properties_win_by_place)
{
    const char *given[] = {"fetch.min.bytes=7", "metadata.broker.list=h3:1", "sasl.username=a=b"};
    struct conf_overrides o = {.brokers = "h2:1", .properties = given, .n_properties = 1};
    const char *text =
        "{\"modules\": [\"logs.so\"],"
        " \"kafka\": {\"metadata.broker.list\": \"h1:1\", \"fetch.min.bytes\": 1, \"a\": 1.5, \"b\": 1},"
        " \"tasks\": {\"process_logs\": {\"kafka\": {\"fetch.min.bytes\": 2, \"b\": true}}}}";
    struct conf *c = apps_open_text(text, NULL);
    apps_expect_good(c);
    const struct conf_task *t = task(c, "process_logs");
    ck_assert_str_eq(property(t, "bootstrap.servers"), "h1:1");
    ck_assert_str_eq(from(t, "kafka.bootstrap.servers"), "file");
    ck_assert_str_eq(property(t, "fetch.min.bytes"), "2");
    ck_assert_str_eq(property(t, "a"), "1.5");
    ck_assert_str_eq(property(t, "b"), "true");
    ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "b")), "1");
    conf_free(&c);
    c = apps_open_text(text, &o);
    apps_expect_good(c);
    t = task(c, "process_logs");
    ck_assert_str_eq(property(t, "bootstrap.servers"), "h2:1");
    ck_assert_str_eq(property(t, "fetch.min.bytes"), "7");
    ck_assert_str_eq(from(t, "kafka.fetch.min.bytes"), "command line");
    ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "fetch.min.bytes")), "7");
    conf_free(&c);
    o.n_properties = 3;
    c = apps_open_text(text, &o);
    ck_assert_str_eq(property(task(c, "process_logs"), "bootstrap.servers"), "h3:1");
    ck_assert_str_eq(property(task(c, "process_logs"), "sasl.username"), "a=b");
    conf_free(&c);
}
END_TEST

/* With --embedded, what the file says of another broker's login is not kept; the rest is. */
START_TEST(test_no_login_of_another_broker)
{
    static const char *const gone[] = {"security.protocol", "ssl.ca.location", "sasl.mechanism",
                                       "sasl.password"};
    struct conf_overrides o = {.plain = true};
    struct conf *c =
        apps_open_text("{\"modules\": [\"logs.so\"],"
                       " \"kafka\": {\"security.protocol\": \"SASL_SSL\", \"sasl.mechanism\": \"PLAIN\","
                       "             \"sasl.password\": \"p\", \"fetch.min.bytes\": 2},"
                       " \"tasks\": {\"process_logs\": {\"kafka\": {\"ssl.ca.location\": \"/ca.pem\", "
                       "\"client.id\": \"ssl\"}}}}",
                       &o);
    apps_expect_good(c);
    json_t *own = task(c, "process_logs")->kafka;
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        ck_assert_ptr_null(json_object_get(own, gone[i]));
        ck_assert_ptr_null(json_object_get(c->kafka, gone[i]));
    }
    ck_assert_str_eq(property(task(c, "process_logs"), "fetch.min.bytes"), "2");
    ck_assert_str_eq(property(task(c, "process_logs"), "client.id"), "ssl");
    conf_free(&c);
}
END_TEST

START_TEST(test_secrets_are_named_and_hidden)
{
    setenv("CONF_SET", "s3cret", 1);
    struct conf *c =
        apps_open_text("{\"modules\": [\"logs.so\"],"
                       " \"kafka\": {\"sasl.password\": \"${CONF_SET}\", \"sasl.mechanism\": \"PLAIN\", "
                       "\"client.id\": \"${CONF_PLAIN:-a}\"},"
                       " \"tasks\": {\"process_logs\": {\"environment\": {\"K\": \"${CONF_SET}\"},"
                       "   \"kafka\": {\"ssl.key.pem\": \"${CONF_KEY:-k}${CONF_SET}\"}}}}",
                       NULL);
    apps_expect_good(c);
    ck_assert_uint_eq(c->n_secrets, 2);
    ck_assert_str_eq(c->secrets[0], "CONF_SET");
    ck_assert_str_eq(c->secrets[1], "CONF_KEY");
    ck_assert_str_eq(property(task(c, "process_logs"), "ssl.key.pem"), "ks3cret");
    json_t *shown = conf_task_options(task(c, "process_logs"));
    char *text = json_dumps(shown, 0);
    ck_assert_ptr_null(strstr(text, "s3cret"));
    ck_assert_ptr_nonnull(
        strstr(text, "\"kafka.sasl.password\": {\"value\": \"(hidden)\", \"from\": \"file\"}"));
    ck_assert_ptr_nonnull(strstr(text, "\"kafka.sasl.mechanism\": {\"value\": \"PLAIN\""));
    free(text);
    json_decref(shown);
    conf_free(&c);
}
END_TEST

static void
expect_usage(const struct conf_overrides *o, const char *expected)
{
    struct conf *c = apps_open("logs.so", o);
    ck_assert_uint_eq(c->n_problems, 0);
    ck_assert_str_eq(apps_usage, expected);
    conf_free(&c);
}

START_TEST(test_usage_problems)
{
    const char *properties[] = {"fetch.min.bytes", "=1", "group.id=x", "client.id=caf\xe9",
                                "metadata.broker.list=h:0"};
    struct conf_overrides o = {.brokers = "", .properties = properties, .n_properties = 5};
    expect_usage(&o,
                 "-b: names no broker; give HOST:PORT, several separated by commas, such as localhost:9092\n"
                 "-X fetch.min.bytes: must be PROPERTY=VALUE, such as -X fetch.min.bytes=1\n"
                 "-X =1: must be PROPERTY=VALUE, such as -X fetch.min.bytes=1\n"
                 "-X group.id: is set by headrace for each task; give the task a \"group\" instead\n"
                 "-X client.id: its value is not UTF-8\n"
                 "-X metadata.broker.list: \"h:0\" has no port from 1 to 65535\n");
    typeof(*o.concurrency) counts[] = {{"proces_logs", 1}, {"zzzzzzzz", 1}, {"dump_stats", 2}, {"stats", 0}};
    o = (struct conf_overrides){.concurrency = counts, .n_concurrency = 4, .workers = 4097};
    expect_usage(&o, "-w: must be 1 to 4096, is 4097\n"
                     "-c proces_logs: no such task; did you mean \"process_logs\"?\n"
                     "-c zzzzzzzz: no such task; `headrace tasks logs.so` lists them\n"
                     "-c dump_stats: is a timer, and a timer has one worker\n"
                     "-c stats: must be 1 to 4096, is 0\n");
}
END_TEST

START_TEST(test_workers_by_command_line)
{
    typeof(*((struct conf_overrides *)0)->concurrency) counts[] = {{"stats", 3}, {"process_logs", 4}};
    struct conf_overrides o = {.workers = 7};
    struct conf *c = apps_open("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 7);
    ck_assert_str_eq(from(task(c, "process_logs"), "concurrency"), "command line");
    ck_assert_int_eq(task(c, "stats")->concurrency, 1);
    ck_assert_int_eq(task(c, "dump_stats")->concurrency, 1);
    conf_free(&c);
    o = (struct conf_overrides){.workers = -1, .usable_cpus = 3, .concurrency = counts, .n_concurrency = 1};
    c = apps_open("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 3);
    ck_assert_int_eq(task(c, "stats")->concurrency, 3);
    conf_free(&c);
    o.n_concurrency = 2;
    c = apps_open("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 4); /* -c wins over -w */
    apps_expect_good(c);
    conf_free(&c);
}
END_TEST

START_TEST(test_undescribed_module_hides_nothing_else)
{
    struct conf_overrides o = {.concurrency = NULL};
    typeof(*o.concurrency) counts[] = {{"of_the_other", 1}, {"stat", 0}};
    o.concurrency = counts;
    o.n_concurrency = 2;
    struct conf *c = apps_open_text("{\"modules\": [\"logs.so\", \"none.so\"],"
                                    " \"tasks\": {\"of_the_other\": {\"x\": 1}, \"proces_logs\": {}},"
                                    " \"timers\": {\"a_timer\": {}}}",
                                    &o);
    ck_assert_uint_eq(c->n_problems,
                      1); /* the unknown key, not the unknown task: it may be in the other module */
    ck_assert_ptr_nonnull(strstr(c->problems[0], "tasks.of_the_other.x: unknown key"));
    ck_assert_str_eq(apps_usage, "-c stat: must be 1 to 4096, is 0\n");
    ck_assert_uint_eq(c->n_warnings, 1);
    ck_assert_str_eq(
        strchr(c->warnings[0], ' '),
        " not looked at until all modules load: tasks.of_the_other, tasks.proces_logs (did you "
        "mean \"process_logs\"?), timers.a_timer, -c of_the_other, -c stat (did you mean \"stats\"?)");
    conf_free(&c);
}

/* Where all modules load, there is nothing that is not looked at. */
START_TEST(test_all_is_looked_at)
{
    struct conf *c = apps_open_text("{\"modules\": [\"logs.so\"], \"tasks\": {\"of_the_other\": {}}}", NULL);
    ck_assert_uint_eq(c->n_problems, 1);
    ck_assert_uint_eq(c->n_warnings, 0);
    conf_free(&c);
}
END_TEST

/* A module alone has no file to give it a name in. */
START_TEST(test_app_named_after_module)
{
    static const char *const names[][2] = {
        {"x/my logs.so", "my_logs"},
        {".logs.so", "_logs"},
        {"logs (2).v1.so", "logs__2_.v1"},
        {"caf\xc3\xa9.so", "caf__"},
        {"a123456789012345678901234567890123456789012345678901234567890123456789.so",
         "a123456789012345678901234567890123456789012345678901234567890123"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct conf *c = conf_load(names[i][0]);
        ck_assert_uint_eq(c->n_problems, 0);
        ck_assert_str_eq(c->app, names[i][1]);
        conf_free(&c);
    }
}
END_TEST

START_TEST(test_too_many_counters)
{
    struct conf *c = apps_open_text("{\"modules\": [\"counters256.so\", \"logs.so\"]}", NULL);
    ck_assert_uint_eq(c->n_problems, 1);
    ck_assert_ptr_nonnull(strstr(c->problems[0], "the modules declare more than 256 counters"));
    conf_free(&c);
    c = apps_open_text("{\"modules\": [\"counters256.so\"]}", NULL);
    apps_expect_good(c);
    ck_assert_uint_eq(c->n_counters, 256);
    conf_free(&c);
}
END_TEST

Suite *
conf_merge_suite(void)
{
    Suite *s = suite_create("conf_merge");
    TCase *merge = tcase_create("merge");
    tcase_add_checked_fixture(merge, NULL, apps_forget);
    tcase_add_test(merge, test_defaults);
    tcase_add_test(merge, test_module_without_folder);
    tcase_add_test(merge, test_properties_win_by_place);
    tcase_add_test(merge, test_no_login_of_another_broker);
    tcase_add_test(merge, test_secrets_are_named_and_hidden);
    tcase_add_test(merge, test_usage_problems);
    tcase_add_test(merge, test_workers_by_command_line);
    tcase_add_test(merge, test_undescribed_module_hides_nothing_else);
    tcase_add_test(merge, test_all_is_looked_at);
    tcase_add_test(merge, test_app_named_after_module);
    tcase_add_test(merge, test_too_many_counters);
    suite_add_tcase(s, merge);
    return s;
}
