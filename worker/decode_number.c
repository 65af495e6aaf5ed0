/* decode_number.c - the numbers of a JSON text.
 *
 * Owns: a locale. Guarantees: integers are exact or refused; reals are those that strtod yields in the C locale, and what it
 * calls infinite is refused. Must not know: what the numbers are for. */
#include "worker/decode_scan.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* from_text is for what cannot be computed exactly below: as strtod in the C locale, whatever the program's is. */
static bool
from_text(const char *p, size_t size, double *out)
{
    static locale_t c_locale;
    char few[64], *copy = size < sizeof few ? few : malloc(size + 1);
    if (c_locale == (locale_t)0)
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!copy || c_locale == (locale_t)0)
        return false;
    memcpy(copy, p, size);
    copy[size] = '\0';
    *out = strtod_l(copy, NULL, c_locale);
    if (copy != few)
        free(copy);
    return *out != HUGE_VAL && *out != -HUGE_VAL;
}

/* A number's digits, as far as they fit: `rest` counts those that did not. */
struct digits {
    uint64_t value;
    unsigned n, rest;
};

static const char *
take_digits(const char *p, const char *end, struct digits *d)
{
    for (; scan_is_digit(scan_at(p, end)); p++) {
        if (d->n >= 18)
            d->rest++;
        else if (d->value != 0 || *p != '0') /* leading zeros count for nothing */
            d->value = d->value * 10 + (uint64_t)(*p - '0'), d->n++;
    }
    return p;
}

static bool
to_integer(const char *p, bool negative, const struct digits *d, struct scan_number *n)
{
    n->integer = (int64_t)d->value;
    if (d->rest > 1)
        return false;
    if (d->rest == 1) { /* 19 digits: it may fit */
        uint64_t last = (uint64_t)(p[-1] - '0'), most = (uint64_t)INT64_MAX + negative;
        if (d->value > (most - last) / 10)
            return false;
        uint64_t value = d->value * 10 + last;
        n->integer = (int64_t)(negative ? 0 - value : value);
    } else if (negative) {
        n->integer = -n->integer;
    }
    n->real = (double)n->integer;
    return true;
}

/* to_real: a whole number of 53 bits times or through a power of ten that is exact is rounded once, as it should be. */
static bool
to_real(const char *from, const char *p, bool negative, const struct digits *d, int exponent, struct scan_number *n)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->rest > 0 || d->value > (UINT64_C(1) << 53) || exponent > 22 || exponent < -22)
        return from_text(from, (size_t)(p - from), &n->real);
    n->real = exponent < 0 ? (double)d->value / ten[-exponent] : (double)d->value * ten[exponent];
    if (negative)
        n->real = -n->real;
    return true;
}

static const char *
take_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = scan_at(p, end) == '-';
    int value = 0;
    p += negative || scan_at(p, end) == '+';
    if (!scan_is_digit(scan_at(p, end)))
        return NULL;
    for (; scan_is_digit(scan_at(p, end)); p++)
        if (value < 100000)
            value = value * 10 + (*p - '0');
    *exponent += negative ? -value : value;
    return p;
}

const char *
scan_number(const char *p, const char *end, struct scan_number *n)
{
    const char *from = p;
    bool negative = scan_at(p, end) == '-';
    struct digits d = {0};
    int exponent = 0;
    p += negative;
    const char *whole = p;
    p = take_digits(p, end, &d);
    if (p == whole || (*whole == '0' && p - whole > 1))
        return NULL;
    *n = (struct scan_number){0};
    if (scan_at(p, end) == '.') {
        const char *fraction = p + 1;
        p = take_digits(fraction, end, &d);
        if (p == fraction)
            return NULL;
        n->is_real = true;
        exponent = -(int)(p - fraction < 100000 ? p - fraction : 100000);
    }
    if ((scan_at(p, end) | 0x20) == 'e') {
        n->is_real = true;
        p = take_exponent(p + 1, end, &exponent);
        if (!p)
            return NULL;
    }
    bool good = n->is_real ? to_real(from, p, negative, &d, exponent, n) : to_integer(p, negative, &d, n);
    return good ? scan_behind(p, end) : NULL;
}
