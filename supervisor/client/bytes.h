/* bytes.h - bytes from elsewhere, shown to people: as text where they are text, else as a hex dump. */
#ifndef SUPERVISOR_CLIENT_BYTES_H
#define SUPERVISOR_CLIENT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct bytes {
    const char *data; /* NULL: absent */
    size_t size;
};

/* bytes_are_text says whether they are UTF-8 that a terminal only shows: no control characters but newlines
 * and tabs. */
bool bytes_are_text(struct bytes b);

/* bytes_line returns them as one line of UTF-8, with '?' for all that is none; "" where they are absent. Free
 * it. */
char *bytes_line(struct bytes b);

/* bytes_show prints them, each line behind `indent` spaces: the text, or a hex dump. */
void bytes_show(struct bytes b, FILE *out, int indent);

/* bytes_hex returns them as hexadecimal digits. Free it. */
char *bytes_hex(struct bytes b);

#endif
