/* load_exit.c - a module that calls exit(3) while it is loaded. */
#include <headrace.h>

#include <stdlib.h>

__attribute__((constructor)) static void
leave(void)
{
    exit(3);
}

HR_TASK(never, .topic = "records")
{
    return 0;
}
