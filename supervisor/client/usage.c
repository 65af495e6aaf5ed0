/* usage.c - what a command says about the way it was called.
 *
 * Owns: the form of these lines, and the nearest option where one was mistyped.
 * Must not know: any command. */
#include "supervisor/client/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "shared/utf8.h"

enum { OPTIONS_MAX = 32 };

/* print_line prints one message, with where to find help. Names and reasons in it may come from elsewhere, so control
 * characters are shown as '?'; a newline stays, for lists. */
static void
print_line(const char *command, const char *format, va_list args, bool help)
{
    char *text = mem_vprintf(format, args);
    utf8_plain_text(text, "\n");
    fflush(stdout);
    if (help)
        fprintf(stderr, "headrace %s: %s (see headrace %s --help)\n", command, text, command);
    else
        fprintf(stderr, "headrace %s: %s\n", command, text);
    free(text);
}

int
usage_error(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(command, format, args, true);
    va_end(args);
    return EX_USAGE;
}

int
command_error(const char *command, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(command, format, args, false);
    va_end(args);
    return code;
}

/* option_name returns how the option with this value is written: the long form where there is one. */
static const char *
option_name(const struct option *options, int value, char *space, size_t size)
{
    for (const struct option *o = options; o->name; o++)
        if (o->val == value && !o->flag) {
            if (value < 128)
                snprintf(space, size, "-%c (--%s)", value, o->name);
            else
                snprintf(space, size, "--%s", o->name);
            return space;
        }
    snprintf(space, size, "-%c", value);
    return space;
}

static int
unknown_long(const char *command, const char *given, const struct option *options)
{
    char name[64];
    const char *known[OPTIONS_MAX];
    size_t n = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    for (const struct option *o = options; o->name && n < OPTIONS_MAX; o++)
        known[n++] = o->name;
    const char *nearest = conf_nearest(name, known, n);
    if (nearest)
        return usage_error(command, "unknown option --%s; did you mean --%s?", name, nearest);
    return usage_error(command, "unknown option --%s", name);
}

int
usage_option(const char *command, char **argv, const struct option *options, int result)
{
    char space[64];
    if (result == ':')
        return usage_error(command, "%s needs a value", option_name(options, optopt, space, sizeof space));
    if (optopt == 0)
        return unknown_long(command, argv[optind - 1], options);
    for (const struct option *o = options; o->name; o++)
        if (o->val == optopt)
            return usage_error(command, "--%s takes no value", o->name);
    return usage_error(command, "unknown option -%c", optopt);
}

bool
usage_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    if (*text == '\0' || strspn(text, "-0123456789") != strlen(text))
        return false; /* strtoll would take blanks and a plus */
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || *end != '\0' || n < low || n > high)
        return false;
    *out = n;
    return true;
}
