/* test_conf.c - configurations: the fixtures of tests/unit/conf, and what comes out of loading and merging.
 *
 * A fixture is NAME.json and NAME.errors: the problems expected, a line each, none for a good one. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "tests/unit/conf_modules.h"

#define FIXTURES SOURCE_DIR "/tests/unit/conf"

static char *usage_text; /* the usage problems of the last merge, a line each */

static void
set_environment(void)
{
    setenv("CONF_SET", "set", 1);
    setenv("CONF_EMPTY", "", 1);
    setenv("CONF_LATIN", "caf\xe9", 1);
    unsetenv("CONF_UNSET");
}

static char *
join(char **texts, size_t n)
{
    char *all = mem_string("");
    for (size_t i = 0; i < n; i++) {
        char *longer = mem_printf("%s%s\n", all, texts[i]);
        free(all);
        all = longer;
    }
    return all;
}

/* open_conf loads and merges, with the modules of conf_modules.h. */
static struct conf *
open_conf(const char *app, const struct conf_overrides *o)
{
    char **usage;
    size_t n_usage;
    struct conf *c = conf_load(app);
    json_t *descriptions[c->n_modules + 1];
    for (size_t i = 0; i < c->n_modules; i++)
        descriptions[i] = module_described(c->modules[i]);
    conf_merge(c, descriptions, o, &usage, &n_usage);
    free(usage_text);
    usage_text = join(usage, n_usage);
    for (size_t i = 0; i < n_usage; i++)
        free(usage[i]);
    free(usage);
    for (size_t i = 0; i < c->n_modules; i++)
        json_decref(descriptions[i]);
    return c;
}

/* open_text is open_conf of a file with this text. */
static struct conf *
open_text(const char *text, const struct conf_overrides *o)
{
    char path[] = "/tmp/headrace-conf-XXXXXX.json";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct conf *c = open_conf(path, o);
    unlink(path);
    return c;
}

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

static void
expect_no_problem(const struct conf *c)
{
    char *all = join(c->problems, c->n_problems);
    ck_assert_str_eq(all, "");
    ck_assert_str_eq(usage_text, "");
    free(all);
}

/* without_folder takes the folder of the fixtures out of a text. */
static char *
without_folder(const char *text)
{
    char *out = mem_string(""), *longer;
    const char *found, *folder = FIXTURES "/";
    for (; (found = strstr(text, folder)); text = found + strlen(folder)) {
        longer = mem_printf("%s%.*s", out, (int)(found - text), text);
        free(out);
        out = longer;
    }
    longer = mem_printf("%s%s", out, text);
    free(out);
    return longer;
}

static char *
file_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be opened", path);
    if (getdelim(&text, &size, '\0', f) < 0)
        text[0] = '\0';
    fclose(f);
    return text;
}

static void
try_fixture(const char *name)
{
    char *json = mem_printf("%s/%s.json", FIXTURES, name), *errors = mem_printf("%s/%s.errors", FIXTURES, name);
    struct conf *c = open_conf(json, NULL);
    char *raw = join(c->problems, c->n_problems), *got = without_folder(raw), *expected = file_text(errors);
    ck_assert_msg(strcmp(got, expected) == 0, "%s:\n--- expected\n%s--- found\n%s", name, expected, got);
    conf_free(&c);
    free(json);
    free(errors);
    free(raw);
    free(got);
    free(expected);
}

START_TEST(test_fixtures)
{
    DIR *folder = opendir(FIXTURES);
    ck_assert_ptr_nonnull(folder);
    set_environment();
    int count = 0;
    for (struct dirent *e; (e = readdir(folder));) {
        char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        *dot = '\0';
        try_fixture(e->d_name);
        count++;
    }
    closedir(folder);
    ck_assert_int_ge(count, 40);
}
END_TEST

START_TEST(test_examples_are_good)
{
    static const char *const names[] = {"logs", "feeds", "demo", "full"};
    unsetenv("KAFKA");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = mem_printf("%s/conf/%s.json", SOURCE_DIR, names[i]);
        struct conf *c = open_conf(path, NULL);
        expect_no_problem(c);
        ck_assert_str_eq(c->app, names[i]);
        ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "bootstrap.servers")), "localhost:9092");
        conf_free(&c);
        free(path);
    }
}
END_TEST

