/* decode.h - JSON straight into a struct, in one pass over the bytes and without a tree.
 *
 * Pure: memory is all it has to do with. It takes exactly what jansson takes (json_loadb without flags; depth, escapes,
 * duplicate keys, numbers, UTF-8), and yields what jansson's tree would. What it does not take it does not explain: that is
 * for who has the time. */
#ifndef WORKER_DECODE_H
#define WORKER_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/headrace.h"

/* A type made ready, and the memory of the strings decoded last. All zero at first. */
struct decoder {
    const hr_type *type; /* that it is ready for */
    struct decode_name *names;
    size_t n;
    bool has_twins;       /* two fields have the same name in JSON */
    unsigned char *found; /* of each field, enum found */
    char *text;           /* the strings of the struct */
    size_t room;
};

/* decode fills `out` (type->size bytes) from a JSON text. Its strings stand in the decoder until the next call. False: the
 * text is not JSON, or not an object with these fields; `out` is anything then. */
bool decode(struct decoder *d, const hr_type *type, const char *text, size_t size, unsigned char *out);
/* decode_default puts what an optional field has where it is not given. */
void decode_default(const hr_field *f, unsigned char *out);
void decode_clear(struct decoder *d);

static inline bool
decode_is_optional(const hr_field *f)
{
    return f->kind >= HR_OPT_STRING;
}

#endif
