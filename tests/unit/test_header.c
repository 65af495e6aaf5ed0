/* test_header.c - headrace.h compiles without a warning wherever it has to: C and C++, old and new, by both
 * compilers.
 *
 * tests/unit/header/ holds the modules: the example of the README, one that uses every corner, and one that
 * must not compile. Compilers that are not installed are left out, and said so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

Suite *header_suite(void);

static const struct {
    const char *compiler, *language, *standard;
} ways[] = {
    {"cc", "c", "c11"},          {"cc", "c", "gnu2x"},    {"clang", "c", "c11"},
    {"c++", "c++", "c++11"},     {"c++", "c++", "c++20"}, {"clang++", "c++", "c++11"},
    {"clang++", "c++", "c++20"},
};
enum { N_WAYS = sizeof ways / sizeof ways[0] };

static int
run(const char *command)
{
    int status = system(command);
    ck_assert_int_ne(status, -1);
    return status;
}

static int
compile(int way, const char *module, const char *silence)
{
    char command[1024];
    snprintf(command, sizeof command,
             "%s -x %s -std=%s -pedantic -Wall -Wextra -Wshadow -Werror -fsyntax-only -I%s/worker "
             "%s/tests/unit/header/%s.c %s",
             ways[way].compiler, ways[way].language, ways[way].standard, SOURCE_DIR, SOURCE_DIR, module,
             silence);
    return run(command);
}

/* available notes a compiler that is missing. */
static int
available(int way)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null", ways[way].compiler);
    if (run(command) == 0)
        return 1;
    printf("header: no %s here, %s not tried\n", ways[way].compiler, ways[way].standard);
    return 0;
}

START_TEST(test_compiles_without_a_warning)
{
    if (!available(_i))
        return;
    ck_assert_int_eq(compile(_i, "example", ""), 0);
    ck_assert_int_eq(compile(_i, "corners", ""), 0);
}
END_TEST

START_TEST(test_default_of_a_required_field_is_an_error)
{
    ck_assert_int_ne(compile(0, "default", "2>/dev/null"), 0);
}
END_TEST

Suite *
header_suite(void)
{
    Suite *suite = suite_create("header");
    TCase *c = tcase_create("header");
    tcase_add_loop_test(c, test_compiles_without_a_warning, 0, N_WAYS);
    tcase_add_test(c, test_default_of_a_required_field_is_an_error);
    suite_add_tcase(suite, c);
    return suite;
}
