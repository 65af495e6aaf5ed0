/* nearest.c - names sorted by how much they look like a mistyped one: by the number of letters to change, add
 * or take away, and then as they stood. Owns nothing. */
#include "worker/nearest.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t d = a < b ? a : b;
    return c < d ? c : d;
}

static size_t
distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    size_t *row = mem_array(n + 1, sizeof *row);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least(corner + (a[i] != b[j]), above + 1, row[j] + 1);
            corner = above;
        }
    }
    size_t result = row[n];
    free(row);
    return result;
}

/* Few names, so each insertion may measure them anew. */
void
nearest_sort(const char **names, size_t n, const char *wanted)
{
    for (size_t i = 1; i < n; i++) {
        const char *name = names[i];
        size_t its = distance(name, wanted), j = i;
        for (; j > 0 && distance(names[j - 1], wanted) > its; j--)
            names[j] = names[j - 1];
        names[j] = name;
    }
}
