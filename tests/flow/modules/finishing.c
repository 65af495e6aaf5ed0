/* finishing.c - background tasks that finish: at once, or when the file named in FINISH_FILE exists. */
#include <headrace.h>

#include <stdlib.h>
#include <unistd.h>

HR_COUNTER(finished);

HR_TASK(at_once)
{
    hr_count(finished, 1);
    return 0;
}

HR_TASK(later)
{
    const char *name = getenv("FINISH_FILE");
    while (name != NULL && access(name, F_OK) != 0)
        if (!hr_sleep(self, 0.01))
            return 0;
    hr_count(finished, 1);
    return 0;
}
