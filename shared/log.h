/* log.h - one line for each event.
 *
 * `time level process event key=value ...`, written to stderr with one write(2), so that lines of several
 * processes never mix. The event is a few words; what varies goes into the fields. Values that may hold
 * spaces are put in quotes by the caller: reason="%s". Control characters and invalid UTF-8 in the finished
 * line are escaped, so a record's content cannot forge a line.
 *
 * Severities: panic is a broken invariant of ours (dumps core), fatal is an environment in which the process
 * cannot go on, warn and error are what a misbehaving peer, worker or broker causes. */
#ifndef SHARED_LOG_H
#define SHARED_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* log_init names the process as lines show it ("supervisor", "process_logs.0") and sets the most talkative
 * level that is still written. Before it is called, lines carry "headrace" and the level is info. */
void log_init(const char *process, enum log_level level);
enum log_level log_level(void);

/* log_level_of returns the level of that name (error, warn, info, debug), or -1. */
int log_level_of(const char *name);
const char *log_level_name(enum log_level level);

/* fields may be NULL. */
void log_event(enum log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

/* log_quote copies text for use between quotes in a field: quotes and backslashes get a backslash. Returns buffer; a text that
 * does not fit is cut. */
const char *log_quote(const char *text, char *buffer, size_t size);

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* fatal logs the message and exits with `code`, one of the exit codes of SPEC 3. */
_Noreturn void fatal(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* panic is for what cannot happen: it logs where and aborts. */
#define panic(...) log_panic(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void log_panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
