/* bytes.c - bytes from elsewhere, shown to people.
 *
 * Guarantees: nothing that is printed here moves a cursor or changes a terminal, whatever is in a record.
 * Owns nothing. Must not know: where the bytes come from. */
#include "supervisor/client/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/utf8.h"

#define DUMP_WIDTH 16

bool
bytes_are_text(struct bytes b)
{
    const char *at = b.data;
    size_t n;
    for (size_t left = b.size; left > 0; left -= n, at += n) {
        n = utf8_length(at, left);
        if (n == 0 || (utf8_is_control(at, n) && *at != '\n' && *at != '\t'))
            return false;
    }
    return true;
}

char *
bytes_line(struct bytes b)
{
    char *line = mem_alloc(b.size + 1);
    if (b.size > 0)
        memcpy(line, b.data, b.size);
    line[utf8_plain(line, b.size, "")] = '\0';
    return line;
}

char *
bytes_hex(struct bytes b)
{
    static const char digits[] = "0123456789abcdef";
    char *text = mem_alloc(2 * b.size + 1);
    for (size_t i = 0; i < b.size; i++) {
        text[2 * i] = digits[(unsigned char)b.data[i] >> 4];
        text[2 * i + 1] = digits[b.data[i] & 0xf];
    }
    return text;
}

static void
show_text(struct bytes b, FILE *out, int indent)
{
    const char *at = b.data, *end = b.data + b.size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        fprintf(out, "%*s", stop > at ? indent : 0, "");
        fwrite(at, 1, (size_t)(stop - at), out);
        fputc('\n', out);
        at = stop + 1;
    }
}

static void
show_dump_line(const unsigned char *at, size_t n, size_t offset, FILE *out, int indent)
{
    fprintf(out, "%*s%08zx ", indent, "", offset);
    for (size_t i = 0; i < DUMP_WIDTH; i++) {
        if (i < n)
            fprintf(out, "%s%02x", i == DUMP_WIDTH / 2 ? "  " : " ", at[i]);
        else
            fprintf(out, "%s  ", i == DUMP_WIDTH / 2 ? "  " : " ");
    }
    fputs("  |", out);
    for (size_t i = 0; i < n; i++)
        fputc(at[i] >= ' ' && at[i] < 0x7f ? at[i] : '.', out);
    fputs("|\n", out);
}

void
bytes_show(struct bytes b, FILE *out, int indent)
{
    if (bytes_are_text(b)) {
        show_text(b, out, indent);
        return;
    }
    for (size_t i = 0; i < b.size; i += DUMP_WIDTH)
        show_dump_line((const unsigned char *)b.data + i, b.size - i < DUMP_WIDTH ? b.size - i : DUMP_WIDTH,
                       i, out, indent);
}
