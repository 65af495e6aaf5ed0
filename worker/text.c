/* text.c - text for people out of whatever a task or a library says. Owns nothing. */
#include "worker/text.h"

#include <stdio.h>

#define FORMAT_MAX 2048 /* more than any line that is made of it */

/* continuation says whether p[1] to p[n-1] continue a character and p[1] is in the range that p[0] asks for.
 */
static int
continues(const unsigned char *p, size_t n, unsigned char low, unsigned char high)
{
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xbf) /* also stops at the NUL */
            return 0;
    return 1;
}

/* character returns the length of the valid character at p, 0 if there is none. */
static size_t
character(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return continues(p, 2, 0x80, 0xbf) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef)
        return continues(p, 3, p[0] == 0xe0 ? 0xa0 : 0x80, p[0] == 0xed ? 0x9f : 0xbf) ? 3 : 0;
    if (p[0] >= 0xf0 && p[0] <= 0xf4)
        return continues(p, 4, p[0] == 0xf0 ? 0x90 : 0x80, p[0] == 0xf4 ? 0x8f : 0xbf) ? 4 : 0;
    return 0;
}

void
text_line(char *out, size_t size, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0;
    while (*p) {
        size_t n = character(p);
        if (at + (n ? n : 1) >= size)
            break;
        if (n == 0 || *p < 0x20 || *p == 0x7f) {
            out[at++] = n == 0 ? '?' : ' ';
            p++;
        } else {
            for (; n > 0; n--)
                out[at++] = (char)*p++;
        }
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
