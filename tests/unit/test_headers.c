/* test_headers.c - what the byte behind a value says, and when it may not be looked at. */
#include <check.h>

#include "supervisor/headers.h"

static _Alignas(HEADERS_PAGE) unsigned char page[2 * HEADERS_PAGE];

START_TEST(test_headers_none_is_certain)
{
    page[100] = 0;
    ck_assert(headers_none(page + 90, 10));
    ck_assert(headers_none(page + 99, 1));
    page[100] = 2; /* one header */
    ck_assert(!headers_none(page + 90, 10));
}
END_TEST

START_TEST(test_headers_none_says_nothing)
{
    page[100] = page[HEADERS_PAGE] = 0;
    ck_assert(!headers_none(NULL, 0));
    ck_assert(!headers_none(page + 100, 0)); /* an empty value stands elsewhere */
    ck_assert(!headers_none(page + HEADERS_PAGE - 10, 10));
    page[HEADERS_PAGE + 1] = 0;
    ck_assert(headers_none(page + HEADERS_PAGE - 10, 11));
}
END_TEST

Suite *
headers_suite(void)
{
    Suite *suite = suite_create("headers");
    TCase *tc = tcase_create("headers");
    tcase_add_test(tc, test_headers_none_is_certain);
    tcase_add_test(tc, test_headers_none_says_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
