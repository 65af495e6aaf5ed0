/* utf8.c - text from elsewhere: its characters, and which of them do more than show. Owns nothing. */
#include "shared/utf8.h"

#include <string.h>

size_t
utf8_length(const char *text, size_t left)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
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

bool
utf8_is_control(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    if (length == 1)
        return at[0] < ' ' || at[0] == 0x7f;
    if (length == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    if (length == 3 && at[0] == 0xe2)
        return (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
               (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
    return false;
}

size_t
utf8_plain(char *text, size_t size, const char *keep)
{
    char *to = text;
    for (const char *at = text, *end = text + size; at < end;) {
        size_t n = utf8_length(at, (size_t)(end - at));
        bool kept = n == 1 && *at != '\0' && strchr(keep, *at);
        if (n == 0 || (utf8_is_control(at, n) && !kept))
            *to++ = '?';
        else
            to = (char *)memmove(to, at, n) + n;
        at += n ? n : 1;
    }
    return (size_t)(to - text);
}

char *
utf8_plain_text(char *text, const char *keep)
{
    text[utf8_plain(text, strlen(text), keep)] = '\0';
    return text;
}
