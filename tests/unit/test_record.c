/* test_record.c - typed records: what is taken, what is refused, and what people read then. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "worker/record.h"
#include "worker/text.h"
#include "worker/verdict.h"

Suite *record_suite(void);

#define EVERYTHING(FIELD)                                                                                    \
    FIELD(HR_STRING, text)                                                                                   \
    FIELD(HR_INT, number, "a.number")                                                                        \
    FIELD(HR_REAL, real)                                                                                     \
    FIELD(HR_BOOL, truth)                                                                                    \
    FIELD(HR_OPT_STRING, opt_text)                                                                           \
    FIELD(HR_OPT_INT, opt_number, "opt_number", -7)                                                          \
    FIELD(HR_OPT_REAL, opt_real, "opt_real", 2.5)                                                            \
    FIELD(HR_OPT_BOOL, opt_truth, "opt_truth", true)                                                         \
    FIELD(HR_OPT_INT, opt_plain)
HR_RECORD(everything, EVERYTHING);

static hr_record record;

/* decode decodes a value; NULL if it was refused. */
static const everything *
decode_bytes(const char *value, int32_t length)
{
    record_renew(&record);
    record.view.value = value;
    record.view.r.value_length = length;
    return record_decode(&record, hr_type_of_everything()) ? (const everything *)record.typed : NULL;
}

static const everything *
decoded(const char *value)
{
    return decode_bytes(value, (int32_t)strlen(value));
}

static void
refused(const char *value, const char *reason)
{
    ck_assert_ptr_null(decoded(value));
    ck_assert_str_eq(record.reason, reason);
}

#define REST "\"a.number\": 5, \"real\": 1.5, \"truth\": true"

START_TEST(test_every_kind_is_taken)
{
    const everything *e =
        decoded("{\"text\": \"a\\u00e9b\", \"a.number\": -9223372036854775808, \"real\": 0.25, "
               "\"truth\": false, \"opt_text\": \"\", \"opt_number\": 9007199254740993, "
               "\"opt_real\": 3, \"opt_truth\": false, \"opt_plain\": 1, \"ignored\": [{}]}");
    ck_assert_msg(e != NULL, "%s", record.reason);
    ck_assert_str_eq(e->text, "a\303\251b");
    ck_assert_int_eq(e->number, INT64_MIN);
    ck_assert_double_eq(e->real, 0.25);
    ck_assert_int_eq(e->truth, false);
    ck_assert_str_eq(e->opt_text, "");
    ck_assert_int_eq(e->opt_number, 9007199254740993); /* more than a double holds */
    ck_assert_double_eq(e->opt_real, 3.0);
    ck_assert_int_eq(e->opt_truth, false);
    ck_assert_int_eq(e->opt_plain, 1);
}
END_TEST

static void
check_defaults(const everything *e)
{
    ck_assert_msg(e != NULL, "%s", record.reason);
    ck_assert_ptr_null(e->opt_text);
    ck_assert_int_eq(e->opt_number, -7);
    ck_assert_double_eq(e->opt_real, 2.5);
    ck_assert_int_eq(e->opt_truth, true);
    ck_assert_int_eq(e->opt_plain, 0);
}

START_TEST(test_missing_and_null_take_the_default)
{
    check_defaults(decoded("{\"text\": \"\", " REST "}"));
    check_defaults(decoded("{\"text\": \"\", " REST
                          ", \"opt_text\": null, \"opt_number\": null, \"opt_real\": null, "
                          "\"opt_truth\": null, \"opt_plain\": null}"));
}
END_TEST

