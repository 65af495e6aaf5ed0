/* pipe.h - the ZeroMQ pipe to one life of one child.
 *
 * A DEALER socket that binds an ipc endpoint of its own; the child connects. Nothing here blocks: a send either is
 * taken by libzmq or fails, and reading stops where there is nothing. */
#ifndef SUPERVISOR_PIPE_H
#define SUPERVISOR_PIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/loop.h"

struct pipe {
    void *socket; /* NULL: closed */
    struct loop *loop;
    struct loop_watch watch;
    char *endpoint;
    /* called for each frame; it may close the pipe */
    void (*frame)(void *arg, const void *data, size_t size);
    void *arg;
    struct pipe *next_touched; /* sent to since the loop last slept: libzmq may have used up the wake-up */
    bool touched;
};

/* pipe_open binds the endpoint: 0, or -1 with errno. Takes over `endpoint`. Only this user may connect, unless
 * `others`: then it is for whom its folder lets in. */
int pipe_open(struct pipe *p, void *zmq, struct loop *loop, char *endpoint, bool others,
              void (*frame)(void *arg, const void *data, size_t size), void *arg);
void pipe_close(struct pipe *p);

/* pipe_hide takes the endpoint's name away, when the child is there: nobody can connect any more. */
void pipe_hide(struct pipe *p);

/* pipe_bind binds a socket of any kind in this way: 0, or -1 with errno. */
int pipe_bind(void *socket, const char *endpoint, bool others);

/* pipe_send sends a small frame, copied. pipe_send_owned sends memory that is given back by free_data(data, hint) when it
 * was sent, from another thread, or at once where sending fails. 0, or -1 with errno: EAGAIN where the child is not
 * connected or is gone. */
int pipe_send(struct pipe *p, const void *frame, size_t size);
int pipe_send_owned(struct pipe *p, void *data, size_t size, void (*free_data)(void *data, void *hint), void *hint);

/* pipe_drain hands every frame that is there to `frame`. */
void pipe_drain(struct pipe *p);
/* pipe_connected says whether the child is at the other end, or frames of it may still come. */
bool pipe_connected(struct pipe *p);

/* pipe_drain_touched is for the loop: after sends libzmq may hold frames without a wake-up to come. True: there is more. */
bool pipe_drain_touched(void);

#endif
