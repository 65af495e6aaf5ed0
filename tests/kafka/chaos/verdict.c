/* verdict.c - what is wrong, some of it shown; and one line for each promise. */
#include "tests/kafka/chaos/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOWN 8 /* wrong things of each sort; the rest is counted */

static bool failed;

void
wrong(long *count, const char *format, ...)
{
    va_list args;
    if ((*count)++ >= SHOWN)
        return;
    va_start(args, format);
    printf("      ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void
verdict(long bad, const char *name, const char *format, ...)
{
    va_list args;
    failed = failed || bad != 0;
    va_start(args, format);
    printf("%-5s %-12s %ld wrong; ", bad == 0 ? "ok" : "FAIL", name, bad);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

bool
verdict_failed(void)
{
    return failed;
}
