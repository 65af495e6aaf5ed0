/* test_decode.c - typed records in one pass, held against jansson's tree: the same are taken, with the same values.
 *
 * Texts are made at random: mostly objects that have some of the fields, then spoiled a little, or not. A seed makes all of
 * them (HEADRACE_SEED); DECODE_TEXTS says how many (200000). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"
#include "worker/record.h"

Suite *decode_suite(void);

#define TEXT_MAX 4096

#define ALL(FIELD)                                                                                           \
    FIELD(HR_STRING, text)                                                                                   \
    FIELD(HR_INT, number, "a.number")                                                                        \
    FIELD(HR_REAL, real)                                                                                     \
    FIELD(HR_BOOL, truth)                                                                                    \
    FIELD(HR_OPT_STRING, opt_text, "opt_text", "none")                                                       \
    FIELD(HR_OPT_INT, opt_number, "opt_number", -7)                                                          \
    FIELD(HR_OPT_REAL, opt_real, "\303\251\"\\", 2.5)                                                        \
    FIELD(HR_OPT_BOOL, opt_truth, "opt_truth", true)
HR_RECORD(all, ALL);

/* Two fields of one name, and one whose name no JSON text can have. */
#define TWINS(FIELD)                                                                                         \
    FIELD(HR_OPT_INT, number, "a.number", 1)                                                                 \
    FIELD(HR_OPT_REAL, as_real, "a.number", 2)                                                               \
    FIELD(HR_OPT_STRING, text, "text", "")                                                                   \
    FIELD(HR_OPT_STRING, again, "text", "")                                                                  \
    FIELD(HR_OPT_STRING, never, "\377", "")
HR_RECORD(twins, TWINS);

#define ONE(FIELD) FIELD(HR_OPT_REAL, real)
HR_RECORD(one, ONE);

/* ---- texts ---- */

static char text[TEXT_MAX + 64];
static size_t size;

static void
add(const char *what)
{
    size_t n = strlen(what);
    if (size + n <= TEXT_MAX) {
        memcpy(text + size, what, n);
        size += n;
    }
}

#define ONE_OF(list) (list)[random_below(sizeof(list) / sizeof(list)[0])]

static void
add_blanks(void)
{
    static const char *const blanks[] = {" ", "\n", "\t", "\r", "  "};
    while (random_once_in(4))
        add(ONE_OF(blanks));
}

static void
add_string(void)
{
    static const char *const parts[] = {
        "a", "severity", "0123456789abcdefghijklmnopqrstuvwxyz", " ", "\303\251", "\342\202\254", "\360\237\230\200",
        "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\uFFFF", "\177"};
    static const char *const odd[] = {"\\u0000", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\x", "\\u12", "\n", "\001", "\300\200",
                                      "\355\240\200", "\364\220\200\200", "\342\202", "\200", "\\ud83d\\ud83d", "\\",
                                      "\370\210\200\200\200", "\\uD83d\\", "\\u+123"};
    add("\"");
    while (!random_once_in(3))
        add(random_once_in(30) ? ONE_OF(odd) : ONE_OF(parts));
    add("\"");
}

static void
add_number(void)
{
    static const char *const numbers[] = {
        "0", "-0", "1", "-1", "12", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "-9223372036854775809", "999999999999999999", "1000000000000000000", "99999999999999999999", "0.0", "-0.0", "1.5",
        "-2.25e3", "1e5", "1E+5", "1e-5", "1e22", "1e23", "9007199254740993.0", "123456789012345678.5", "1e308", "1e309",
        "-1e309", "4.9e-324", "1e-400", "0e999999999999", "0.1", "0.30000000000000004", "179769313486231580793728971405301e276",
        "2.2250738585072011e-308", "0.000000000000000000000000000000000000001", "100000000000000000000000.0"};
    static const char *const odd[] = {"01", "-", "1.", ".5", "1e", "1e+", "+1", "-01", "1.e5", "0x10", "1.5.5", "--1", "1a", "Infinity", "NaN"};
    if (random_once_in(15)) {
        add(ONE_OF(odd));
    } else if (random_once_in(2)) {
        add(ONE_OF(numbers));
    } else {
        char some[80];
        int n = sprintf(some, "%s%u", random_once_in(3) ? "-" : "", random_below(random_once_in(2) ? 100 : 4000000000u));
        while (random_once_in(2) && n < 50)
            n += sprintf(some + n, "%u", 1 + random_below(4000000000u - 1));
        if (random_once_in(3))
            n += sprintf(some + n, ".%u", random_below(1000000));
        if (random_once_in(4))
            sprintf(some + n, "e%d", (int)random_below(700) - 350);
        add(some);
    }
}

