/* setup_fails.c - a module whose hr_setup says that it cannot go on. */
#include <headrace.h>

#include <stdio.h>

HR_TASK(never, .topic = "records")
{
    return 0;
}

int
hr_setup(hr_app *app)
{
    (void)app;
    fputs("setup_fails: no database\n", stderr);
    return 1;
}
