/* record.c - a record as JSON and as a struct.
 *
 * Owns: the parsed JSON and the typed struct of the record that is on.
 * Guarantees: a value that is no such struct becomes a reason that names the field. hr_json is jansson's tree, made when it is
 *   first asked for. What decode.c refuses is looked at once more with that tree, which knows what is wrong, and where.
 * Must not know: where records come from, what becomes of one that was rejected. */
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
    decode_clear(&record->decoder);
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
    if (decode_is_optional(f) && (!value || json_is_null(value))) {
        decode_default(f, record->typed);
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
record_decode_tree(struct hr_record *record, const hr_type *type)
{
    if (!hr_json(record))
        return refuse_value(record);
    if (!json_is_object(record->json))
        return refuse(record, "expected a JSON object, found %s", type_names[json_typeof(record->json)]);
    memset(record->typed, 0, type->size);
    const unsigned char *field = (const unsigned char *)type->fields;
    for (size_t i = 0; i < type->n_fields; i++, field += type->field_size)
        if (!decode_field(record, (const hr_field *)field))
            return false;
    return true;
}

bool
record_decode(struct hr_record *record, const hr_type *type)
{
    if (record->typed_size < type->size) {
        record->typed = mem_grow(record->typed, type->size, 1);
        record->typed_size = type->size;
    }
    int32_t size = record->view.r.value_length;
    if (size > 0 && decode(&record->decoder, type, record->view.value, (size_t)size, record->typed))
        return true;
    return record_decode_tree(record, type);
}
