/* test_app_options.c - the options that run, check, tasks and try share: what they take, and what they say
 * about the rest. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/client/app_options.h"
#include "supervisor/client/usage.h"

Suite *app_options_suite(void);

static struct app_options a;
static char said[512]; /* on stderr, by the last must_refuse */

static void
setup(void)
{
    a = (struct app_options){.command = "run"};
}

static void
teardown(void)
{
    app_options_free(&a);
}

/* listen_to collects what a call prints on stderr. */
static int
listen_to(int (*call)(const void *arg), const void *arg)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    int result = call(arg);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return result;
}

static int option_letter;

static int
take_it(const void *arg)
{
    return app_options_take(&a, option_letter, arg);
}

static void
must_refuse(int letter, const char *value, const char *message)
{
    option_letter = letter;
    ck_assert_int_eq(listen_to(take_it, value), -1);
    ck_assert_str_eq(said, message);
}

START_TEST(test_options_taken)
{
    ck_assert_int_eq(app_options_take(&a, 'c', "process_logs=4"), 1);
    ck_assert_int_eq(app_options_take(&a, 'c', "odd=name=4096"), 1);
    ck_assert_int_eq(app_options_take(&a, 'w', "3"), 1);
    ck_assert_int_eq(app_options_take(&a, 'b', "one:1,two:2"), 1);
    ck_assert_int_eq(app_options_take(&a, 'X', "linger.ms=5"), 1);
    ck_assert_int_eq(app_options_take(&a, 'X', "client.id="), 1);
    ck_assert_int_eq(app_options_take(&a, 'z', "mine"), 0);
    const struct conf_overrides *o = &a.overrides;
    ck_assert_uint_eq(o->n_concurrency, 2);
    ck_assert_str_eq(o->concurrency[0].task, "process_logs");
    ck_assert_int_eq(o->concurrency[0].concurrency, 4);
    ck_assert_str_eq(o->concurrency[1].task, "odd=name");
    ck_assert_int_eq(o->workers, 3);
    ck_assert_str_eq(o->brokers, "one:1,two:2");
    ck_assert_uint_eq(o->n_properties, 2);
    ck_assert_str_eq(o->properties[1], "client.id=");
}
END_TEST

START_TEST(test_options_auto)
{
    ck_assert_int_eq(app_options_take(&a, 'w', "auto"), 1);
    ck_assert_int_eq(a.overrides.workers, -1);
    ck_assert_int_ge(a.overrides.usable_cpus, 1);
}
END_TEST

START_TEST(test_options_refused)
{
    static const char *const counts[] = {
        "a", "a=", "=3", "a=0", "a=-2", "a=4097", "a=3x", "a= 3", "a=99999999999999999999"};
    char message[256];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        snprintf(message, sizeof message,
                 "headrace run: -c takes TASK=N with N from 1 to 4096, not '%s' (see headrace run --help)\n",
                 counts[i]);
        must_refuse('c', counts[i], message);
    }
    must_refuse(
        'w', "0",
        "headrace run: -w takes a number from 1 to 4096, or auto, not '0' (see headrace run --help)\n");
    must_refuse(
        'w', "many",
        "headrace run: -w takes a number from 1 to 4096, or auto, not 'many' (see headrace run --help)\n");
    must_refuse('X', "linger.ms",
                "headrace run: -X takes PROPERTY=VALUE, not 'linger.ms' (see headrace run --help)\n");
    must_refuse('X', "=5", "headrace run: -X takes PROPERTY=VALUE, not '=5' (see headrace run --help)\n");
    must_refuse('b', "",
                "headrace run: -b takes HOST:PORT, several separated by commas; it is empty (see headrace "
                "run --help)\n");
    ck_assert_uint_eq(a.overrides.n_concurrency, 0);
}
END_TEST

/* What getopt_long does not know, in words. */
static int
parse_it(const void *arg)
{
    static const struct option options[] = {APP_OPTIONS_LONG,
                                            {"json", no_argument, NULL, 0x100},
                                            {"level", required_argument, NULL, 0x101},
                                            {NULL, 0, NULL, 0}};
    char *argv[] = {(char *)"tasks", strdup(arg), NULL};
    optind = 0; /* getopt is to begin anew */
    int opt = getopt_long(2, argv, ":" APP_OPTIONS_SHORT, options, NULL);
    int code = opt == '?' || opt == ':' ? usage_option("tasks", argv, options, opt) : 0;
    free(argv[1]);
    return code;
}

START_TEST(test_options_unknown)
{
    static const char *const cases[][2] = {
        {"--jsno", "unknown option --jsno; did you mean --json?"},
        {"--nothing-like-it", "unknown option --nothing-like-it"},
        {"--jsno=3", "unknown option --jsno; did you mean --json?"},
        {"--json=3", "--json takes no value"},
        {"-q", "unknown option -q"},
        {"-c", "-c (--concurrency) needs a value"},
        {"--workers", "-w (--workers) needs a value"},
        {"--level", "--level needs a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[256];
        snprintf(message, sizeof message, "headrace tasks: %s (see headrace tasks --help)\n", cases[i][1]);
        ck_assert_int_eq(listen_to(parse_it, cases[i][0]), 64);
        ck_assert_str_eq(said, message);
    }
    ck_assert_int_eq(listen_to(parse_it, "--json"), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

static int
print_it(const void *arg)
{
    return command_error("stop", 69, "%s", (const char *)arg);
}

START_TEST(test_errors_are_clean)
{
    ck_assert_int_eq(listen_to(print_it, "bell \a and escape \033[2J\n  second line"), 69);
    ck_assert_str_eq(said, "headrace stop: bell ? and escape ?[2J\n  second line\n");
}
END_TEST

Suite *
app_options_suite(void)
{
    Suite *s = suite_create("app_options");
    TCase *t = tcase_create("app_options");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_options_taken);
    tcase_add_test(t, test_options_auto);
    tcase_add_test(t, test_options_refused);
    tcase_add_test(t, test_options_unknown);
    tcase_add_test(t, test_errors_are_clean);
    suite_add_tcase(s, t);
    return s;
}
