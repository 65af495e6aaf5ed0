/* table.c - a table for people.
 *
 * Owns: the cells until the table is printed.
 * Guarantees: no line ends with a space; control characters in a cell are shown as '?', so content from
 * elsewhere cannot move the cursor. Must not know: what is in it. */
#include "supervisor/client/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/utf8.h"

#define GAP 2

static void
add_cell(struct table *t, char *text)
{
    utf8_plain_text(text, "");
    t->cells = mem_grow(t->cells, t->n_cells + 1, sizeof *t->cells);
    t->cells[t->n_cells++] = text;
}

void
table_begin(struct table *t, const char *const *titles, size_t columns)
{
    *t = (struct table){.columns = columns};
    for (size_t i = 0; i < columns; i++)
        add_cell(t, mem_string(titles[i]));
}

void
table_cell(struct table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    if (*text == '\0') {
        free(text);
        text = mem_string("-");
    }
    add_cell(t, text);
}

void
table_json(struct table *t, json_t *value)
{
    if (json_is_string(value))
        table_cell(t, "%s", json_string_value(value));
    else if (json_is_integer(value))
        table_cell(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        table_cell(t, "%.1f", json_real_value(value));
    else if (json_is_boolean(value))
        table_cell(t, "%s", json_is_true(value) ? "yes" : "no");
    else
        table_cell(t, "-");
}

/* shown_length counts characters, not bytes: names may hold more than ASCII. */
static size_t
shown_length(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* take_alignment takes the '>' from a title and says whether it was there. */
static bool
take_alignment(char *title)
{
    size_t length = strlen(title);
    if (length == 0 || title[length - 1] != '>')
        return false;
    title[length - 1] = '\0';
    return true;
}

static void
print_row(const struct table *t, size_t row, const size_t *widths, const bool *right, FILE *out)
{
    size_t owed = 0; /* spaces, printed only when something follows */
    for (size_t i = 0; i < t->columns && row * t->columns + i < t->n_cells; i++) {
        const char *text = t->cells[row * t->columns + i];
        size_t pad = widths[i] - shown_length(text);
        fprintf(out, "%*s%s", (int)(owed + (right[i] ? pad : 0)), "", text);
        owed = GAP + (right[i] ? 0 : pad);
    }
    fputc('\n', out);
}

void
table_print(struct table *t, FILE *out, int indent)
{
    size_t *widths = mem_array(t->columns, sizeof *widths);
    bool *right = mem_array(t->columns, sizeof *right);
    for (size_t i = 0; i < t->columns; i++)
        right[i] = take_alignment(t->cells[i]);
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t length = shown_length(t->cells[i]);
        if (length > widths[i % t->columns])
            widths[i % t->columns] = length;
    }
    for (size_t row = 0; row * t->columns < t->n_cells; row++) {
        fprintf(out, "%*s", indent, "");
        print_row(t, row, widths, right, out);
    }
    free(widths);
    free(right);
    table_free(t);
}

void
table_free(struct table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct table){0};
}
