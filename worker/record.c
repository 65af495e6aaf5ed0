/* record.c - a record as JSON and as a struct.
 *
 * Owns: the parsed JSON and the typed struct of the record that is on. Strings in the struct point into the
 * JSON. Guarantees: a struct that is given out has every field set; a value of another shape becomes a reason
 * that names the field. Integers stay exact; an integer is taken for a real, nothing else is converted. Must
 * not know: where records come from, what becomes of one that was rejected. */
#include "worker/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/text.h"

static const char *const type_names[] = {
    [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array",     [JSON_STRING] = "a string",
    [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real number", [JSON_TRUE] = "true",
    [JSON_FALSE] = "false",        [JSON_NULL] = "null",
};

static const char *const kind_names[] = {
    [HR_STRING] = "a string",    [HR_INT] = "an integer",         [HR_REAL] = "a number",
    [HR_BOOL] = "true or false", [HR_OPT_STRING] = "a string",    [HR_OPT_INT] = "an integer",
    [HR_OPT_REAL] = "a number",  [HR_OPT_BOOL] = "true or false",
};

void
record_renew(struct hr_record *record)
{
    if (record->json)
        json_decref(record->json);
    record->json = NULL;
    record->parsed = false;
    record->verdict = VERDICT_NONE;
}

void
record_close(struct hr_record *record)
{
    record_renew(record);
    free(record->typed);
    record->typed = NULL;
    record->typed_size = 0;
}

json_t *
hr_json(hr_record *record)
{
    if (!record->parsed) {
        record->parsed = true;
        if (record->view.r.value_length > 0)
            record->json =
                json_loadb(record->view.value, (size_t)record->view.r.value_length, 0, &record->error);
    }
    return record->json;
}

static bool refuse(struct hr_record *record, const char *format, ...) HR_PRINTF(2, 3);

static bool
refuse(struct hr_record *record, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_format(record->reason, sizeof record->reason, format, args);
    va_end(args);
    return false;
}

static bool
refuse_value(struct hr_record *record)
{
    if (record->view.r.value_length < 0)
        return refuse(record, "no value (a tombstone), expected a JSON object");
    if (record->view.r.value_length == 0)
        return refuse(record, "empty value, expected a JSON object");
    return refuse(record, "not JSON: %s (line %d, column %d)", record->error.text, record->error.line,
                  record->error.column);
}

static bool
is_optional(enum hr_kind kind)
{
    return kind >= HR_OPT_STRING;
}

/* put_default is for a field that the record lacks. */
static void
put_default(const hr_field *f, unsigned char *to)
{
    switch (f->kind) {
    case HR_OPT_STRING:
        memcpy(to, &f->text, sizeof f->text);
        break;
    case HR_OPT_REAL:
        memcpy(to, &f->real, sizeof f->real);
        break;
    case HR_OPT_BOOL:
        *(bool *)to = f->integer != 0;
        break;
    default:
        memcpy(to, &f->integer, sizeof f->integer);
    }
}

/* put stores a JSON value as the field's kind; false: it is of another type. */
static bool
put(const hr_field *f, unsigned char *to, const json_t *value)
{
    switch (f->kind) {
    case HR_STRING:
    case HR_OPT_STRING:
        *(const char **)to = json_string_value(value);
        return json_is_string(value);
    case HR_INT:
    case HR_OPT_INT:
        *(int64_t *)to = json_integer_value(value);
        return json_is_integer(value);
    case HR_REAL:
    case HR_OPT_REAL:
        *(double *)to = json_number_value(value);
        return json_is_number(value);
    case HR_BOOL:
    case HR_OPT_BOOL:
        *(bool *)to = json_is_true(value);
        return json_is_boolean(value);
    }
    return false;
}

static bool
decode_field(struct hr_record *record, const hr_field *f)
{
    unsigned char *to = record->typed + f->offset;
    const json_t *value = json_object_get(record->json, f->json);
    if (is_optional(f->kind) && (!value || json_is_null(value))) {
        put_default(f, to);
        return true;
    }
    if (!value)
        return refuse(record, "field \"%s\": missing, expected %s", f->json, kind_names[f->kind]);
    if (put(f, to, value))
        return true;
    return refuse(record, "field \"%s\": expected %s, found %s", f->json, kind_names[f->kind],
                  type_names[json_typeof(value)]);
}

bool
record_decode(struct hr_record *record, const hr_type *type)
{
    if (!hr_json(record))
        return refuse_value(record);
    if (!json_is_object(record->json))
        return refuse(record, "expected a JSON object, found %s", type_names[json_typeof(record->json)]);
    if (record->typed_size < type->size) {
        record->typed = mem_grow(record->typed, type->size, 1);
        record->typed_size = type->size;
    }
    memset(record->typed, 0, type->size);
    const unsigned char *field = (const unsigned char *)type->fields;
    for (size_t i = 0; i < type->n_fields; i++, field += type->field_size)
        if (!decode_field(record, (const hr_field *)field))
            return false;
    return true;
}
