/* test_conf_random.c - random configurations against a simple model of who wins.
 *
 * Each option of each task is given or not by the code, the file and the command line, and what the file
 * gives may be wrong. The model knows the value and the origin that must come out of a good configuration,
 * and of a bad one exactly which key paths must be complained of. SEED=N repeats a run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "shared/mem.h"

#define ROUNDS 400
#define TASKS 4
#define TIMERS 2
#define MOST_PATHS 256

/* Values that a file may give for an option: good ones as they are shown again, and bad ones. */
struct kind_of_value {
    const char *key, *by_default;
    const char *good[3], *bad[3];
    bool stream_only;
};

static const struct kind_of_value task_values[] = {
    {"concurrency", "1", {"1", "17", "4096"}, {"0", "\"2\"", "4097"}, false},
    {"order", "\"partition\"", {"\"partition\"", "\"key\"", "\"none\""}, {"\"keys\"", "1", "null"}, true},
    {"attempts", "5", {"1", "9", "2147483647"}, {"0", "2147483648", "1.5"}, true},
    {"backoff",
     "[\"1s\", \"1m\"]",
     {"[\"0s\", \"1ms\"]", "[\"2s\", \"2s\"]", "[\"1s\", \"1h\"]"},
     {"[\"2s\", \"1s\"]", "\"1s\"", "[]"},
     true},
    {"window", "100000", {"1", "7", "100000000"}, {"-1", "\"7\"", "100000001"}, true},
    {"window_bytes", "\"32MB\"", {"\"1\"", "\"7KB\"", "\"1TB\""}, {"\"7kb\"", "0", "true"}, true},
    {"topic", NULL, {"\"a\"", "\"a,b\"", "\"^x.*\""}, {"\"\"", "\"a b\"", "3"}, true},
    {"group", NULL, {"\"g1\"", "\"g2\"", "\"g3\""}, {"\"\"", "[]", "false"}, true},
};
static const struct kind_of_value timer_values[] = {
    {"interval", NULL, {"\"1ms\"", "\"30s\"", "\"1d\""}, {"30", "\"0s\"", "\"x\""}, false},
    {"overlap", "\"skip\"", {"\"skip\"", "\"queue\"", "\"queue\""}, {"\"both\"", "0", "{}"}, false},
};
#define N_TASK_VALUES (sizeof task_values / sizeof task_values[0])
#define N_TIMER_VALUES (sizeof timer_values / sizeof timer_values[0])

struct model {
    json_t *file, *description, *expected; /* expected: task -> key -> [value, origin] */
    char *paths[MOST_PATHS];               /* that must be complained of */
    size_t n_paths;
    char *groups[TASKS];
    size_t n_groups;
};

static bool
one_in(int n)
{
    return random() % n == 0;
}

