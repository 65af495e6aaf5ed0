/* mem.h - allocation that does not fail, and small helpers on memory.
 *
 * A process that cannot get a few bytes cannot keep its promises: mem_* end it with a line in the log (the
 * supervisor's death loses nothing, a worker's costs one record). Where the size comes from outside, callers
 * check it first. Free with free(). */
#ifndef SHARED_MEM_H
#define SHARED_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);               /* zeroed */
void *mem_array(size_t n, size_t size);     /* zeroed; the product is checked */
void *mem_grow(void *old, size_t n, size_t size); /* realloc; new space is not zeroed */
char *mem_string(const char *text);         /* NULL gives NULL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
