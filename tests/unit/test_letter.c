/* test_letter.c - what the headers of a dead letter say, and bytes shown to people. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/client/bytes.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/reader.h"

static rd_kafka_headers_t *headers;
static struct letter l;

static void
setup(void)
{
    headers = rd_kafka_headers_new(8);
}

static void
teardown(void)
{
    rd_kafka_headers_destroy(headers);
}

static void
add(const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, -1);
}

static void
add_letter(const char *topic, const char *reason)
{
    add("headrace.topic", topic);
    add("headrace.partition", "3");
    add("headrace.offset", "9223372036854775807");
    add("headrace.timestamp", "1700000000000");
    add("headrace.group", "logs.process_logs");
    add("headrace.task", "process_logs");
    add("headrace.reason", reason);
    add("headrace.attempts", "5");
}

static void
expect_field(enum letter_field field, const char *expected)
{
    char *text = letter_text(&l, field);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* expect_headers compares with "name=value name=value". */
static void
expect_headers(rd_kafka_headers_t *list, const char *expected)
{
    char text[1024] = "";
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; !rd_kafka_header_get_all(list, i, &name, &value, &size); i++)
        sprintf(text + strlen(text), "%s%s=%.*s", i ? " " : "", name, value ? (int)size : 6,
                value ? (const char *)value : "(null)");
    ck_assert_str_eq(text, expected);
    rd_kafka_headers_destroy(list);
}

START_TEST(test_letter_fields)
{
    int64_t n;
    char topic[LETTER_TOPIC_MAX + 1];
    add("trace", "7");
    add_letter("logs", "crash: SIGSEGV");
    letter_read(&l, headers);
    ck_assert(letter_topic(&l, topic));
    ck_assert_str_eq(topic, "logs");
    ck_assert(letter_number(&l, LETTER_PARTITION, 0, INT32_MAX, &n));
    ck_assert_int_eq(n, 3);
    ck_assert(letter_number(&l, LETTER_OFFSET, 0, INT64_MAX, &n));
    ck_assert_int_eq(n, INT64_MAX);
    expect_field(LETTER_REASON, "crash: SIGSEGV");
    expect_field(LETTER_BACKTRACE, "");
    expect_headers(letter_original(&l, headers, NULL), "trace=7");
}
END_TEST

START_TEST(test_letter_nothing)
{
    char topic[LETTER_TOPIC_MAX + 1];
    int64_t n;
    letter_read(&l, NULL);
    ck_assert(!letter_topic(&l, topic));
    ck_assert(!letter_number(&l, LETTER_OFFSET, 0, INT64_MAX, &n));
    expect_field(LETTER_TASK, "");
    expect_headers(letter_original(&l, NULL, NULL), "");
}
END_TEST

/* A record that was read from a dead-letter topic and died again: what was there before is its own. */
START_TEST(test_letter_of_a_letter)
{
    add("trace", "7");
    add_letter("logs", "crash: SIGSEGV");
    add("headrace.backtrace", "a < b");
    add_letter("logs.dlq", "exit: 3");
    letter_read(&l, headers);
    expect_field(LETTER_TOPIC, "logs.dlq");
    expect_field(LETTER_REASON, "exit: 3");
    expect_field(LETTER_BACKTRACE, "");
    expect_headers(
        letter_original(&l, headers, NULL),
        "trace=7 headrace.topic=logs headrace.partition=3 headrace.offset=9223372036854775807 "
        "headrace.timestamp=1700000000000 headrace.group=logs.process_logs headrace.task=process_logs "
        "headrace.reason=crash: SIGSEGV headrace.attempts=5 headrace.backtrace=a < b");
}
END_TEST

START_TEST(test_letter_for_a_group)
{
    struct bytes group = {"billing", 7};
    add("headrace.for", "billing");
    add("empty", "");
    rd_kafka_header_add(headers, "null", -1, NULL, 0);
    add_letter("logs", "exit: 3");
    letter_read(&l, headers);
    expect_headers(letter_original(&l, headers, &group), "empty= null=(null) headrace.for=billing");
    expect_headers(letter_original(&l, headers, NULL), "headrace.for=billing empty= null=(null)");
}
END_TEST

