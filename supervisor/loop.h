/* loop.h - the one event loop: descriptors that are watched, signals, and sleeping until the next deadline. */
#ifndef SUPERVISOR_LOOP_H
#define SUPERVISOR_LOOP_H

#include <signal.h>
#include <stdbool.h>

#include "shared/clock.h"

/* One watched descriptor. The memory is the owner's and must stay where it is until loop_remove. */
struct loop_watch {
    int fd;
    void (*ready)(void *arg); /* called while the descriptor can be read, or its other end is gone */
    void *arg;
};

#define LOOP_EVENTS 64

struct loop {
    int epoll;
    int n_events, at_event; /* of the round being dealt with, so that a watch may be removed within it */
    struct loop_watch *events[LOOP_EVENTS];
};

/* loop_open makes the loop. Ends the process with 70 where the kernel refuses. */
void loop_open(struct loop *l);
void loop_close(struct loop *l);
/* loop_add: 0, or -1 with errno where the kernel has no room for it; loop_must_add ends the process with 70 then. */
int loop_add(struct loop *l, struct loop_watch *w);
void loop_must_add(struct loop *l, struct loop_watch *w);
void loop_remove(struct loop *l, struct loop_watch *w);

/* loop_wait sleeps until a descriptor is ready or the deadline has come, and calls the ready functions. */
void loop_wait(struct loop *l, mono_ns deadline);

#endif
