/* text.h - text for people out of whatever a task or a library says. */
#ifndef WORKER_TEXT_H
#define WORKER_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* text_line writes `text` into `out` as one line of valid UTF-8: control characters become spaces, invalid
 * bytes question marks, and what does not fit into `size` is cut off between two characters. */
void text_line(char *out, size_t size, const char *text);
/* text_format does the same with a printf format. */
void text_format(char *out, size_t size, const char *format, va_list args);

#endif
