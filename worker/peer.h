/* peer.h - the other end: the supervisor (uplink.c), or a file of lines that stands in for it (try.c).
 *
 * Both speak frames (shared/wire.h), so a body runs the same way under either. */
#ifndef WORKER_PEER_H
#define WORKER_PEER_H

#include <zmq.h>

#include "shared/clock.h"

enum peer_event { PEER_FRAME, PEER_TOLD, PEER_TIME };

struct peer {
    /* receive waits for a frame, and gives it to the caller, who closes it (PEER_FRAME), or until this
     * process is told to stop (PEER_TOLD); `frame` is then untouched. */
    enum peer_event (*receive)(struct peer *, zmq_msg_t *frame);
    /* wait waits until `deadline` (PEER_TIME), until told to stop, or until receive would give a frame at
     * once. */
    enum peer_event (*wait)(struct peer *, mono_ns deadline);
    /* pause waits about a millisecond, whatever comes. */
    void (*pause)(struct peer *);
    /* send never waits; the frame is copied. */
    void (*send)(struct peer *, const void *frame, size_t size);
};

#endif
