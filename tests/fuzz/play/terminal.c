/* terminal.c - what a command prints, and whether a terminal may be shown it.
 *
 * Owns: stdout and stderr, from terminal_begin to terminal_end.
 * Must not know: how the product makes text plain. What is allowed is decided here once more, by other means.
 */
#include "tests/fuzz/play/terminal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/play/must.h"

static FILE *real[2];
static char *kept[2];
static size_t sizes[2];

void
terminal_begin(void)
{
    free(kept[0]);
    free(kept[1]);
    kept[0] = kept[1] = NULL;
    real[0] = stdout;
    real[1] = stderr;
    stdout = open_memstream(&kept[0], &sizes[0]);
    stderr = open_memstream(&kept[1], &sizes[1]);
}

const char *
terminal_end(size_t *size)
{
    fclose(stdout);
    fclose(stderr);
    stdout = real[0];
    stderr = real[1];
    terminal_must_be_plain("stdout", kept[0], sizes[0], 1);
    terminal_must_be_plain("stderr", kept[1], sizes[1], 1);
    *size = sizes[0];
    return kept[0];
}

/* decode takes one character off: its code, or -1. The shortest form of it is the only one. */
static int32_t
decode(const unsigned char **at, const unsigned char *end)
{
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    int more = **at < 0x80 ? 0 : **at < 0xc0 ? -1 : **at < 0xe0 ? 1 : **at < 0xf0 ? 2 : **at < 0xf8 ? 3 : -1;
    if (more < 0 || end - *at <= more)
        return -1;
    int32_t code = more ? *(*at)++ & (0x3f >> more) : *(*at)++;
    for (int i = 0; i < more; i++, (*at)++) {
        if (**at >> 6 != 2)
            return -1;
        code = code << 6 | (**at & 0x3f);
    }
    return code < least[more] || code > 0x10ffff || code >> 11 == 0x1b ? -1 : code;
}

void
terminal_must_be_plain(const char *what, const char *text, size_t size, int lines)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        long place = (long)(at - (const unsigned char *)text);
        int32_t code = decode(&at, end);
        MUST(code >= 0, "%s: no UTF-8 at %ld: %.*s", what, place, (int)size, text);
        MUST(code >= ' ' || (lines && (code == '\n' || code == '\t')), "%s: U+%04x at %ld: %.*s", what, code,
             place, (int)size, text);
        MUST(code < 0x7f || code > 0x9f, "%s: U+%04x at %ld: %.*s", what, code, place, (int)size, text);
    }
}
