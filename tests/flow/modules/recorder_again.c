/* recorder_again.c - a task of the same name as the recorder's, in another module. */
#include <headrace.h>

HR_TASK(record, .topic = "others")
{
    while (hr_next(self) != NULL)
        ;
    return 0;
}
