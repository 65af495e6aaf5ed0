/* no_tasks.c - a shared object that declares nothing. */
#include <headrace.h>

HR_COUNTER(lonely);
