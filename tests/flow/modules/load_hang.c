/* load_hang.c - a module whose loading never ends, whatever signal but SIGKILL comes. */
#include <headrace.h>

#include <signal.h>
#include <unistd.h>

__attribute__((constructor)) static void
hang(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    for (;;)
        pause();
}

HR_TASK(never, .topic = "records")
{
    return 0;
}
