/* bytes.c - bytes from elsewhere, shown to people.
 *
 * Guarantees: nothing that is printed here moves a cursor or changes a terminal, whatever is in a record.
 * Owns nothing. Must not know: where the bytes come from. */
#include "supervisor/client/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define DUMP_WIDTH 16

/* character_length returns how many bytes the character at `at` has, 0 if it is no UTF-8. */
static size_t
character_length(const unsigned char *at, size_t left)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 0x6 ? 2 : at[0] >> 4 == 0xe ? 3 : at[0] >> 3 == 0x1e ? 4 : 0;
    if (n < 2 || n > left)
        return n > left ? 0 : n;
    unsigned code = at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n;
}

/* is_control: what a terminal may take for an order; U+0080 to U+009F are orders too, and U+2028, U+2029 and
 * those that turn the direction around make a line look like another. */
static bool
is_control(const unsigned char *at, size_t length)
{
    if (length == 1)
        return at[0] < ' ' || at[0] == 0x7f;
    if (length == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    if (length == 3 && at[0] == 0xe2)
        return (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
               (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
    return false;
}

bool
bytes_are_text(struct bytes b)
{
    const unsigned char *at = (const unsigned char *)b.data;
    size_t n;
    for (size_t left = b.size; left > 0; left -= n, at += n) {
        n = character_length(at, left);
        if (n == 0 || (is_control(at, n) && *at != '\n' && *at != '\t'))
            return false;
    }
    return true;
}

char *
bytes_line(struct bytes b)
{
    const unsigned char *at = (const unsigned char *)b.data;
    char *line = mem_alloc(b.size + 1), *end = line;
    for (size_t left = b.size; left > 0;) {
        size_t n = character_length(at, left), step = n ? n : 1;
        if (n == 0 || is_control(at, n))
            *end++ = '?';
        else
            end = mempcpy(end, at, n);
        at += step;
        left -= step;
    }
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
