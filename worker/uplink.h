/* uplink.h - the ZeroMQ pipe to the supervisor. */
#ifndef WORKER_UPLINK_H
#define WORKER_UPLINK_H

#include "worker/peer.h"

/* uplink_open connects; `lifeline` is a descriptor that reads EOF when the supervisor is gone. NULL on
 * success, else what went wrong (a constant text or zmq_strerror's). */
const char *uplink_open(const char *endpoint, int lifeline);
struct peer *uplink_peer(void);
/* uplink_close sends what is still to be sent, for a second at most. */
void uplink_close(void);

#endif
