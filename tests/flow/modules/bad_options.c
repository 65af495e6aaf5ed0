/* bad_options.c - tasks and timers with options that cannot be. */
#include <headrace.h>

HR_TASK(negative, .topic = "records", .concurrency = -2)
{
    return 0;
}

HR_TIMER(backwards, .interval = -1.0)
{
    return 0;
}

static int
by_hand(hr_task *self)
{
    (void)self;
    return 0;
}

int
hr_setup(hr_app *app)
{
    return hr_add_task(app, &(hr_task_options){.name = "a name with blanks", .topic = "records"}, by_hand);
}
