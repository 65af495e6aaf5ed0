/* test_conf.c - configurations: the fixtures of tests/unit/conf, and what they must give.
 *
 * A fixture is NAME.json and NAME.errors: the problems expected, a line each, none for a good one. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/option.h"
#include "shared/mem.h"
#include "tests/unit/apps.h"

#define FIXTURES SOURCE_DIR "/tests/unit/conf"

static void
set_environment(void)
{
    setenv("CONF_SET", "set", 1);
    setenv("CONF_EMPTY", "", 1);
    setenv("CONF_LATIN", "caf\xe9", 1);
    unsetenv("CONF_UNSET");
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
    char *json = mem_printf("%s/%s.json", FIXTURES, name),
         *errors = mem_printf("%s/%s.errors", FIXTURES, name);
    struct conf *c = apps_open(json, NULL);
    char *raw = apps_join(c->problems, c->n_problems), *got = without_folder(raw),
         *expected = file_text(errors);
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

/* Whom full.json runs tasks as: where this is not root, it can only be itself. */
static void
run_as_self(void)
{
    char id[16];
    snprintf(id, sizeof id, "%u", (unsigned)geteuid());
    setenv("RUN_AS", id, 1);
    snprintf(id, sizeof id, "%u", (unsigned)getegid());
    setenv("RUN_AS_GROUP", id, 1);
}

START_TEST(test_examples_are_good)
{
    static const char *const names[] = {"logs", "feeds", "demo", "full"};
    unsetenv("KAFKA");
    run_as_self();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = mem_printf("%s/conf/%s.json", SOURCE_DIR, names[i]);
        struct conf *c = apps_open(path, NULL);
        apps_expect_good(c);
        ck_assert_str_eq(c->app, names[i]);
        ck_assert_str_eq(json_string_value(json_object_get(c->kafka, "bootstrap.servers")), "localhost:9092");
        conf_free(&c);
        free(path);
    }
}
END_TEST

/* said_somewhere: one of the tasks or timers of a file has the option. */
static bool
said_somewhere(const struct conf_option *o, json_t *all)
{
    const char *name;
    json_t *one;
    json_object_foreach(all, name, one)
        if (option_of(o, one))
            return true;
    return false;
}

START_TEST(test_full_example_has_every_key)
{
    run_as_self();
    struct conf *c = apps_open(SOURCE_DIR "/conf/full.json", NULL);
    for (size_t i = 0; i < n_conf_options; i++) {
        const struct conf_option *o = &conf_options[i];
        bool said =
            o->section == OPTION_APP
                ? option_of(o, c->file) != NULL
                : said_somewhere(o, json_object_get(c->file, o->section == OPTION_TASK ? "tasks" : "timers"));
        ck_assert_msg(said, "conf/full.json does not show %s", o->key);
    }
    conf_free(&c);
}
END_TEST

START_TEST(test_missing_file)
{
    struct conf *c = apps_open("/nowhere/app.json", NULL);
    ck_assert_uint_eq(c->n_problems, 1);
    ck_assert_str_eq(c->problems[0], "/nowhere/app.json: cannot be read: No such file or directory");
    ck_assert_str_eq(c->app, "app");
    conf_free(&c);
    c = apps_open("/tmp", NULL);
    ck_assert_str_eq(c->problems[0], "/tmp: cannot be read: Is a directory");
    conf_free(&c);
    c = apps_open("/dev/zero", NULL);
    ck_assert_str_eq(c->problems[0], "/dev/zero: cannot be read: File too large");
    conf_free(&c);
}
END_TEST

/* What is no JSON and has no name of a configuration is none. */
START_TEST(test_neither_configuration_nor_module)
{
    static const char *const names[] = {"logs", "logs.txt", "logs.json5"};
    for (size_t i = 0; i < 3; i++) {
        char *path = mem_printf("/tmp/headrace-conf-%d-%s", (int)getpid(), names[i]);
        char *expected = mem_printf("%s: is neither a configuration (.json) nor a module (.so)", path);
        FILE *f = fopen(path, "w");
        fputs("\177ELF and so on", f);
        fclose(f);
        struct conf *c = apps_open(path, NULL);
        unlink(path);
        ck_assert_uint_eq(c->n_problems, 1);
        ck_assert_str_eq(c->problems[0], expected);
        conf_free(&c);
        free(path);
        free(expected);
    }
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

Suite *
conf_suite(void)
{
    Suite *s = suite_create("conf");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, NULL, apps_forget);
    tcase_add_test(files, test_fixtures);
    tcase_add_test(files, test_examples_are_good);
    tcase_add_test(files, test_full_example_has_every_key);
    tcase_add_test(files, test_missing_file);
    tcase_add_test(files, test_neither_configuration_nor_module);
    tcase_add_test(files, test_variables);
    suite_add_tcase(s, files);
    return s;
}
