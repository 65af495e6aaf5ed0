/* usage.h - what a command says about the way it was called.
 *
 * Every usage error is one line, what is wrong and where help is, and exit code 64. */
#ifndef SUPERVISOR_CLIENT_USAGE_H
#define SUPERVISOR_CLIENT_USAGE_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <sysexits.h>

/* usage_error prints "headrace COMMAND: what is wrong (see headrace COMMAND --help)" and returns 64. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* usage_option says what getopt_long did not like, for its results '?' and ':' (the short options begin with
 * ':', so that getopt itself prints nothing), and returns 64. */
int usage_option(const char *command, char **argv, const struct option *options, int result);

/* command_error prints "headrace COMMAND: text" and returns `code`. */
int command_error(const char *command, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* usage_number reads a whole decimal number within bounds; false if `text` is none. */
bool usage_number(const char *text, int64_t low, int64_t high, int64_t *out);

#endif