static json_t *
value(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

static void
expect_value(struct model *m, const char *task, const char *key, json_t *v_take, const char *origin)
{
    json_t *options = json_object_get(m->expected, task);
    if (!options) {
        json_object_set_new(m->expected, task, json_object());
        options = json_object_get(m->expected, task);
    }
    json_object_set_new(options, key, json_pack("[o, s]", v_take, origin));
}

static void
expect_path(struct model *m, const char *section, const char *task, const char *key)
{
    ck_assert_uint_lt(m->n_paths, MOST_PATHS);
    m->paths[m->n_paths++] = mem_printf("%s.%s%s%s", section, task, *key ? "." : "", key);
}

/* give_in_file decides what the file says for an option; the key is put into `object`. */
static void
give_in_file(struct model *m, const char *section, const char *task, const struct kind_of_value *k,
             bool allowed, json_t *object)
{
    if (!one_in(3))
        return;
    bool good = !one_in(12);
    json_t *v = value(good ? k->good[random() % 3] : k->bad[random() % 3]);
    json_object_set(object, k->key, v);
    if (!good)
        expect_path(m, section, task, k->key);
    if (!allowed) /* on top of what is wrong with its value */
        expect_path(m, section, task, k->key);
    else if (good)
        expect_value(m, task, k->key, json_incref(v), "file");
    json_decref(v);
}

static json_t *
file_section(struct model *m, const char *section, const char *name)
{
    json_t *all = json_object_get(m->file, section);
    if (!all) {
        json_object_set_new(m->file, section, json_object());
        all = json_object_get(m->file, section);
    }
    json_object_set_new(all, name, json_object());
    return json_object_get(all, name);
}

static void
expect_defaults(struct model *m, const char *name, const struct kind_of_value *k, size_t n, bool stream)
{
    for (size_t i = 0; i < n; i++)
        if (k[i].by_default && (stream || !k[i].stream_only))
            expect_value(m, name, k[i].key, value(k[i].by_default), "default");
}

static void
expect_group(struct model *m, const char *name)
{
    json_t *pair = json_object_get(json_object_get(m->expected, name), "group");
    if (!pair) {
        char *group = mem_printf("app.%s", name);
        expect_value(m, name, "group", json_string(group), "default");
        free(group);
        return;
    }
    const char *group = json_string_value(json_array_get(pair, 0));
    for (size_t i = 0; i < m->n_groups; i++)
        if (strcmp(m->groups[i], group) == 0)
            expect_path(m, "tasks", name, "group");
    m->groups[m->n_groups++] = mem_string(group);
}

static void
make_task(struct model *m, const char *name)
{
    bool stream = !one_in(3);
    int concurrency = one_in(2) ? (int)(random() % 4096) + 1 : 0;
    const char *order = stream && one_in(2) ? "none" : NULL;
    json_array_append_new(json_object_get(m->description, "tasks"),
                          json_pack("{s:s, s:s?, s:i, s:s?, s:s, s:i}", "name", name, "topic",
                                    stream ? "code" : NULL, "concurrency", concurrency, "order", order,
                                    "file", "m.c", "line", 1));
    expect_defaults(m, name, task_values, N_TASK_VALUES, stream);
    if (stream)
        expect_value(m, name, "topic", json_string("code"), "code");
    if (concurrency)
        expect_value(m, name, "concurrency", json_integer(concurrency), "code");
    if (order)
        expect_value(m, name, "order", json_string(order), "code");
    json_t *object = one_in(4) ? NULL : file_section(m, "tasks", name);
    for (size_t i = 0; object && i < N_TASK_VALUES; i++)
        give_in_file(m, "tasks", name, &task_values[i], stream || !task_values[i].stream_only, object);
    if (object && one_in(10)) {
        json_object_set_new(object, "surprise", json_null());
        expect_path(m, "tasks", name, "surprise");
    }
    if (stream)
        expect_group(m, name);
}

static void
make_timer(struct model *m, const char *name)
{
    double interval = one_in(2) ? 1.5 : 0;
    json_array_append_new(
        json_object_get(m->description, "timers"),
        json_pack("{s:s, s:f, s:s, s:i}", "name", name, "interval", interval, "file", "m.c", "line", 9));
    expect_defaults(m, name, timer_values, N_TIMER_VALUES, false);
    if (interval > 0)
        expect_value(m, name, "interval", json_string("1500ms"), "code");
    json_t *object = one_in(4) ? NULL : file_section(m, "timers", name);
    for (size_t i = 0; object && i < N_TIMER_VALUES; i++)
        give_in_file(m, "timers", name, &timer_values[i], true, object);
    if (!json_object_get(json_object_get(m->expected, name), "interval") &&
        !json_object_get(object, "interval"))
        expect_path(m, "timers", name, "interval");
}

/* set_workers is what the command line does: of all streams, then of one. */
static void
set_workers(struct model *m, const char *name, int n)
{
    bool stream = json_object_get(json_object_get(m->expected, name), "topic") != NULL;
    if (stream)
        expect_value(m, name, "concurrency", json_integer(n), "command line");
}

static struct model
make_model(void)
{
    struct model m = {.file = json_pack("{s:s, s:[s]}", "app", "app", "modules", "m.so"),
                      .description =
                          value("{\"tasks\": [], \"timers\": [], \"counters\": [], \"problems\": []}"),
                      .expected = json_object()};
    for (int i = 0; i < TASKS; i++)
        make_task(&m, (const char *[]){"alpha", "beta_task", "gamma-3", "d"}[i]);
    for (int i = 0; i < TIMERS; i++)
        make_timer(&m, (const char *[]){"tick", "tock_2"}[i]);
    if (one_in(5)) {
        file_section(&m, "tasks", "stranger");
        expect_path(&m, "tasks", "stranger", "");
    }
    return m;
}

/* check_off takes the key path of a problem off the list. */
static void
check_off(struct model *m, const char *problem, const char *file, const char *all)
{
    const char *path = problem + strlen(file) + 2;
    for (size_t i = 0; i < m->n_paths; i++) {
        size_t n = strlen(m->paths[i]);
        if (strncmp(path, m->paths[i], n) == 0 && path[n] == ':') {
            free(m->paths[i]);
            m->paths[i] = m->paths[--m->n_paths];
            return;
        }
    }
    ck_abort_msg("not expected: %s\n%s", problem, all);
}

static void
compare_problems(struct model *m, const struct conf *c)
{
    char *file = json_dumps(m->file, JSON_INDENT(1));
    for (size_t i = 0; i < c->n_problems; i++)
        check_off(m, c->problems[i], c->path, file);
    ck_assert_msg(m->n_paths == 0, "nothing was said of %s:\n%s", m->n_paths ? m->paths[0] : "", file);
    free(file);
}

static void
compare_values(struct model *m, const struct conf *c)
{
    const char *name, *key;
    json_t *options, *pair;
    ck_assert_uint_eq(c->n_tasks, TASKS + TIMERS);
    for (size_t i = 0; i < c->n_tasks; i++) {
        json_t *shown = conf_task_options(&c->tasks[i]);
        name = c->tasks[i].name;
        options = json_object_get(m->expected, name);
        json_object_foreach(options, key, pair) {
            json_t *is = json_object_get(shown, key);
            char *got = json_dumps(is, JSON_ENCODE_ANY), *wanted = json_dumps(pair, 0);
            ck_assert_msg(is && json_equal(json_object_get(is, "value"), json_array_get(pair, 0)) &&
                              json_equal(json_object_get(is, "from"), json_array_get(pair, 1)),
                          "%s.%s: %s, not %s", name, key, got, wanted);
            free(got);
            free(wanted);
        }
        json_decref(shown);
    }
}

static void
run_round(void)
{
    char path[] = "/tmp/headrace-random-XXXXXX", **usage;
    size_t n_usage;
    struct model m = make_model();
    struct conf_overrides o = {.workers = one_in(4) ? random() % 50 + 1 : 0};
    typeof(*o.concurrency) one = {"alpha", random() % 4096 + 1};
    const char *name;
    json_t *options;
    json_object_foreach(m.expected, name, options)
        if (o.workers)
            set_workers(&m, name, (int)o.workers);
    if (one_in(4)) {
        o.concurrency = &one;
        o.n_concurrency = 1;
        expect_value(&m, "alpha", "concurrency", json_integer(one.concurrency), "command line");
    }
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(json_dumpfd(m.file, fd, 0), 0);
    close(fd);
    struct conf *c = conf_load(path);
    unlink(path);
    bool bad = m.n_paths > 0;
    conf_merge(c, &m.description, &o, &usage, &n_usage);
    ck_assert_uint_eq(n_usage, 0);
    compare_problems(&m, c);
    if (!bad)
        compare_values(&m, c);
    conf_free(&c);
    for (size_t i = 0; i < m.n_groups; i++)
        free(m.groups[i]);
    json_decref(m.file);
    json_decref(m.description);
    json_decref(m.expected);
}

START_TEST(test_who_wins)
{
    long seed = getenv("SEED") ? atol(getenv("SEED")) : (long)time(NULL);
    printf("conf_random: SEED=%ld\n", seed);
    srandom((unsigned)seed);
    for (int i = 0; i < ROUNDS; i++)
        run_round();
}
END_TEST

/* A good document with a byte changed, lost or doubled: whatever comes out, nothing breaks, and what is no
 * longer good is complained of in one line each. */
START_TEST(test_damaged_documents)
{
    static const char whole[] =
        "{\"app\":\"a\",\"modules\":[\"m.so\"],\"kafka\":{\"client.id\":\"${HOME:-x}\",\"a\":{}},"
        "\"tasks\":{\"alpha\":{\"topic\":\"a,b\",\"backoff\":[\"1s\",\"2s\"],\"restart\":{\"max\":1,"
        "\"within\":\"1s\"},"
        "\"environment\":{\"A\":\"b\"},\"window_bytes\":\"1MB\",\"alpha\":1,\"kafka\":{\"b\":1}}},\"timers\":"
        "{}}";
    long seed = getenv("SEED") ? atol(getenv("SEED")) : (long)time(NULL);
    printf("conf_random: SEED=%ld (damage)\n", seed);
    srandom((unsigned)seed);
    char path[] = "/tmp/headrace-damage-XXXXXX";
    close(mkstemp(path));
    for (int i = 0; i < 1500; i++) {
        char text[sizeof whole * 2];
        size_t size = sizeof whole - 1;
        memcpy(text, whole, size);
        for (long n = random() % 4; n >= 0; n--) {
            size_t at = (size_t)random() % size, from = (size_t)random() % size, run = (size_t)random() % 8;
            run = at + run < size && from + run < size ? run : 0;
            memmove(text + at, text + from, run);
            if (one_in(2))
                text[at] = one_in(2) ? "{}[]\",:\\$0"[random() % 10] : (char)random();
        }
        FILE *f = fopen(path, "we");
        fwrite(text, 1, size, f);
        fclose(f);
        struct conf *c = conf_load(path);
        for (size_t p = 0; p < c->n_problems; p++)
            ck_assert_msg(strncmp(c->problems[p], path, strlen(path)) == 0 && !strchr(c->problems[p], '\n'),
                          "%s", c->problems[p]);
        ck_assert_ptr_nonnull(c->app);
        conf_free(&c);
    }
    unlink(path);
}
END_TEST

Suite *
conf_random_suite(void)
{
    Suite *s = suite_create("conf_random");
    TCase *random_ones = tcase_create("random");
    tcase_add_test(random_ones, test_who_wins);
    tcase_add_test(random_ones, test_damaged_documents);
    suite_add_tcase(s, random_ones);
    return s;
}
