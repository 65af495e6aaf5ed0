/* setup_later.c - a module that can be described, and whose hr_setup fails from then on. It counts its calls
 * in the lines of the file named in SETUP_FILE. */
#include <headrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

HR_TASK(never, .topic = "records")
{
    return 0;
}

int
hr_setup(hr_app *app)
{
    (void)app;
    const char *name = getenv("SETUP_FILE");
    if (name == NULL)
        return 1;
    int before = access(name, F_OK);
    FILE *file = fopen(name, "a");
    if (file == NULL)
        return 1;
    fputs("setup\n", file);
    fclose(file);
    return before == 0 ? 1 : 0;
}
