/* test_utf8.c - text from elsewhere: what is a character, and what a terminal may be shown. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/utf8.h"

Suite *utf8_suite(void);

static const struct {
    const char *text;
    size_t left, length;
} characters[] = {
    {"a", 1, 1},
    {"\0", 1, 1},
    {"\xc2\x80", 2, 2},
    {"\xc3\xa9", 1, 0}, /* cut off */
    {"\xe2\x82\xac", 3, 3},
    {"\xf0\x9f\x98\x80", 4, 4},
    {"\x80", 1, 0},
    {"\xc0\xaf", 2, 0}, /* not the shortest form */
    {"\xe0\x9f\xbf", 3, 0},
    {"\xf0\x8f\xbf\xbf", 4, 0},
    {"\xed\xa0\x80", 3, 0},     /* a surrogate */
    {"\xf4\x90\x80\x80", 4, 0}, /* behind the last one */
    {"\xf8\x88\x80\x80", 4, 0},
    {"\xff", 1, 0},
};

START_TEST(test_utf8_characters)
{
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        ck_assert_msg(utf8_length(characters[i].text, characters[i].left) == characters[i].length,
                      "character %zu", i);
}
END_TEST

static void
expect(const char *text, const char *keep, const char *plain)
{
    char *copy = mem_string(text);
    ck_assert_str_eq(utf8_plain_text(copy, keep), plain);
    free(copy);
}

START_TEST(test_utf8_plain)
{
    expect("", "", "");
    expect("caf\xc3\xa9 \xe2\x82\xac", "", "caf\xc3\xa9 \xe2\x82\xac");
    expect("a\033[2Jb\x7f", "", "a?[2Jb?");
    expect("a\nb\tc\r", "\n\t", "a\nb\tc?");
    expect("\xc2\x9b"
           "2J \xc2\x80\xc2\x9f\xc2\xa0",
           "", "?2J ??\xc2\xa0"); /* U+009B begins an order as ESC [ does */
    expect("\x9b"
           "2J\xc3",
           "", "?2J?");
    expect("\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xaf", "", "???\xe2\x80\xaf");
}
END_TEST

START_TEST(test_utf8_plain_with_nuls)
{
    char text[] = "a\0b";
    ck_assert_uint_eq(utf8_plain(text, 3, "\n"), 3);
    ck_assert_str_eq(text, "a?b");
}
END_TEST

Suite *
utf8_suite(void)
{
    Suite *s = suite_create("utf8");
    TCase *t = tcase_create("utf8");
    tcase_add_test(t, test_utf8_characters);
    tcase_add_test(t, test_utf8_plain);
    tcase_add_test(t, test_utf8_plain_with_nuls);
    suite_add_tcase(s, t);
    return s;
}
