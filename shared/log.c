/* log.c - one line for each event, one write(2) for each line.
 *
 * Owns: the name of the process and the level.
 * Guarantees: a line is whole, ends with one newline, and holds no control character and no invalid UTF-8;
 * errno is what it was before the call. A line longer than LINE_MAX_ bytes is cut.
 * Does not know: where stderr leads to. */
#include "shared/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/utf8.h"

#define LINE_MAX_ 4096 /* also what a pipe takes in one piece (PIPE_BUF) */

static char process_name[128] = "headrace";
static enum log_level threshold = LOG_LEVEL_INFO;

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};
enum { N_LEVELS = sizeof level_names / sizeof level_names[0] };

void
log_init(const char *process, enum log_level level)
{
    snprintf(process_name, sizeof process_name, "%s", process);
    threshold = level;
}

enum log_level
log_level(void)
{
    return threshold;
}

int
log_level_of(const char *name)
{
    for (int i = 0; i < N_LEVELS; i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return -1;
}

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}

/* append_escaped copies text into line, escaping what could break a line apart. */
static size_t
append_escaped(char *line, size_t at, size_t limit, const char *text)
{
    for (const char *p = text, *end = text + strlen(text); p < end && at + 5 < limit;) {
        size_t n = utf8_length(p, (size_t)(end - p));
        if (n > 0 && !utf8_is_control(p, n)) {
            memcpy(line + at, p, n);
            at += n;
            p += n;
        } else {
            at += (size_t)snprintf(line + at, limit - at, *p == '\n' ? "\\n" : "\\x%02x", (unsigned char)*p);
            p++;
        }
    }
    return at;
}

static size_t
append_head(char *line, size_t limit, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t at = strftime(line, limit, "%Y-%m-%dT%H:%M:%S", &utc);
    int n = snprintf(line + at, limit - at, ".%03ldZ %s %s ", now.tv_nsec / 1000000, level_names[level],
                     process_name);
    return at + (size_t)n;
}

const char *
log_quote(const char *text, char *buffer, size_t size)
{
    size_t at = 0;
    for (; *text && at + 2 < size; text++) {
        if (*text == '"' || *text == '\\')
            buffer[at++] = '\\';
        buffer[at++] = *text;
    }
    buffer[at] = '\0';
    return buffer;
}

static void
write_line(enum log_level level, const char *event, const char *fields, va_list args)
{
    char text[LINE_MAX_];
    char line[LINE_MAX_];
    size_t limit = sizeof line - 1; /* room for the newline */
    size_t at = append_head(line, limit, level);
    at = append_escaped(line, at, limit, event);
    if (fields) {
        vsnprintf(text, sizeof text, fields, args);
        line[at++] = ' ';
        at = append_escaped(line, at, limit, text);
    }
    line[at++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, at);
    (void)ignored; /* there is nowhere to complain to */
}

void
log_event(enum log_level level, const char *event, const char *fields, ...)
{
    if (level > threshold)
        return;
    int saved = errno;
    va_list args;
    va_start(args, fields);
    write_line(level, event, fields, args);
    va_end(args);
    errno = saved;
}

void
fatal(int code, const char *format, ...)
{
    char text[LINE_MAX_];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_event(LOG_LEVEL_ERROR, text, NULL);
    fflush(stdout);
    _exit(code); /* no exit handlers: threads of libraries, which use what those take down, still run */
}

void
log_panic(const char *file, int line, const char *format, ...)
{
    char text[LINE_MAX_ / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_event(LOG_LEVEL_ERROR, "panic:", "%s at=%s:%d", text, file, line);
    abort();
}