static void add_value(unsigned depth);

static void
add_name(void)
{
    static const char *const names[] = {"\"text\"", "\"a.number\"", "\"real\"", "\"truth\"", "\"opt_text\"", "\"opt_number\"",
                                        "\"\303\251\\\"\\\\\"", "\"opt_truth\"", "\"t\\u0065xt\"", "\"rea\\u006C\"", "\"tex\"", "\"texts\"", "\"\"", "\"a\\u0000\""};
    if (random_once_in(12))
        add_string();
    else
        add(ONE_OF(names));
}

static void
add_member(unsigned depth)
{
    add_name();
    add_blanks();
    add(":");
    add_blanks();
    add_value(depth);
    add_blanks();
}

static void
add_container(unsigned depth, bool object)
{
    add(object ? "{" : "[");
    add_blanks();
    for (uint32_t n = random_below(4); n > 0; n--) {
        if (object)
            add_member(depth + 1);
        else
            add_value(depth + 1);
        if (n > 1 || random_once_in(40))
            add(",");
        add_blanks();
    }
    add(object ? "}" : "]");
}

static void
add_value(unsigned depth)
{
    static const char *const words[] = {"true", "false", "null", "null", "truex", "nul", "True", "trueé"};
    switch (random_below(depth < 6 ? 8 : 5)) {
    case 0:
    case 1:
        add_string();
        break;
    case 2:
    case 3:
        add_number();
        break;
    case 4:
        add(random_once_in(20) ? ONE_OF(words) : words[random_below(3)]);
        break;
    case 5:
        add_container(depth, false);
        break;
    case 6:
        add_container(depth, true);
        break;
    default:
        add_string();
    }
}

/* add_right is a value of the kind that the field of this name wants. */
static void
add_right(unsigned field)
{
    static const char *const truths[] = {"true", "false"};
    if (field % 4 == 0)
        add_string();
    else if (field % 4 == 1)
        add(random_once_in(2) ? "17" : "-123456789");
    else if (field % 4 == 2)
        add_number();
    else
        add(ONE_OF(truths));
}

static void
make_object(void)
{
    static const char *const names[] = {"text", "a.number", "real", "truth", "opt_text", "opt_number", "\303\251\\\"\\\\", "opt_truth"};
    add_blanks();
    add("{");
    for (unsigned i = 0, first = 1; i < 8; i++) {
        if (random_once_in(i < 4 ? 30 : 3))
            continue;
        if (!first)
            add(",");
        first = 0;
        add_blanks();
        add("\"");
        add(names[i]);
        add("\":");
        add_blanks();
        if (random_once_in(20))
            add_value(0);
        else
            add_right(i);
        if (random_once_in(6)) {
            add(",");
            add_member(0);
        }
    }
    add("}");
    add_blanks();
}

/* Into the text: a byte changed, one taken out, one put in; or its end cut off. */
static void
spoil(void)
{
    size_t where = size > 0 ? random_below((uint32_t)size) : 0;
    switch (size == 0 ? 3 : random_below(4)) {
    case 0:
        text[where] = (char)random_below(256);
        break;
    case 1:
        memmove(text + where, text + where + 1, --size - where);
        break;
    case 2:
        memmove(text + where + 1, text + where, size++ - where);
        text[where] = "{}[]\",:\\ 0e-.tn"[random_below(15)];
        break;
    default:
        size = where;
    }
}

static void
make_deep(void)
{
    uint32_t depth = 2040 + random_below(12);
    bool object = random_once_in(2);
    add("{\"truth\":");
    for (uint32_t i = 0; i < depth; i++)
        add("[");
    if (object)
        add("1");
    for (uint32_t i = 0; i < depth; i++)
        add("]");
    add("}");
}

static void
make_text(void)
{
    size = 0;
    switch (random_below(20)) {
    case 0:
        add_value(0);
        break;
    case 1:
        add_container(0, true);
        break;
    default:
        make_object();
    }
    while (random_once_in(4))
        spoil();
}

/* ---- both ---- */

static struct hr_record record;
static unsigned char fast[512], tree[512];

