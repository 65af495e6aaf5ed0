/* sleep.c - hr_sleep.
 *
 * Guarantees: it ends at once when told to stop, by a signal or by the supervisor; frames that come meanwhile
 * are kept in order for hr_next. Owns nothing. */

#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/told.h"

bool
hr_sleep(hr_task *self, double seconds)
{
    mono_ns deadline = clock_in(seconds);
    if (!self->turn.on) /* else what the record sends waits for its end */
        outbox_close(self);
    outbox_flush(self);
    if (self->kind != SELF_STREAM)
        outbox_await_room(self);
    while (!told()) {
        switch (self->peer->wait(self->peer, deadline)) {
        case PEER_FRAME:
            inbox_keep(self);
            break;
        case PEER_TOLD:
            return false;
        case PEER_TIME:
            return true;
        }
    }
    return false;
}
