/* terminal.h - what a command prints, and whether a terminal may be shown it. */
#ifndef TESTS_FUZZ_PLAY_TERMINAL_H
#define TESTS_FUZZ_PLAY_TERMINAL_H

#include <stddef.h>

/* From terminal_begin to terminal_end what is printed on stdout and stderr is kept; both are then looked at,
 * and what went to stdout is returned. It is valid until the next terminal_begin. */
void terminal_begin(void);
const char *terminal_end(size_t *size);

/* terminal_must_be_plain ends the process where a text is not UTF-8 or holds a character that a terminal
 * takes for an order; newlines and tabs are `lines`' only. */
void terminal_must_be_plain(const char *what, const char *text, size_t size, int lines);

#endif
