/* text.c - text for people out of whatever a task or a library says. Owns nothing. */
#include "worker/text.h"

#include <stdio.h>
#include <string.h>

#include "shared/utf8.h"

#define FORMAT_MAX 2048 /* more than any line that is made of it */

void
text_line(char *out, size_t size, const char *text)
{
    const char *end = text + strlen(text);
    size_t at = 0;
    for (size_t step; text < end; text += step) {
        size_t n = utf8_length(text, (size_t)(end - text));
        bool shows = n > 0 && !utf8_is_control(text, n);
        step = n ? n : 1;
        if (at + (shows ? n : 1) >= size)
            break;
        if (shows)
            memcpy(out + at, text, n);
        else
            out[at] = n ? ' ' : '?';
        at += shows ? n : 1;
    }
    out[at] = '\0';
}

void
text_format(char *out, size_t size, const char *format, va_list args)
{
    char whole[FORMAT_MAX];
    if (vsnprintf(whole, sizeof whole, format, args) < 0)
        snprintf(whole, sizeof whole, "(a message that cannot be formatted: %s)", format);
    text_line(out, size, whole);
}
