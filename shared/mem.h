/* mem.h - allocation that does not fail, and small helpers on memory.
 *
 * A process that cannot get a few bytes cannot keep its promises: mem_* end it with a line in the log (the
 * supervisor's death loses nothing, a worker's costs one record). Where the size comes from outside, callers
 * check it first. Free with free().
 *
 * Each program gives mem_plain to jansson, too (json_set_alloc_funcs): without memory that drops members of an object
 * and letters of a text, and a good document is read as another one. */
#ifndef SHARED_MEM_H
#define SHARED_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void *mem_alloc(size_t size);               /* zeroed */
void *mem_plain(size_t size);               /* not zeroed */
void *mem_array(size_t n, size_t size);     /* zeroed; the product is checked */
void *mem_grow(void *old, size_t n, size_t size); /* realloc; new space is not zeroed */
char *mem_string(const char *text);         /* NULL gives NULL */
char *mem_prefix(const char *text, size_t n); /* the first n characters, or all of a shorter text */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* mem_stream opens a stream that is written into memory; mem_stream_close sets *text to what was written, to be freed. */
FILE *mem_stream(char **text, size_t *size);
void mem_stream_close(FILE *stream, char **text);

#endif
