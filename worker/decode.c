/* decode.c - JSON straight into a struct, in one pass over the bytes and without a tree.
 *
 * Owns: what it knows of the type it decoded last, and the strings of the struct it filled last.
 * Guarantees: as decode.h. A struct that is given out has every field set. Integers stay exact; an integer is taken for a
 *   real, nothing else is converted. Of a name that is given twice, the last one counts.
 * Must not know: where the text comes from; what is said of one that is refused.
 *
 * DESIGN
 * Members mostly come in the order of the fields, so the next field is tried first, and then its name is compared in place,
 * where it can only stand in one way. Strings are written behind each other into memory that the text's size bounds. */
#include "worker/decode.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/decode_scan.h"

enum found { FOUND_NOTHING, FOUND_RIGHT, FOUND_WRONG };

struct decode_name {
    const char *text;
    size_t size;
    const hr_field *field;
    bool plain; /* in JSON it can be written as it is */
};

/* One text. */
struct decoding {
    struct decoder *d;
    const char *end;
    unsigned char *out;
    char *text;  /* where the next string goes */
    size_t next; /* the field that is tried first */
};

/* ---- the type ---- */

static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

static void
make_ready(struct decoder *d, const hr_type *type)
{
    const unsigned char *field = (const unsigned char *)type->fields;
    d->names = mem_grow(d->names, type->n_fields + 1, sizeof *d->names);
    d->found = mem_grow(d->found, type->n_fields + 1, 1);
    d->names[type->n_fields] = (struct decode_name){.text = "", .plain = false};
    d->type = type;
    d->n = type->n_fields;
    d->has_twins = false;
    for (size_t i = 0; i < d->n; i++, field += type->field_size) {
        const hr_field *f = (const hr_field *)field;
        d->names[i] = (struct decode_name){.text = f->json, .size = strlen(f->json), .field = f, .plain = is_plain(f->json)};
        for (size_t j = 0; j < i; j++)
            d->has_twins |= strcmp(d->names[j].text, f->json) == 0;
    }
}

void
decode_default(const hr_field *f, unsigned char *out)
{
    switch (f->kind) {
    case HR_OPT_STRING:
        memcpy(out + f->offset, &f->text, sizeof f->text);
        break;
    case HR_OPT_REAL:
        memcpy(out + f->offset, &f->real, sizeof f->real);
        break;
    case HR_OPT_BOOL:
        *(bool *)(out + f->offset) = f->integer != 0;
        break;
    default:
        memcpy(out + f->offset, &f->integer, sizeof f->integer);
    }
}

/* ---- values ---- */

static const char *
take_string(struct decoding *g, const hr_field *f, const char *p)
{
    struct scan_string s;
    if (!(p = scan_string(p, g->end, &s)))
        return NULL;
    char *to = g->text, *behind = to + s.size;
    if (s.escapes) {
        if (!(behind = scan_unescape(&s, to)))
            return NULL;
    } else {
        memcpy(to, s.at, s.size);
    }
    *behind = '\0';
    g->text = behind + 1;
    memcpy(g->out + f->offset, &to, sizeof to);
    return p;
}

static const char *
take_number(struct decoding *g, const hr_field *f, const char *p, bool *right)
{
    struct scan_number n;
    if (!(p = scan_number(p, g->end, &n)))
        return NULL;
    if (f->kind == HR_REAL || f->kind == HR_OPT_REAL)
        memcpy(g->out + f->offset, &n.real, sizeof n.real);
    else if (n.is_real || (f->kind != HR_INT && f->kind != HR_OPT_INT))
        *right = false;
    else
        memcpy(g->out + f->offset, &n.integer, sizeof n.integer);
    return p;
}

static const char *
take_word(struct decoding *g, const hr_field *f, const char *p, bool *right)
{
    if (*p == 'n') {
        *right = decode_is_optional(f);
        if (*right)
            decode_default(f, g->out);
        return scan_word(p, g->end, "null", 4);
    }
    *right = f->kind == HR_BOOL || f->kind == HR_OPT_BOOL;
    if (*right)
        *(bool *)(g->out + f->offset) = *p == 't';
    return *p == 't' ? scan_word(p, g->end, "true", 4) : scan_word(p, g->end, "false", 5);
}