static const char *
shown(void)
{
    static char escaped[4 * sizeof text];
    char *to = escaped;
    for (size_t i = 0; i < size; i++)
        to += sprintf(to, text[i] >= ' ' && text[i] < 127 ? "%c" : "<%02x>", (unsigned char)text[i]);
    return escaped;
}

static void
compare_field(const hr_field *f)
{
    const unsigned char *a = fast + f->offset, *b = tree + f->offset;
    const char *s = *(const char *const *)a, *t = *(const char *const *)b;
    switch (f->kind) {
    case HR_STRING:
    case HR_OPT_STRING:
        ck_assert_msg(strcmp(s, t) == 0, "%s: \"%s\" and \"%s\" of %s", f->json, s, t, shown());
        break;
    case HR_BOOL:
    case HR_OPT_BOOL:
        ck_assert_msg(*a == *b, "%s: %d and %d of %s", f->json, *a, *b, shown());
        break;
    default: /* -0.0 is not 0.0 */
        ck_assert_msg(memcmp(a, b, 8) == 0, "%s: %.17g (%lld) and %.17g (%lld) of %s", f->json, *(const double *)a,
                      *(const long long *)a, *(const double *)b, *(const long long *)b, shown());
    }
}

/* compare decodes the text in both ways; true: it was taken. */
static bool
compare(const hr_type *type)
{

    char *exact = malloc(size > 0 ? size : 1); /* so that a step too far is seen */
    memcpy(exact, text, size);
    record_renew(&record);
    record.view.value = exact;
    record.view.r.value_length = (int32_t)size;
    bool taken = decode(&record.decoder, type, exact, size, fast);
    record.typed = tree;
    record.typed_size = sizeof tree;
    bool by_tree = record_decode_tree(&record, type);
    ck_assert_msg(taken == by_tree, "%s by decode, by the tree %s: %s", taken ? "taken" : "refused",
                  by_tree ? "taken" : record.reason, shown());
    const unsigned char *field = (const unsigned char *)type->fields;
    for (size_t i = 0; taken && i < type->n_fields; i++, field += type->field_size)
        compare_field((const hr_field *)field);
    free(exact);
    return taken;
}

static void
end_comparing(void)
{
    record_renew(&record);
    decode_clear(&record.decoder);
}

START_TEST(test_decode_as_the_tree)
{
    static const hr_type *(*const types[])(void) = {hr_type_of_all, hr_type_of_all, hr_type_of_all, hr_type_of_twins, hr_type_of_one};
    const char *given = getenv("DECODE_TEXTS");
    long n = given ? atol(given) : 200000, taken = 0;
    random_start("decode");
    for (long i = 0; i < n; i++) {
        make_text();
        taken += compare(types[random_below(5)]());
    }
    printf("decode: %ld texts, %ld of them taken, no difference\n", n, taken);
    ck_assert_int_gt(taken, n / 5);
    ck_assert_int_lt(taken, n * 4 / 5);
    end_comparing();
}
END_TEST

START_TEST(test_decode_depth)
{
    random_start("decode depth");
    int taken = 0;
    for (int i = 0; i < 100; i++) {
        size = 0;
        make_deep();
        taken += compare(hr_type_of_one());
    }
    ck_assert_int_gt(taken, 10);
    ck_assert_int_lt(taken, 90);
    end_comparing();
}
END_TEST

/* Every text of up to three of the characters that mean something, in a value's place. */
START_TEST(test_decode_short_values)
{
    static const char letters[] = "{}[]\",:\\ 01e-+.tnu\n\177\200\303";
    size_t n = sizeof letters - 1;
    for (size_t i = 0; i < n * n * n * n; i++) {
        char some[8] = {letters[i % n], letters[i / n % n], letters[i / n / n % n], letters[i / n / n / n]};
        size = 0;
        add("{\"real\":");
        add(some);
        add("}");
        compare(hr_type_of_one());
    }
    end_comparing();
}
END_TEST

Suite *
decode_suite(void)
{
    Suite *suite = suite_create("decode");
    TCase *tc = tcase_create("decode");
    tcase_set_timeout(tc, 1200);
    tcase_add_test(tc, test_decode_as_the_tree);
    tcase_add_test(tc, test_decode_depth);
    tcase_add_test(tc, test_decode_short_values);
    suite_add_tcase(suite, tc);
    return suite;
}