START_TEST(test_reasons_name_the_field)
{
    refused("{" REST "}", "field \"text\": missing, expected a string");
    refused("{\"text\": null, " REST "}", "field \"text\": expected a string, found null");
    refused("{\"text\": 3, " REST "}", "field \"text\": expected a string, found an integer");
    refused("{\"text\": \"\"}", "field \"a.number\": missing, expected an integer");
    refused("{\"text\": \"\", \"a.number\": 5.0}",
            "field \"a.number\": expected an integer, found a real number");
    refused("{\"text\": \"\", \"a.number\": 5, \"real\": {}}",
            "field \"real\": expected a number, found an object");
    refused("{\"text\": \"\", \"a.number\": 5, \"real\": 5, \"truth\": 1}",
            "field \"truth\": expected true or false, found an integer");
    refused("{\"text\": \"\", " REST ", \"opt_number\": \"7\"}",
            "field \"opt_number\": expected an integer, found a string");
    refused("{\"text\": \"\", " REST ", \"opt_truth\": []}",
            "field \"opt_truth\": expected true or false, found an array");
}
END_TEST

START_TEST(test_what_is_no_object_is_refused)
{
    ck_assert_ptr_null(decode_bytes(NULL, -1));
    ck_assert_str_eq(record.reason, "no value (a tombstone), expected a JSON object");
    ck_assert_ptr_null(hr_json(&record));
    refused("", "empty value, expected a JSON object");
    refused("[1]", "expected a JSON object, found an array");
    refused("hello", "not JSON: '[' or '{' expected near 'hello' (line 1, column 5)");
    refused("{\"text\": \"\xff\"}", "not JSON: unable to decode byte 0xff near '\"' (line 1, column 10)");
    refused("{} {}", "not JSON: end of file expected near '{' (line 1, column 4)");
    refused("{\"text\": 99999999999999999999}",
            "not JSON: too big integer near '99999999999999999999' (line 1, column 29)");
    ck_assert_ptr_null(decode_bytes("{\"a\": \"\0\"}", 10));
    ck_assert_ptr_null(decode_bytes("{\"text\": \"a\\u0000b\"}", 20));
}
END_TEST

START_TEST(test_a_large_value)
{
    size_t length = 10 << 20;
    char *value = malloc(length + 1);
    int head = sprintf(value, "{\"text\": \"");
    memset(value + head, 'x', length - (size_t)head);
    sprintf(value + length - 100, "\", " REST "}");
    const everything *e = decoded(value);
    ck_assert_msg(e != NULL, "%s", record.reason);
    ck_assert_uint_eq(strlen(e->text), length - 100 - (size_t)head);
    memset(value, '[', length); /* deeper than a parser may follow */
    ck_assert_ptr_null(decoded(value));
    free(value);
}
END_TEST

/* ---- random documents against a model ---- */

static uint64_t random_state;

static unsigned
random_below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % n);
}

static const struct {
    const char *text, *found;
} values[] = {
    {NULL, "missing"},        {"\"s\"", "a string"}, {"12", "an integer"},
    {"1.5", "a real number"}, {"true", "true"},      {"false", "false"},
    {"null", "null"},         {"[]", "an array"},    {"{}", "an object"},
};
enum { N_VALUES = sizeof values / sizeof values[0] };

/* accepts says whether a field of that kind takes values[v]. */
static bool
accepts(enum hr_kind kind, unsigned v)
{
    switch (kind) {
    case HR_STRING:
        return v == 1;
    case HR_INT:
        return v == 2;
    case HR_REAL:
        return v == 2 || v == 3;
    case HR_BOOL:
        return v == 4 || v == 5;
    default:
        return v == 0 || v == 6 || accepts((enum hr_kind)(kind - HR_OPT_STRING), v);
    }
}