START_TEST(test_letter_odd)
{
    static const char *const numbers[] = {
        "", "x", "3x", " 3", "-1", "2147483648", "99999999999999999999999999999999999"};
    static const char *const topics[] = {"", ".", "..", "a b", "a/b", "t\xc3\xb6pic"};
    char topic[LETTER_TOPIC_MAX + 1], longest[LETTER_TOPIC_MAX + 2];
    int64_t n;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        add("headrace.partition", numbers[i]);
        letter_read(&l, headers);
        ck_assert_msg(!letter_number(&l, LETTER_PARTITION, 0, INT32_MAX, &n), "'%s' is no number",
                      numbers[i]);
    }
    rd_kafka_header_add(headers, "headrace.partition", -1, "3\0x", 3);
    letter_read(&l, headers);
    ck_assert(!letter_number(&l, LETTER_PARTITION, 0, INT32_MAX, &n));
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        add("headrace.topic", topics[i]);
        letter_read(&l, headers);
        ck_assert_msg(!letter_topic(&l, topic), "'%s' is no topic", topics[i]);
    }
    memset(longest, 'x', sizeof longest);
    ck_assert(letter_topic_name(longest, LETTER_TOPIC_MAX));
    ck_assert(!letter_topic_name(longest, LETTER_TOPIC_MAX + 1));
    ck_assert(letter_topic_name("...", 3));
}
END_TEST

START_TEST(test_place)
{
    static const char *const wrong[] = {"",    ":",    "0",    "0:",           ":1",  "0:1:2",
                                        "0:x", "-1:0", "0:-1", "2147483648:0", "0: 1"};
    struct reader_place place;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!reader_place_read(wrong[i], &place), "'%s' is no place", wrong[i]);
    ck_assert(reader_place_read("7:9223372036854775807", &place));
    ck_assert_int_eq(place.partition, 7);
    ck_assert_int_eq(place.offset, INT64_MAX);
}
END_TEST

/* ---- bytes ---- */

static const struct {
    const char *data;
    size_t size;
    bool text;
    const char *line;
} cases[] = {
    {"", 0, true, ""},
    {"plain", 5, true, "plain"},
    {"two\nlines\t", 10, true, "two?lines?"},
    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15, true,
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"nul\0nul", 7, false, "nul?nul"},
    {"esc\033[2J", 7, false, "esc?[2J"},
    {"\x7f", 1, false, "?"},
    {"\xc2\x9b"
     "31m",
     5, false, "?31m"}, /* an order of one character */
    {"a\xe2\x80\xae"
     "b",
     5, false, "a?b"},            /* turns the direction around */
    {"\xc0\x80", 2, false, "??"}, /* too long a form */
    {"\xe0\x80\x80", 3, false, "???"},
    {"\xed\xa0\x80", 3, false, "???"},      /* half of a pair */
    {"\xf4\x90\x80\x80", 4, false, "????"}, /* behind the last character */
    {"cut \xe2\x82", 6, false, "cut ??"},
    {"\xff\xfe", 2, false, "??"},
};

START_TEST(test_bytes_text)
{
    struct bytes b = {cases[_i].data, cases[_i].size};
    ck_assert_int_eq(bytes_are_text(b), cases[_i].text);
    char *line = bytes_line(b);
    ck_assert_str_eq(line, cases[_i].line);
    free(line);
}
END_TEST

static void
expect_shown(struct bytes b, const char *expected)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bytes_show(b, out, 2);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_bytes_shown)
{
    expect_shown((struct bytes){NULL, 0}, "");
    expect_shown((struct bytes){"one\n\ntwo", 8}, "  one\n\n  two\n");
    expect_shown((struct bytes){"0123456789abcdef\x01", 17},
                 "  00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
                 "  00000010  01                                                |.|\n");
    char *hex = bytes_hex((struct bytes){"\x00\xff~", 3});
    ck_assert_str_eq(hex, "00ff7e");
    free(hex);
}
END_TEST

Suite *
letter_suite(void)
{
    Suite *s = suite_create("letter");
    TCase *t = tcase_create("letter");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_letter_fields);
    tcase_add_test(t, test_letter_nothing);
    tcase_add_test(t, test_letter_of_a_letter);
    tcase_add_test(t, test_letter_for_a_group);
    tcase_add_test(t, test_letter_odd);
    tcase_add_test(t, test_place);
    suite_add_tcase(s, t);
    t = tcase_create("bytes");
    tcase_add_loop_test(t, test_bytes_text, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, test_bytes_shown);
    suite_add_tcase(s, t);
    return s;
}
