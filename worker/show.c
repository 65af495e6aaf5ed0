/* show.c - a message as `headrace try` shows it: one line, for people.
 *
 * Owns nothing. Guarantees: what could move a terminal's cursor is shown as \xNN, so one message is one line.
 * Must not know: who sends. */
#include "worker/show.h"

#include <stdio.h>
#include <string.h>

static void
show_bytes(const char *bytes, int32_t length)
{
    if (!bytes) {
        fputs("null", stderr);
        return;
    }
    for (int32_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c == 0x7f || c == '\\')
            fprintf(stderr, "\\x%02x", c);
        else
            fputc(c, stderr);
    }
}

void
show_message(const struct wire_message_view *m)
{
    const unsigned char *at = NULL;
    const char *name, *value;
    size_t length;
    fprintf(stderr, " sends to %s", m->topic);
    if (m->m.partition != WIRE_ANY_PARTITION)
        fprintf(stderr, ":%d", (int)m->m.partition);
    if (m->key) {
        fputs(" key=", stderr);
        show_bytes(m->key, m->m.key_length);
    }
    while ((name = wire_header_next(&m->headers, &at, &value, &length))) {
        fputc(' ', stderr);
        show_bytes(name, (int32_t)strlen(name));
        fputc('=', stderr);
        show_bytes(value, (int32_t)length);
    }
    fputs(": ", stderr);
    show_bytes(m->value, m->m.value_length);
    fputc('\n', stderr);
}
