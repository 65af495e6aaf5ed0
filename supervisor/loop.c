/* loop.c - the one event loop.
 *
 * Owns: the epoll descriptor; nothing that it watches.
 * Guarantees: a watch that was removed is not called any more, not even within the round in which it was removed.
 * Must not know: what the descriptors are. */
#include "supervisor/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shared/log.h"

void
loop_open(struct loop *l)
{
    memset(l, 0, sizeof *l);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0)
        fatal(70, "epoll_create1: %s", strerror(errno));
}

void
loop_close(struct loop *l)
{
    close(l->epoll);
    l->epoll = -1;
}

int
loop_add(struct loop *l, struct loop_watch *w)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &event);
}

void
loop_must_add(struct loop *l, struct loop_watch *w)
{
    if (loop_add(l, w) < 0)
        fatal(70, "epoll_ctl: %s", strerror(errno));
}

void
loop_remove(struct loop *l, struct loop_watch *w)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = l->at_event; i < l->n_events; i++)
        if (l->events[i] == w)
            l->events[i] = NULL;
}

void
loop_wait(struct loop *l, mono_ns deadline)
{
    struct epoll_event ready[LOOP_EVENTS];
    int n = epoll_wait(l->epoll, ready, LOOP_EVENTS, clock_ms_until(deadline, clock_mono()));
    if (n < 0 && errno != EINTR)
        fatal(70, "epoll_wait: %s", strerror(errno));
    l->n_events = n < 0 ? 0 : n;
    for (int i = 0; i < l->n_events; i++)
        l->events[i] = ready[i].data.ptr;
    for (l->at_event = 0; l->at_event < l->n_events; l->at_event++) {
        struct loop_watch *w = l->events[l->at_event];
        if (w)
            w->ready(w->arg);
    }
    l->n_events = l->at_event = 0;
}
