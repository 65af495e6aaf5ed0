/* decode_scan.h - the values of a JSON text, one after the other: what decode.c is made with.
 *
 * Each function takes the place where something begins, and returns the place behind it; NULL: it is not JSON. Pure. */
#ifndef WORKER_DECODE_SCAN_H
#define WORKER_DECODE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH 2048 /* of values within values, as jansson has it */

struct scan_number {
    bool is_real;
    int64_t integer;
    double real; /* set in either case */
};

/* A string as it stands in the text, without its quotes. */
struct scan_string {
    const char *at;
    size_t size;
    bool escapes;
};

const char *scan_blanks(const char *p, const char *end);
/* scan_string wants the place behind the opening quote. Its escapes are not looked at: scan_unescape does that. */
const char *scan_string(const char *p, const char *end, struct scan_string *s);
/* scan_unescape writes a string out (never longer than it stood there) and returns its end; NULL: an escape is wrong, or
 * is that of a NUL, which jansson takes nowhere. */
char *scan_unescape(const struct scan_string *s, char *to);
const char *scan_number(const char *p, const char *end, struct scan_number *n);
/* scan_word is behind the word where it stands there; NULL where another one does. */
const char *scan_word(const char *p, const char *end, const char *word, size_t size);
/* scan_over passes over a value of a member of the outermost object, whatever it is. */
const char *scan_over(const char *p, const char *end);

/* scan_at is the character there; the end looks like a NUL, which JSON has nowhere. */
static inline unsigned char
scan_at(const char *p, const char *end)
{
    return p < end ? (unsigned char)*p : 0;
}

static inline bool
scan_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* scan_behind is for what ends where something else begins, a number or a word: jansson looks at one character more, puts it back,
 * and never sees it again where it was a NUL. */
static inline const char *
scan_behind(const char *p, const char *end)
{
    return p + (p < end && *p == '\0');
}

#endif