START_TEST(test_defaults)
{
    struct conf *c = open_conf("x/logs.so", NULL);
    expect_no_problem(c);
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
    struct conf *c = open_conf("logs.so", NULL);
    ck_assert_str_eq(c->modules[0], "./logs.so"); /* or the loader would look elsewhere */
    ck_assert_str_eq(task(c, "stats")->module, "./logs.so");
    conf_free(&c);
}
END_TEST

START_TEST(test_missing_file)
{
    struct conf *c = open_conf("/nowhere/app.json", NULL);
    ck_assert_uint_eq(c->n_problems, 1);
    ck_assert_str_eq(c->problems[0], "/nowhere/app.json: cannot be read: No such file or directory");
    ck_assert_str_eq(c->app, "app");
    conf_free(&c);
    c = open_conf("/tmp", NULL);
    ck_assert_str_eq(c->problems[0], "/tmp: cannot be read: Is a directory");
    conf_free(&c);
    c = open_conf("/dev/zero", NULL);
    ck_assert_str_eq(c->problems[0], "/dev/zero: cannot be read: File too large");
    conf_free(&c);
}
END_TEST

START_TEST(test_properties_win_by_place)
{
    const char *given[] = {"fetch.min.bytes=7", "metadata.broker.list=h3:1", "sasl.username=a=b"};
    struct conf_overrides o = {.brokers = "h2:1", .properties = given, .n_properties = 1};
    const char *text = "{\"modules\": [\"logs.so\"],"
                       " \"kafka\": {\"metadata.broker.list\": \"h1:1\", \"fetch.min.bytes\": 1, \"a\": 1.5, \"b\": 1},"
                       " \"tasks\": {\"process_logs\": {\"kafka\": {\"fetch.min.bytes\": 2, \"b\": true}}}}";
    struct conf *c = open_text(text, NULL);
    expect_no_problem(c);
    const struct conf_task *t = task(c, "process_logs");
    ck_assert_str_eq(property(t, "bootstrap.servers"), "h1:1");
    ck_assert_str_eq(from(t, "kafka.bootstrap.servers"), "file");
    ck_assert_str_eq(property(t, "fetch.min.bytes"), "2");
    ck_assert_str_eq(property(t, "a"), "1.5");
    ck_assert_str_eq(property(t, "b"), "true");
    ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "b")), "1");
    conf_free(&c);
    c = open_text(text, &o);
    expect_no_problem(c);
    t = task(c, "process_logs");
    ck_assert_str_eq(property(t, "bootstrap.servers"), "h2:1");
    ck_assert_str_eq(property(t, "fetch.min.bytes"), "7");
    ck_assert_str_eq(from(t, "kafka.fetch.min.bytes"), "command line");
    ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "fetch.min.bytes")), "7");
    conf_free(&c);
    o.n_properties = 3;
    c = open_text(text, &o);
    ck_assert_str_eq(property(task(c, "process_logs"), "bootstrap.servers"), "h3:1");
    ck_assert_str_eq(property(task(c, "process_logs"), "sasl.username"), "a=b");
    conf_free(&c);
}
END_TEST

START_TEST(test_secrets_are_named_and_hidden)
{
    setenv("CONF_SET", "s3cret", 1);
    struct conf *c = open_text("{\"modules\": [\"logs.so\"],"
                               " \"kafka\": {\"sasl.password\": \"${CONF_SET}\", \"client.id\": \"${CONF_PLAIN:-a}\"},"
                               " \"tasks\": {\"process_logs\": {\"environment\": {\"K\": \"${CONF_SET}\"},"
                               "   \"kafka\": {\"ssl.key.pem\": \"${CONF_KEY:-k}${CONF_SET}\"}}}}",
                               NULL);
    expect_no_problem(c);
    ck_assert_uint_eq(c->n_secrets, 2);
    ck_assert_str_eq(c->secrets[0], "CONF_SET");
    ck_assert_str_eq(c->secrets[1], "CONF_KEY");
    ck_assert_str_eq(property(task(c, "process_logs"), "ssl.key.pem"), "ks3cret");
    json_t *shown = conf_task_options(task(c, "process_logs"));
    char *text = json_dumps(shown, 0);
    ck_assert_ptr_null(strstr(text, "s3cret"));
    ck_assert_ptr_nonnull(strstr(text, "\"kafka.sasl.password\": {\"value\": \"(hidden)\", \"from\": \"file\"}"));
    free(text);
    json_decref(shown);
    conf_free(&c);
}
END_TEST

