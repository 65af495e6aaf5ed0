/* say.c - hr_log: lines of a task in the log. Owns nothing; shared/log.c writes them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "shared/log.h"
#include "worker/headrace.h"

#define SAY_MAX 3584 /* what log.c keeps of a line, less time, level and name */

void
hr_log(enum hr_log_level level, const char *format, ...)
{
    static const enum log_level levels[] = {
        [HR_LOG_ERROR] = LOG_LEVEL_ERROR,
        [HR_LOG_WARN] = LOG_LEVEL_WARN,
        [HR_LOG_INFO] = LOG_LEVEL_INFO,
        [HR_LOG_DEBUG] = LOG_LEVEL_DEBUG,
    };
    enum log_level ours = (unsigned)level <= HR_LOG_DEBUG ? levels[level] : LOG_LEVEL_INFO;
    if (ours > log_level())
        return;
    int saved = errno;
    char text[SAY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_event(ours, text, NULL);
    errno = saved;
}