static const char *
take_value(struct decoding *g, size_t i, const char *p)
{
    const hr_field *f = g->d->names[i].field;
    bool right = true;
    switch (p < g->end ? *p : '\0') {
    case '"':
        right = f->kind == HR_STRING || f->kind == HR_OPT_STRING;
        p = right ? take_string(g, f, p + 1) : scan_over(p, g->end);
        break;
    case 't':
    case 'f':
    case 'n':
        p = take_word(g, f, p, &right);
        break;
    case '{':
    case '[':
        right = false;
        p = scan_over(p, g->end);
        break;
    default:
        p = take_number(g, f, p, &right);
    }
    g->d->found[i] = right ? FOUND_RIGHT : FOUND_WRONG;
    return p;
}

/* ---- members ---- */

/* find_name says which field has this name, n: none. */
static size_t
find_name(const struct decoding *g, const char *name, size_t size)
{
    const struct decoder *d = g->d;
    for (size_t k = 0, i = g->next; k < d->n; k++, i = i + 1 < d->n ? i + 1 : 0)
        if (d->names[i].size == size && memcmp(d->names[i].text, name, size) == 0)
            return i;
    return d->n;
}

/* take_name reads a member's name from behind its quote; *i is its field, n where none has it. */
static const char *
take_name(struct decoding *g, const char *p, size_t *i)
{
    const struct decode_name *guess = &g->d->names[g->next];
    struct scan_string s;
    if (guess->plain && (size_t)(g->end - p) > guess->size && p[guess->size] == '"' &&
        memcmp(p, guess->text, guess->size) == 0) {
        *i = g->next;
        return p + guess->size + 1;
    }
    if (!(p = scan_string(p, g->end, &s)))
        return NULL;
    if (s.escapes) {
        char *end = scan_unescape(&s, g->text); /* strings that come later overwrite it */
        if (!end)
            return NULL;
        s.at = g->text;
        s.size = (size_t)(end - g->text);
    }
    *i = find_name(g, s.at, s.size);
    return p;
}

/* take_twins gives the value to the other fields of that name, too. */
static bool
take_twins(struct decoding *g, size_t i, const char *value)
{
    const struct decoder *d = g->d;
    for (size_t j = 0; j < d->n; j++)
        if (j != i && strcmp(d->names[j].text, d->names[i].text) == 0 && !take_value(g, j, value))
            return false;
    return true;
}

static const char *
take_member(struct decoding *g, const char *p)
{
    size_t i;
    if (p == g->end || *p != '"' || !(p = take_name(g, p + 1, &i)))
        return NULL;
    p = scan_blanks(p, g->end);
    if (p == g->end || *p != ':')
        return NULL;
    p = scan_blanks(p + 1, g->end);
    if (i == g->d->n)
        return scan_over(p, g->end);
    const char *value = p;
    g->next = i + 1 < g->d->n ? i + 1 : 0;
    p = take_value(g, i, p);
    return p && g->d->has_twins && !take_twins(g, i, value) ? NULL : p;
}

static const char *
take_object(struct decoding *g, const char *p)
{
    p = scan_blanks(p, g->end);
    if (p == g->end || *p != '{')
        return NULL;
    p = scan_blanks(p + 1, g->end);
    if (p < g->end && *p == '}')
        return p + 1;
    while ((p = take_member(g, p))) {
        p = scan_blanks(p, g->end);
        if (p < g->end && *p == '}')
            return p + 1;
        if (p == g->end || *p != ',')
            return NULL;
        p = scan_blanks(p + 1, g->end);
    }
    return NULL;
}

static bool
complete(const struct decoding *g)
{
    for (size_t i = 0; i < g->d->n; i++) {
        const hr_field *f = g->d->names[i].field;
        if (g->d->found[i] == FOUND_WRONG || (g->d->found[i] == FOUND_NOTHING && !decode_is_optional(f)))
            return false;
        if (g->d->found[i] == FOUND_NOTHING)
            decode_default(f, g->out);
    }
    return true;
}

bool
decode(struct decoder *d, const hr_type *type, const char *text, size_t size, unsigned char *out)
{
    if (d->type != type)
        make_ready(d, type);
    size_t room = (size + 1) * (d->has_twins ? d->n : 1);
    if (d->room < room) {
        d->room = room;
        d->text = mem_grow(d->text, d->room, 1);
    }
    memset(d->found, FOUND_NOTHING, d->n);
    memset(out, 0, type->size);
    struct decoding g = {.d = d, .end = text + size, .out = out, .text = d->text};
    const char *p = take_object(&g, text);
    return p && scan_blanks(p, g.end) == g.end && complete(&g);
}

void
decode_clear(struct decoder *d)
{
    free(d->names);
    free(d->found);
    free(d->text);
    memset(d, 0, sizeof *d);
}
