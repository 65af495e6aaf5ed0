/* sleep.c - hr_sleep.
 *
 * Guarantees: it ends at once when told to stop, by a signal or by the supervisor; frames that come meanwhile
 * are kept in order for hr_next. Owns nothing. */
#include <math.h>

#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/told.h"

static mono_ns
deadline_in(double seconds)
{
    mono_ns now = clock_mono();
    if (!(seconds > 0)) /* also not a number */
        return now;
    double ns = ceil(seconds * (double)NS_PER_S);
    return ns < (double)(MONO_NEVER - now) ? now + (mono_ns)ns : MONO_NEVER;
}

bool
hr_sleep(hr_task *self, double seconds)
{
    mono_ns deadline = deadline_in(seconds);
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
