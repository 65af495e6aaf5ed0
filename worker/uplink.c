/* uplink.c - the ZeroMQ pipe to the supervisor.
 *
 * Owns: the ZeroMQ context, the one DEALER socket, the lifeline.
 * Guarantees: a send never waits (no high-water mark: what a worker says is bounded by what it is given);
 * where the process waits, it ends at once when the supervisor is gone. The context is closed by uplink_close
 * only, never by an exit handler: a body may call exit() while frames are still on their way, and must not
 * hang. The connection is not made anew: what was on the way would be missing, unseen by either side; the supervisor
 * replaces a worker whose pipe is gone. Must not know: what frames mean. */
#include "worker/uplink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/children.h"
#include "shared/log.h"
#include "worker/told.h"

#define LINGER_MS 1000

static void *context, *socket_;
static int lifeline = -1;

static _Noreturn void
orphaned(void)
{
    _exit(CHILD_EXIT_PROTOCOL); /* nobody is left to read what exit handlers would do */
}

/* take is the way without a wait: a frame that is already here. */
static bool
take(zmq_msg_t *frame)
{
    zmq_msg_t got;
    zmq_msg_init(&got);
    while (zmq_msg_recv(&got, socket_, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        zmq_msg_close(&got);
        if (errno != EAGAIN)
            panic("zmq_msg_recv: %s", zmq_strerror(errno));
        return false;
    }
    zmq_msg_init(frame);
    zmq_msg_move(frame, &got);
    zmq_msg_close(&got);
    return true;
}

static enum peer_event
uplink_wait(struct peer *self, mono_ns deadline)
{
    (void)self;
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = socket_, .events = ZMQ_POLLIN},
                                  {.fd = lifeline}, /* its end is told unasked; what comes through it means nothing */
                                  {.fd = told_fd(), .events = ZMQ_POLLIN}};
        mono_ns now = deadline == MONO_NEVER ? 0 : clock_mono();
        int n = zmq_poll(items, 3, clock_ms_until(deadline, now));
        if (n > 0 && items[1].revents)
            orphaned();
        if (told())
            return PEER_TOLD;
        if (n > 0 && items[0].revents)
            return PEER_FRAME;
        if (n == 0 && clock_mono() >= deadline)
            return PEER_TIME;
    }
}

static enum peer_event
uplink_receive(struct peer *self, zmq_msg_t *frame)
{
    while (!take(frame))
        if (uplink_wait(self, MONO_NEVER) == PEER_TOLD)
            return PEER_TOLD;
    return PEER_FRAME;
}

static void
uplink_pause(struct peer *self)
{
    (void)self;
    struct pollfd fd = {.fd = lifeline};
    if (poll(&fd, 1, 1) > 0)
        orphaned();
}

static void
uplink_send(struct peer *self, const void *frame, size_t size)
{
    (void)self;
    while (zmq_send(socket_, frame, size, ZMQ_DONTWAIT) < 0)
        if (errno != EINTR) {
            log_error("cannot send to the supervisor", "error=\"%s\"", zmq_strerror(errno));
            return;
        }
}

static struct peer uplink = {uplink_receive, uplink_wait, uplink_pause, uplink_send};

const char *
uplink_open(const char *endpoint, int fd)
{
    const int none = 0, linger = LINGER_MS, never = -1;
    lifeline = fd;
    context = zmq_ctx_new();
    socket_ = context ? zmq_socket(context, ZMQ_DEALER) : NULL;
    if (!socket_)
        return zmq_strerror(errno);
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket_, ZMQ_RECONNECT_IVL, &never, sizeof never); /* frames would be lost on the way */
    return zmq_connect(socket_, endpoint) == 0 ? NULL : zmq_strerror(errno);
}

struct peer *
uplink_peer(void)
{
    return &uplink;
}

void
uplink_close(void)
{
    if (socket_)
        zmq_close(socket_);
    while (context && zmq_ctx_term(context) < 0 && errno == EINTR)
        ;
    socket_ = context = NULL;
}
