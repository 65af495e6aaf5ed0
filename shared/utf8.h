/* utf8.h - text from elsewhere: its characters, and which of them do more than show.
 *
 * A terminal takes orders from what it is told to show: not only the control characters of ASCII, U+0080 to
 * U+009F (two bytes each) are orders, too, and U+2028, U+2029 and those that turn the direction around make a
 * line look like another. */
#ifndef SHARED_UTF8_H
#define SHARED_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* utf8_length returns how many of the `left` bytes the character at `at` has, 0 where it is no UTF-8. A NUL
 * is one. */
size_t utf8_length(const char *at, size_t left);

/* utf8_is_control says whether a character of this length is one that does more than show. */
bool utf8_is_control(const char *at, size_t length);

/* utf8_plain makes a text, in place, one that only shows: '?' stands for each control character but those in
 * `keep`, and for each byte that is no UTF-8. Returns its new size, which is not larger. No NUL is put behind
 * it. */
size_t utf8_plain(char *text, size_t size, const char *keep);

/* utf8_plain_text does so with a text that ends with a NUL, and returns it. */
char *utf8_plain_text(char *text, const char *keep);

#endif
