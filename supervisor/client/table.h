/* table.h - a table for people: columns as wide as their widest cell. */
#ifndef SUPERVISOR_CLIENT_TABLE_H
#define SUPERVISOR_CLIENT_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

struct table {
    size_t columns, n_cells;
    char **cells; /* row by row; the first row holds the titles */
};

/* table_begin starts a table with these titles. A title that ends with '>' (not shown) aligns its column
 * right. */
void table_begin(struct table *t, const char *const *titles, size_t columns);
/* table_cell adds the next cell of the row; rows fill from the left. An empty one is shown as "-". */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* table_json adds a cell with what a JSON value says: text, number, true or false; "-" for what is not there.
 */
void table_json(struct table *t, json_t *value);
/* table_print prints it, each line behind `indent` spaces, and frees it. */
void table_print(struct table *t, FILE *out, int indent);
/* table_free frees one that is not to be printed. */
void table_free(struct table *t);

#endif