static void
check_random_document(void)
{
    const hr_type *type = hr_type_of_everything();
    char document[1024] = "{\"x\": 1", wrong[64] = "";
    const char *found = NULL;
    for (size_t i = 0; i < type->n_fields; i++) {
        const hr_field *f = &type->fields[i];
        unsigned v = random_below(20), at = (unsigned)strlen(document);
        while (v >= N_VALUES || (random_below(12) && !accepts(f->kind, v)))
            v = random_below(N_VALUES);
        if (values[v].text)
            snprintf(document + at, sizeof document - at, ", \"%s\": %s", f->json, values[v].text);
        if (!accepts(f->kind, v) && !found) {
            found = values[v].found;
            snprintf(wrong, sizeof wrong, "field \"%s\":", f->json);
        }
    }
    strcat(document, "}");
    const everything *e = decoded(document);
    if (!found) {
        ck_assert_msg(e != NULL, "%s: %s", document, record.reason);
        return;
    }
    ck_assert_msg(e == NULL, "%s: taken in spite of %s %s", document, wrong, found);
    ck_assert_msg(strncmp(record.reason, wrong, strlen(wrong)) == 0, "%s: %s", document, record.reason);
    ck_assert_msg(strstr(record.reason, found) != NULL, "%s: %s, not %s", document, record.reason, found);
}

START_TEST(test_random_documents)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("record: HEADRACE_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    random_state = seed * 2 + 1;
    for (int i = 0; i < 20000; i++)
        check_random_document();
}
END_TEST

/* ---- verdicts and their texts ---- */

START_TEST(test_last_fail_counts_and_reject_wins)
{
    record_renew(&record);
    hr_fail(&record, "first %d", 1);
    hr_fail(&record, "second %d", 2);
    ck_assert_int_eq(record.verdict, VERDICT_FAILED);
    ck_assert_str_eq(record.reason, "second 2");
    hr_reject(&record, "never");
    hr_fail(&record, "third");
    ck_assert_int_eq(record.verdict, VERDICT_REJECTED);
    ck_assert_str_eq(record.reason, "never");
    ck_assert_int_eq(verdict_kind(record.verdict), FAILURE_REJECTED);
    hr_fail(NULL, "no record: a warning"); /* and not a crash */
    hr_reject(NULL, "the same");
}
END_TEST

START_TEST(test_reason_is_one_line_of_utf8)
{
    char out[REASON_MAX];
    text_line(out, sizeof out,
              "a\nb\tc\x7f"
              "d");
    ck_assert_str_eq(out, "a b c d");
    text_line(out, sizeof out, "\xff|\xc3\xa9|\xc3|\xed\xa0\x80|\xf0\x9f\x98\x80|\xe2\x82");
    ck_assert_str_eq(out, "?|\xc3\xa9|?|???|\xf0\x9f\x98\x80|??");
    text_line(out, 5, "abc\xc3\xa9");
    ck_assert_str_eq(out, "abc");
    text_line(out, 6, "abc\xc3\xa9");
    ck_assert_str_eq(out, "abc\xc3\xa9");
}
END_TEST

START_TEST(test_long_reason_is_cut_between_characters)
{
    char text[3000] = "";
    for (size_t i = 0; i < 900; i++)
        memcpy(text + 3 * i, "\xe2\x82\xac", 4);
    record_renew(&record);
    hr_fail(&record, "%s", text);
    ck_assert_uint_eq(strlen(record.reason), (REASON_MAX - 1) / 3 * 3);
    ck_assert_int_eq(strncmp(record.reason, text, strlen(record.reason)), 0);
}
END_TEST

static void
close_record(void)
{
    record_close(&record);
}

Suite *
record_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *c = tcase_create("record");
    tcase_add_checked_fixture(c, NULL, close_record);
    tcase_add_test(c, test_every_kind_is_taken);
    tcase_add_test(c, test_missing_and_null_take_the_default);
    tcase_add_test(c, test_reasons_name_the_field);
    tcase_add_test(c, test_what_is_no_object_is_refused);
    tcase_add_test(c, test_a_large_value);
    tcase_add_test(c, test_random_documents);
    tcase_add_test(c, test_last_fail_counts_and_reject_wins);
    tcase_add_test(c, test_reason_is_one_line_of_utf8);
    tcase_add_test(c, test_long_reason_is_cut_between_characters);
    suite_add_tcase(suite, c);
    return suite;
}
