/* values.c - durations, sizes and names as people write them.
 *
 * Guarantees: integers throughout, so that what is read is exact; what is shown is read back as the same
 * value. Knows nothing of: keys, files, problems. */
#include "conf/conf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define NAME_COMPARED 64 /* longer names are never near another */
#define FRACTION_DIGITS 9

struct unit {
    const char *name;
    int64_t worth;
};

/* Largest first: showing takes the first that divides. */
static const struct unit durations[] = {
    {"d", 24 * 3600 * NS_PER_S}, {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},        {"s", NS_PER_S},
    {"ms", NS_PER_MS},           {NULL, 0},
};
static const struct unit sizes[] = {
    {"TB", 1LL << 40}, {"GB", 1LL << 30}, {"MB", 1LL << 20}, {"KB", 1LL << 10}, {"", 1}, {NULL, 0},
};

static const struct unit *
unit_named(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

/* digits reads decimal digits, at least one, and moves *text behind them. */
static bool
digits(const char **text, int64_t *out, int *count)
{
    int64_t value = 0;
    int n = 0;
    for (; isdigit((unsigned char)**text); ++*text, n++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, **text - '0', &value))
            return false;
    *out = value;
    *count = n;
    return n > 0;
}

bool
conf_parse_duration(const char *text, mono_ns *out)
{
    int64_t whole, fraction = 0, ns;
    int n, places = 0;
    if (!digits(&text, &whole, &n))
        return false;
    if (*text == '.') {
        text++;
        if (!digits(&text, &fraction, &places) || places > FRACTION_DIGITS)
            return false;
    }
    const struct unit *u = unit_named(durations, text);
    if (!u || __builtin_mul_overflow(whole, u->worth, &ns))
        return false;
    __int128 part = (__int128)fraction * u->worth;
    for (; places > 0; places--)
        part /= 10;
    return !__builtin_add_overflow(ns, (int64_t)part, out);
}

bool
conf_parse_size(const char *text, int64_t *out)
{
    int64_t whole;
    int n;
    if (!digits(&text, &whole, &n))
        return false;
    const struct unit *u = unit_named(sizes, text);
    return u && !__builtin_mul_overflow(whole, u->worth, out);
}

char *
conf_show_duration(mono_ns ns)
{
    if (ns == 0)
        return mem_string("0s");
    for (const struct unit *u = durations; u->name; u++)
        if (ns % u->worth == 0)
            return mem_printf("%" PRId64 "%s", ns / u->worth, u->name);
    int64_t whole = ns / NS_PER_MS, rest = ns % NS_PER_MS;
    char *text = mem_printf("%" PRId64 ".%06" PRId64, whole, rest);
    size_t end = strlen(text);
    while (text[end - 1] == '0')
        text[--end] = '\0';
    char *shown = mem_printf("%sms", text);
    free(text);
    return shown;
}

char *
conf_show_size(int64_t bytes)
{
    const struct unit *u = sizes;
    while (bytes == 0 ? *u->name : bytes % u->worth != 0)
        u++;
    return mem_printf("%" PRId64 "%s", bytes / u->worth, u->name);
}

static bool
same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int
least(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* distance counts the letters to insert, remove, change or swap with their neighbour to make b of a. */
static int
distance(const char *a, const char *b)
{
    int row[3][NAME_COMPARED + 1]; /* the row before the last, the last, this one */
    int la = (int)strlen(a), lb = (int)strlen(b);
    for (int j = 0; j <= lb; j++)
        row[2][j] = j;
    for (int i = 1; i <= la; i++) {
        memcpy(row[0], row[1], sizeof row[0]);
        memcpy(row[1], row[2], sizeof row[1]);
        row[2][0] = i;
        for (int j = 1; j <= lb; j++) {
            int change = row[1][j - 1] + !same(a[i - 1], b[j - 1]);
            row[2][j] = least(row[1][j] + 1, row[2][j - 1] + 1, change);
            bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
            if (swapped && row[0][j - 2] + 1 < row[2][j])
                row[2][j] = row[0][j - 2] + 1;
        }
    }
    return row[2][lb];
}

const char *
conf_nearest(const char *name, const char *const *known, size_t n)
{
    size_t length = strlen(name);
    if (length < 2 || length > NAME_COMPARED)
        return NULL;
    const char *nearest = NULL;
    int best = 1 + (int)(length < 4 ? 1 : length / 3);
    for (size_t i = 0; i < n; i++) {
        if (strlen(known[i]) > NAME_COMPARED)
            continue;
        int d = distance(name, known[i]);
        if (d < best) {
            best = d;
            nearest = known[i];
        }
    }
    return nearest;
}
