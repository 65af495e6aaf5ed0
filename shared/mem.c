/* mem.c - allocation that does not fail. Owns nothing. */
#include "shared/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"

static void *
must(void *p)
{
    if (!p)
        fatal(70, "out of memory");
    return p;
}

void *
mem_alloc(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *
mem_plain(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *
mem_array(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *
mem_grow(void *old, size_t n, size_t size)
{
    return must(reallocarray(old, n ? n : 1, size));
}

char *
mem_string(const char *text)
{
    return text ? must(strdup(text)) : NULL;
}

char *
mem_prefix(const char *text, size_t n)
{
    return must(strndup(text, n));
}

char *
mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    return text;
}

char *
mem_vprintf(const char *format, va_list args)
{
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    return must(n < 0 ? NULL : text);
}

FILE *
mem_stream(char **text, size_t *size)
{
    return must(open_memstream(text, size));
}

/* Only here it is seen whether all of it found room. */
void
mem_stream_close(FILE *stream, char **text)
{
    bool whole = !ferror(stream);
    if (fclose(stream) != 0 || !whole)
        *text = NULL;
    must(*text);
}
