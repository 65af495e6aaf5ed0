/* twice.c - two tasks of one name: one declared, one registered by hand. */
#include <headrace.h>

HR_TASK(double_name, .topic = "records")
{
    while (hr_next(self) != NULL)
        ;
    return 0;
}

static int
by_hand(hr_task *self)
{
    while (hr_next(self) != NULL)
        ;
    return 0;
}

int
hr_setup(hr_app *app)
{
    return hr_add_task(app, &(hr_task_options){.name = "double_name", .topic = "others"}, by_hand);
}
