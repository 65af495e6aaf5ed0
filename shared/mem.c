/* mem.c - allocation that does not fail. Owns nothing. */
#include "shared/mem.h"

#include <stdarg.h>
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
mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return must(n < 0 ? NULL : text);
}
