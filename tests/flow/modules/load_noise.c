/* load_noise.c - a module that writes to stdout and stderr while it is loaded, and is good otherwise. */
#include <headrace.h>

#include <stdio.h>

__attribute__((constructor)) static void
talk(void)
{
    puts("{\"tasks\": \"said on stdout while loading\"}");
    fputs("said on stderr while loading\n", stderr);
}

HR_TASK(quiet, .topic = "records")
{
    while (hr_next(self) != NULL)
        ;
    return 0;
}
