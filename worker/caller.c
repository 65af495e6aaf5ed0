/* caller.c - who calls a function of headrace.h: the thread that runs the body, or another one.
 *
 * Owns: the mark of the body's thread.
 * DESIGN: the mark is a variable of the thread, so asking costs a load, and no lock or system call. A child that
 * a body forks has the same thread, and what it collects would leave with nobody, or on the parent's socket: the
 * mark is taken from it. Guarantees: may be asked from any thread. Must not know: what is refused. */
#include "worker/caller.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "shared/log.h"

static _Thread_local bool is_body;
static _Atomic bool said;

static void
forget_in_child(void)
{
    is_body = false;
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_in_child);
}

void
caller_is_body(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    is_body = true;
}

bool
caller_may(const char *function)
{
    if (is_body)
        return true;
    if (!atomic_exchange(&said, true))
        log_error("called from another thread or process than the body's, refused", "function=%s pid=%d",
                  function, (int)getpid());
    errno = EPERM;
    return false;
}
