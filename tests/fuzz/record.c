/* record.c - fuzzing of typed records: any value, decoded as structs of several layouts.
 *
 * What was decoded is held against what the JSON library says of the same value; what was refused must say
 * why in a line that people can be shown. */
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"
#include "worker/record.h"

#define ALL(FIELD)                                                                                           \
    FIELD(HR_STRING, text)                                                                                   \
    FIELD(HR_INT, number, "a.number")                                                                        \
    FIELD(HR_REAL, real)                                                                                     \
    FIELD(HR_BOOL, truth)                                                                                    \
    FIELD(HR_OPT_STRING, opt_text, "opt_text", "none")                                                       \
    FIELD(HR_OPT_INT, opt_number, "opt_number", -7)                                                          \
    FIELD(HR_OPT_REAL, opt_real, "opt_real", 2.5)                                                            \
    FIELD(HR_OPT_BOOL, opt_truth, "opt_truth", true)
HR_RECORD(all, ALL);

#define OPTIONAL(FIELD)                                                                                      \
    FIELD(HR_OPT_BOOL, b)                                                                                    \
    FIELD(HR_OPT_STRING, s)                                                                                  \
    FIELD(HR_OPT_BOOL, c)                                                                                    \
    FIELD(HR_OPT_REAL, r)
HR_RECORD(optional, OPTIONAL);

#define ONE(FIELD) FIELD(HR_BOOL, b)
HR_RECORD(one, ONE);

static const hr_type *
layout(unsigned which)
{
    return which == 0 ? hr_type_of_all() : which == 1 ? hr_type_of_optional() : hr_type_of_one();
}

static void
check_field(const hr_field *f, const unsigned char *at, const json_t *value)
{
    bool given = value && !json_is_null(value);
    switch (f->kind) {
    case HR_STRING:
    case HR_OPT_STRING:
        MUST(!given || json_is_string(value), "%s", f->json);
        MUST(given ? strcmp(*(const char *const *)at, json_string_value(value)) == 0 : *(const char *const *)at == f->text, "%s",
             f->json);
        break;
    case HR_INT:
    case HR_OPT_INT:
        MUST(*(const int64_t *)at == (given ? json_integer_value(value) : f->integer), "%s", f->json);
        MUST(!given || json_is_integer(value), "%s", f->json);
        break;
    case HR_REAL:
    case HR_OPT_REAL:
        MUST(*(const double *)at == (given ? json_number_value(value) : f->real), "%s", f->json);
        MUST(!given || json_is_number(value), "%s", f->json);
        break;
    default:
        MUST(*(const unsigned char *)at == (given ? json_is_true(value) : f->integer), "%s", f->json);
        MUST(!given || json_is_boolean(value), "%s", f->json);
    }
}

static bool
taken_in_one_pass(struct hr_record *record, const hr_type *type)
{
    int32_t size = record->view.r.value_length;
    return size > 0 && decode(&record->decoder, type, record->view.value, (size_t)size, record->typed);
}

static void
check(struct hr_record *record, const hr_type *type)
{
    bool taken = record_decode(record, type);
    MUST(taken == taken_in_one_pass(record, type), "decode.c says otherwise");
    if (!taken) {
        size_t n = strnlen(record->reason, sizeof record->reason);
        MUST(n > 0 && n < sizeof record->reason, "a reason of %zu bytes", n);
        terminal_must_be_plain("the reason", record->reason, n, 0);
        return;
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        const hr_field *f = &type->fields[i];
        const json_t *value = json_object_get(hr_json(record), f->json);
        MUST(f->kind >= HR_OPT_STRING || value, "%s is missing", f->json);
        check_field(f, record->typed + f->offset, value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct hr_record record = {0}; /* the same for all: the struct grows, and shrinks again */
    unsigned first = input_byte(&in);
    size_t n;
    const uint8_t *bytes = input_take(&in, size, &n);
    char *value = malloc(n > 0 ? n : 1); /* nothing behind it is looked at */
    memcpy(value, bytes, n);
    record.view.value = first == 255 ? NULL : value;
    record.view.r.value_length = first == 255 ? -1 : (int32_t)n;
    for (unsigned i = 0; i < 3; i++) {
        check(&record, layout((first + i) % 3));
        if (first & 0x40)
            record_renew(&record);
    }
    record_close(&record);
    free(value);
    return 0;
}