START_TEST(test_variables)
{
    set_environment();
    struct conf *c = conf_load(FIXTURES "/valid-variables.json");
    const char *id = json_string_value(json_object_get(c->kafka, "client.id"));
    ck_assert_str_eq(id, "${CONF_UNSET} $CONF_UNSET set");
    ck_assert_str_eq(c->modules[0], FIXTURES "/logs.so");
    conf_free(&c);
}
END_TEST

static void
expect_usage(const struct conf_overrides *o, const char *expected)
{
    struct conf *c = open_conf("logs.so", o);
    ck_assert_uint_eq(c->n_problems, 0);
    ck_assert_str_eq(usage_text, expected);
    conf_free(&c);
}

START_TEST(test_usage_problems)
{
    const char *properties[] = {"fetch.min.bytes", "=1", "group.id=x", "client.id=caf\xe9"};
    struct conf_overrides o = {.brokers = "", .properties = properties, .n_properties = 4};
    expect_usage(&o, "-b: needs an address, such as -b localhost:9092\n"
                     "-X fetch.min.bytes: must be PROPERTY=VALUE, such as -X fetch.min.bytes=1\n"
                     "-X =1: must be PROPERTY=VALUE, such as -X fetch.min.bytes=1\n"
                     "-X group.id: is set by headrace for each task; give the task a \"group\" instead\n"
                     "-X client.id: its value is not UTF-8\n");
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
    struct conf *c = open_conf("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 7);
    ck_assert_str_eq(from(task(c, "process_logs"), "concurrency"), "command line");
    ck_assert_int_eq(task(c, "stats")->concurrency, 1);
    ck_assert_int_eq(task(c, "dump_stats")->concurrency, 1);
    conf_free(&c);
    o = (struct conf_overrides){.workers = -1, .usable_cpus = 3, .concurrency = counts, .n_concurrency = 1};
    c = open_conf("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 3);
    ck_assert_int_eq(task(c, "stats")->concurrency, 3);
    conf_free(&c);
    o.n_concurrency = 2;
    c = open_conf("logs.so", &o);
    ck_assert_int_eq(task(c, "process_logs")->concurrency, 4); /* -c wins over -w */
    expect_no_problem(c);
    conf_free(&c);
}
END_TEST

START_TEST(test_undescribed_module_hides_nothing_else)
{
    struct conf_overrides o = {.concurrency = NULL};
    typeof(*o.concurrency) counts[] = {{"of_the_other", 1}};
    o.concurrency = counts;
    o.n_concurrency = 1;
    struct conf *c = open_text("{\"modules\": [\"logs.so\", \"none.so\"], \"tasks\": {\"of_the_other\": {\"x\": 1}}}", &o);
    ck_assert_uint_eq(c->n_problems, 1); /* the unknown key, not the unknown task: it may be in the other module */
    ck_assert_ptr_nonnull(strstr(c->problems[0], "tasks.of_the_other.x: unknown key"));
    ck_assert_str_eq(usage_text, "");
    conf_free(&c);
}
END_TEST

START_TEST(test_too_many_counters)
{
    struct conf *c = open_text("{\"modules\": [\"counters256.so\", \"logs.so\"]}", NULL);
    ck_assert_uint_eq(c->n_problems, 1);
    ck_assert_ptr_nonnull(strstr(c->problems[0], "the modules declare more than 256 counters"));
    conf_free(&c);
    c = open_text("{\"modules\": [\"counters256.so\"]}", NULL);
    expect_no_problem(c);
    ck_assert_uint_eq(c->n_counters, 256);
    conf_free(&c);
}
END_TEST

static void
forget_usage(void)
{
    free(usage_text);
    usage_text = NULL;
}

Suite *
conf_suite(void)
{
    Suite *s = suite_create("conf");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, NULL, forget_usage);
    tcase_add_test(files, test_fixtures);
    tcase_add_test(files, test_examples_are_good);
    tcase_add_test(files, test_missing_file);
    tcase_add_test(files, test_variables);
    suite_add_tcase(s, files);
    TCase *merge = tcase_create("merge");
    tcase_add_checked_fixture(merge, NULL, forget_usage);
    tcase_add_test(merge, test_defaults);
    tcase_add_test(merge, test_module_without_folder);
    tcase_add_test(merge, test_properties_win_by_place);
    tcase_add_test(merge, test_secrets_are_named_and_hidden);
    tcase_add_test(merge, test_usage_problems);
    tcase_add_test(merge, test_workers_by_command_line);
    tcase_add_test(merge, test_undescribed_module_hides_nothing_else);
    tcase_add_test(merge, test_too_many_counters);
    suite_add_tcase(s, merge);
    return s;
}
