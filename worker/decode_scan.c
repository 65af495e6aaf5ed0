/* decode_scan.c - the values of a JSON text, one after the other.
 *
 * Owns: nothing. Guarantees: what it takes is what jansson 2.14 takes, byte for byte; it never looks at or behind `end`.
 * Must not know: fields, structs, records. */
#include "worker/decode_scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "shared/utf8.h"

static inline bool
is_letter(unsigned char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

const char *
scan_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* ---- strings ---- */

/* plain passes over what needs no second look: all but quotes, backslashes, controls and what is not ASCII. */
static const char *
plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    for (; end - p >= 16; p += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* as signed numbers, controls and bytes from 0x80 on are both less than a blank */
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(c, quote), _mm_cmpeq_epi8(c, slash)),
                                    _mm_cmplt_epi8(c, space));
        int bits = _mm_movemask_epi8(stop);
        if (bits != 0)
            return p + __builtin_ctz((unsigned)bits);
    }
#endif
    while (p < end && (signed char)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    return p;
}

const char *
scan_string(const char *p, const char *end, struct scan_string *s)
{
    *s = (struct scan_string){.at = p};
    for (;;) {
        p = plain(p, end);
        unsigned char c = scan_at(p, end);
        if (c == '"') {
            s->size = (size_t)(p - s->at);
            return p + 1;
        }
        if (c == '\\' && end - p >= 2) {
            s->escapes = true;
            p += 2;
        } else if (c >= 0x80) {
            size_t n = utf8_length(p, (size_t)(end - p));
            if (n == 0)
                return NULL;
            p += n;
        } else {
            return NULL;
        }
    }
}

static int32_t
hex4(const char *p, const char *end)
{
    int32_t value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        int32_t digit = scan_is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *
put_utf8(char *to, int32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* unescape_unicode reads from behind the "\u"; *to is NULL where it is wrong. */
static const char *
unescape_unicode(const char *p, const char *end, char **to)
{
    int32_t c = hex4(p, end), low = -1;
    p += 4;
    if (c >= 0xd800 && c <= 0xdbff && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        low = hex4(p + 2, end);
        p += 6;
        c = low >= 0xdc00 && low <= 0xdfff ? ((c - 0xd800) << 10) + (low - 0xdc00) + 0x10000 : -1;
    } else if (c >= 0xd800 && c <= 0xdfff) {
        c = -1;
    }
    *to = c > 0 ? put_utf8(*to, c) : NULL;
    return p;
}

static char
unescaped(char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    return found ? to[found - from] : '\0';
}

char *
scan_unescape(const struct scan_string *s, char *to)
{
    const char *p = s->at, *end = p + s->size;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        if (p[1] == 'u') {
            p = unescape_unicode(p + 2, end, &to);
            if (!to)
                return NULL;
            continue;
        }
        char c = unescaped(p[1]);
        if (c == '\0')
            return NULL;
        *to++ = c;
        p += 2;
    }
    return to;
}

/* check_escapes is scan_unescape without a place to write to. */
static bool
check_escapes(const struct scan_string *s)
{
    const char *p = s->at, *end = p + s->size;
    while (p && (p = memchr(p, '\\', (size_t)(end - p)))) {
        char four[4], *to = four;
        if (p[1] == 'u') {
            p = unescape_unicode(p + 2, end, &to);
            if (!to)
                return false;
        } else if (unescaped(p[1]) == '\0') {
            return false;
        } else {
            p += 2;
        }
        if (p >= end)
            break;
    }
    return true;
}

/* ---- what is passed over ---- */

const char *
scan_word(const char *p, const char *end, const char *word, size_t size)
{
    if ((size_t)(end - p) < size || memcmp(p, word, size) != 0)
        return NULL;
    return is_letter(scan_at(p + size, end)) ? NULL : scan_behind(p + size, end);
}

static const char *
over_string(const char *p, const char *end)
{
    struct scan_string s;
    p = scan_string(p, end, &s);
    return p && (!s.escapes || check_escapes(&s)) ? p : NULL;
}

static const char *
over_scalar(const char *p, const char *end)
{
    struct scan_number n;
    switch (scan_at(p, end)) {
    case '"':
        return over_string(p + 1, end);
    case 't':
        return scan_word(p, end, "true", 4);
    case 'f':
        return scan_word(p, end, "false", 5);
    case 'n':
        return scan_word(p, end, "null", 4);
    default:
        return scan_number(p, end, &n);
    }
}

/* The arrays and objects that are open, a bit each: 1 for an object. */
struct nest {
    unsigned char objects[SCAN_DEPTH / 8];
    unsigned depth;
};

static bool
in_object(const struct nest *nest)
{
    return nest->objects[(nest->depth - 1) / 8] >> (nest->depth - 1) % 8 & 1;
}

static void
open_nest(struct nest *nest, bool object)
{
    unsigned char bit = (unsigned char)(1u << nest->depth % 8), *byte = &nest->objects[nest->depth / 8];
    *byte = object ? *byte | bit : *byte & (unsigned char)~bit;
    nest->depth++;
}

/* over_key passes over a member's name and colon, up to its value. */
static const char *
over_key(const char *p, const char *end)
{
    if (scan_at(p, end) != '"' || !(p = over_string(p + 1, end)))
        return NULL;
    p = scan_blanks(p, end);
    return scan_at(p, end) == ':' ? scan_blanks(p + 1, end) : NULL;
}

/* close_all passes over closing brackets and over a comma, up to where the next value or key begins; or, with all closed,
 * to where nothing is left. */
static const char *
close_all(const char *p, const char *end, struct nest *nest)
{
    for (; nest->depth > 0; nest->depth--, p++) {
        p = scan_blanks(p, end);
        if (scan_at(p, end) == ',')
            return scan_blanks(p + 1, end);
        if (scan_at(p, end) != (in_object(nest) ? '}' : ']'))
            return NULL;
    }
    return p;
}

const char *
scan_over(const char *p, const char *end)
{
    struct nest nest = {.depth = 0};
    do {
        if (nest.depth > 0 && in_object(&nest) && !(p = over_key(p, end)))
            return NULL;
        unsigned char c = scan_at(p, end);
        if (nest.depth + 2 > SCAN_DEPTH) /* this value stands in the outermost object, and in `depth` others */
            return NULL;
        if (c == '{' || c == '[') {
            open_nest(&nest, c == '{');
            p = scan_blanks(p + 1, end);
            if (scan_at(p, end) != (c == '{' ? '}' : ']'))
                continue;
        } else if (!(p = over_scalar(p, end))) {
            return NULL;
        }
        p = close_all(p, end, &nest);
    } while (p && nest.depth > 0);
    return p;
}
