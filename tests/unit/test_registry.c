/* test_registry.c - what modules declare, and what is wrong in it. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "worker/registry.h"

Suite *registry_suite(void);

static int
body(hr_task *self)
{
    (void)self;
    return 0;
}

static void
add(const char *name, const char *topic, const char *file, int line)
{
    hr_task_options options = {.name = name, .topic = topic};
    hr_register_task_(HR_API_VERSION, sizeof options, &options, body, file, line);
}

/* problem expects that one problem was noted, and that nothing was kept. */
static void
problem(const char *text)
{
    ck_assert_uint_eq(registry_n_problems(), 1);
    ck_assert_str_eq(registry_problem_text(0), text);
    ck_assert_uint_eq(registry_n_entries(), 0);
    registry_clear();
}

START_TEST(test_entries_are_in_the_order_of_the_source)
{
    add("c", NULL, "b.c", 7);
    add("b", "t", "a.c", 30);
    add("a", "t", "a.c", 4);
    registry_settle();
    ck_assert_uint_eq(registry_n_problems(), 0);
    ck_assert_uint_eq(registry_n_entries(), 3);
    ck_assert_str_eq(registry_entry(0)->name, "a");
    ck_assert_str_eq(registry_entry(1)->name, "b");
    ck_assert_str_eq(registry_entry(2)->name, "c");
    ck_assert_ptr_eq(registry_find("b"), registry_entry(1));
    ck_assert_ptr_null(registry_find("d"));
}
END_TEST

START_TEST(test_two_of_one_name_names_both_places)
{
    hr_timer_options options = {.name = "a", .interval = 1};
    add("a", "t", "a.c", 4);
    hr_register_timer_(HR_API_VERSION, sizeof options, &options, body, "b.c", 9);
    registry_settle();
    ck_assert_uint_eq(registry_n_problems(), 1);
    ck_assert_str_eq(registry_problem_text(0), "two tasks are named a: a.c:4 and b.c:9; rename one of them");
}
END_TEST

START_TEST(test_bad_options)
{
    hr_task_options options = {.name = "a", .concurrency = -2};
    ck_assert_int_eq(hr_add_task_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    problem("m.c:3: task a: concurrency must be 1 to 4096, is -2");
    options.concurrency = 4097;
    ck_assert_int_eq(hr_add_task_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    problem("m.c:3: task a: concurrency must be 1 to 4096, is 4097");
    options = (hr_task_options){.name = "a", .order = (enum hr_order)4};
    ck_assert_int_eq(hr_add_task_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    problem("m.c:3: task a: unknown order 4; use HR_ORDER_PARTITION, HR_ORDER_KEY or HR_ORDER_NONE");
    add("a", "", "m.c", 3);
    problem("m.c:3: task a: the topic is empty; leave it out for a background task");
    add("a b", "t", "m.c", 3);
    problem("m.c:3: task \"a b\": a name is 1 to 64 of the characters A-Z a-z 0-9 _ -");
    add(NULL, "t", "m.c", 3);
    problem("m.c:3: task \"\": a name is 1 to 64 of the characters A-Z a-z 0-9 _ -");
    options = (hr_task_options){.name = "a"};
    ck_assert_int_eq(hr_add_task_(1, sizeof options, "m.c", 3, NULL, &options, NULL), -1);
    problem("m.c:3: task a: it has no function");
}
END_TEST

START_TEST(test_bad_intervals)
{
    hr_timer_options options = {.name = "t", .interval = -0.5};
    ck_assert_int_eq(hr_add_timer_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    problem("m.c:3: timer t: interval must be a positive number of seconds, is -0.5");
    options.interval = NAN;
    ck_assert_int_eq(hr_add_timer_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    ck_assert_uint_eq(registry_n_problems(), 1);
    options.interval = INFINITY;
    ck_assert_int_eq(hr_add_timer_(1, sizeof options, "m.c", 3, NULL, &options, body), -1);
    ck_assert_uint_eq(registry_n_problems(), 2);
}
END_TEST

START_TEST(test_names_have_64_characters_at_most)
{
    char name[66];
    memset(name, 'x', sizeof name);
    name[64] = '\0';
    add(name, NULL, "m.c", 3);
    ck_assert_uint_eq(registry_n_problems(), 0);
    name[64] = 'x';
    name[65] = '\0';
    add(name, NULL, "m.c", 3);
    ck_assert_uint_eq(registry_n_problems(), 1);
}
END_TEST

/* A module of an older header passes a shorter struct; what it does not know of is "not given". */
START_TEST(test_older_modules_load_and_newer_are_refused)
{
    hr_task_options options = {.name = "old", .topic = "t", .concurrency = 7};
    hr_register_task_(1, offsetof(hr_task_options, concurrency), &options, body, "m.c", 3);
    ck_assert_uint_eq(registry_n_problems(), 0);
    ck_assert_str_eq(registry_entry(0)->topic, "t");
    ck_assert_int_eq(registry_entry(0)->concurrency, 0);
    struct {
        hr_task_options options;
        char more[64];
    } newer = {.options = {.name = "new", .topic = "t"}};
    hr_register_task_(HR_API_VERSION, sizeof newer, &newer.options, body, "m.c", 3);
    ck_assert_uint_eq(registry_n_entries(), 2);
    hr_register_task_(HR_API_VERSION + 1, sizeof newer, &newer.options, body, "m.c", 3);
    ck_assert_uint_eq(registry_n_entries(), 2);
    ck_assert_uint_eq(registry_n_problems(), 1);
    ck_assert_ptr_nonnull(
        strstr(registry_problem_text(0), "version 2 of headrace.h, this headrace has version 1"));
}
END_TEST

START_TEST(test_options_are_copied)
{
    char name[] = "stack", topic[] = "there";
    add(name, topic, "m.c", 3);
    memset(name, 'x', 5);
    memset(topic, 'x', 5);
    ck_assert_str_eq(registry_entry(0)->name, "stack");
    ck_assert_str_eq(registry_entry(0)->topic, "there");
}
END_TEST

Suite *
registry_suite(void)
{
    Suite *suite = suite_create("registry");
    TCase *c = tcase_create("registry");
    tcase_add_checked_fixture(c, registry_clear, registry_clear);
    tcase_add_test(c, test_entries_are_in_the_order_of_the_source);
    tcase_add_test(c, test_two_of_one_name_names_both_places);
    tcase_add_test(c, test_bad_options);
    tcase_add_test(c, test_bad_intervals);
    tcase_add_test(c, test_names_have_64_characters_at_most);
    tcase_add_test(c, test_older_modules_load_and_newer_are_refused);
    tcase_add_test(c, test_options_are_copied);
    suite_add_tcase(suite, c);
    return suite;
}
