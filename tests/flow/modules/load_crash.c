/* load_crash.c - a module that dies of SIGSEGV while it is loaded. */
#include <headrace.h>

#include <signal.h>

__attribute__((constructor)) static void
crash(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

HR_TASK(never, .topic = "records")
{
    return 0;
}
