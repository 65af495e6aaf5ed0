/* pipe.c - the ZeroMQ pipe to one life of one child.
 *
 * Owns: the socket, and the endpoint's name.
 * Guarantees: never blocks; frames of a child that died are still delivered, up to the end of what it had written.
 * Must not know: what frames mean.
 *
 * DESIGN
 * The descriptor of a ZeroMQ socket is signalled once when its state changes, and any call on the socket may take
 * the signal away. So a pipe that was sent to is put on a list and read once more before the loop sleeps.
 *
 * A DEALER that binds and has lost its only peer cannot be written to, once all that the peer had sent was read:
 * that is how the end of a dead child's frames is seen. */
#include "supervisor/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/log.h"
#include "shared/wire_sends.h"

#define ROUND 64           /* frames read before others have a turn */
#define RECEIVE_MOST 1000  /* frames libzmq keeps for us: a child that floods waits */
/* What children send is small, but for what a record sends: one group behind an outbox that was almost full. */
#define FRAME_MOST ((int64_t)WIRE_GROUP_MAX + (1 << 20))

/* Pipes that were sent to, oldest first. */
static struct pipe *touched_list, **touched_end = &touched_list;

static void
touch(struct pipe *p)
{
    if (p->touched)
        return;
    p->touched = true;
    p->next_touched = NULL;
    *touched_end = p;
    touched_end = &p->next_touched;
}

static void
untouch(struct pipe *p)
{
    for (struct pipe **at = &touched_list; *at; at = &(*at)->next_touched)
        if (*at == p) {
            *at = p->next_touched;
            if (touched_end == &p->next_touched)
                touched_end = at;
            break;
        }
    p->touched = false;
}

static void
ready(void *arg)
{
    pipe_drain(arg);
}

/* The mode that a socket is made with is the one sure way: a name could be another file by the time it is changed. */
int
pipe_bind(void *socket, const char *endpoint, bool others)
{
    mode_t before = umask(others ? 0 : 077);
    int result = zmq_bind(socket, endpoint), saved = errno;
    umask(before);
    errno = saved;
    return result;
}

int
pipe_open(struct pipe *p, void *zmq, struct loop *loop, char *endpoint, bool others,
          void (*frame)(void *arg, const void *data, size_t size), void *arg)
{
    *p = (struct pipe){.loop = loop, .endpoint = endpoint, .frame = frame, .arg = arg};
    int none = 0;
    size_t size = sizeof p->watch.fd;
    p->socket = zmq_socket(zmq, ZMQ_DEALER);
    if (!p->socket)
        return -1;
    zmq_setsockopt(p->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(p->socket, ZMQ_SNDHWM, &none, sizeof none); /* credits bound it */
    zmq_setsockopt(p->socket, ZMQ_RCVHWM, &(int){RECEIVE_MOST}, sizeof(int));
    zmq_setsockopt(p->socket, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_MOST} /* a larger one ends the connection */, sizeof(int64_t));
    p->watch.ready = ready;
    p->watch.arg = p;
    if (pipe_bind(p->socket, endpoint, others) < 0 || zmq_getsockopt(p->socket, ZMQ_FD, &p->watch.fd, &size) < 0 ||
        loop_add(loop, &p->watch) < 0) {
        int saved = errno;
        zmq_close(p->socket);
        p->socket = NULL;
        errno = saved;
        return -1;
    }
    touch(p);
    return 0;
}

void
pipe_hide(struct pipe *p)
{
    if (p->endpoint && strncmp(p->endpoint, "ipc://", 6) == 0)
        unlink(p->endpoint + 6);
}

void
pipe_close(struct pipe *p)
{
    if (p->socket) {
        loop_remove(p->loop, &p->watch);
        zmq_close(p->socket);
        p->socket = NULL;
        pipe_hide(p);
    }
    untouch(p);
    free(p->endpoint);
    p->endpoint = NULL;
}

int
pipe_send(struct pipe *p, const void *frame, size_t size)
{
    if (!p->socket) {
        errno = EAGAIN;
        return -1;
    }
    touch(p);
    return zmq_send(p->socket, frame, size, ZMQ_DONTWAIT) < 0 ? -1 : 0;
}

int
pipe_send_owned(struct pipe *p, void *data, size_t size, void (*free_data)(void *data, void *hint), void *hint)
{
    zmq_msg_t msg;
    if (!p->socket || zmq_msg_init_data(&msg, data, size, free_data, hint) < 0) {
        free_data(data, hint);
        errno = EAGAIN;
        return -1;
    }
    touch(p);
    if (zmq_msg_send(&msg, p->socket, ZMQ_DONTWAIT) < 0) {
        int saved = errno;
        zmq_msg_close(&msg); /* gives the data back */
        errno = saved;
        return -1;
    }
    return 0;
}

static int
events(struct pipe *p)
{
    int now = 0;
    size_t size = sizeof now;
    return p->socket && zmq_getsockopt(p->socket, ZMQ_EVENTS, &now, &size) == 0 ? now : 0;
}

void
pipe_drain(struct pipe *p)
{
    zmq_msg_t msg;
    for (int n = 0; events(p) & ZMQ_POLLIN; n++) {
        if (n == ROUND) { /* others have a turn; the next round is due at once */
            touch(p);
            return;
        }
        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, p->socket, ZMQ_DONTWAIT) >= 0)
            p->frame(p->arg, zmq_msg_data(&msg), zmq_msg_more(&msg) ? 0 : zmq_msg_size(&msg)); /* parts are no frame */
        zmq_msg_close(&msg);
    }
}

bool
pipe_connected(struct pipe *p)
{
    int now = events(p);
    if (now & ZMQ_POLLIN)
        touch(p); /* looking may have taken its signal away */
    return now != 0;
}

bool
pipe_drain_touched(void)
{
    int n = 0;
    for (struct pipe *p = touched_list; p; p = p->next_touched)
        n++;
    while (n-- > 0 && touched_list) { /* one at a time: what is read may send to others, or close them */
        struct pipe *p = touched_list;
        untouch(p);
        pipe_drain(p);
    }
    return touched_list != NULL; /* touched since: they have their turn in the next round */
}
