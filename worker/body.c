/* body.c - the body of a task, called, and how it ended.
 *
 * DESIGN: a body ends in one of three ways, and each leaves its record in the state that says what happened:
 * it was told to stop (the record is handed back, no attempt is counted), it returned of itself (the record
 * failed), it died or called exit (nothing is done here; the record stays on, and the supervisor finds it
 * so). A verdict that the body has given counts in either of the first two. Guarantees: the record's state is
 * published before the phase. Owns nothing. Must not know: who is at the other end. */
#include "worker/body.h"

#include <stdio.h>

#include "shared/children.h"
#include "worker/batch.h"
#include "worker/caller.h"
#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/told.h"
#include "worker/trigger.h"

static int
returned(struct hr_task *self, int result)
{
    char number[16];
    snprintf(number, sizeof number, "%d", result);
    if (batch_is_on(self))
        batch_returned(self, number);
    else if (self->turn.on && self->record.verdict == VERDICT_NONE)
        inbox_fail(self, &self->record, FAILURE_RETURNED, number);
    else if (self->turn.on)
        inbox_end(self);
    outbox_close(self);
    outbox_flush(self);
    uint32_t ready = PHASE_READY;
    atomic_store(&self->sb->returned, result);
    atomic_compare_exchange_strong(&self->sb->phase, &ready, PHASE_RETURNED); /* or it was told just now */
    outbox_look(self);
    return result == 0 ? CHILD_EXIT_OK : CHILD_EXIT_RETURNED;
}

static int
stopped(struct hr_task *self)
{
    if (batch_is_on(self)) {
        batch_hand_back(self);
    } else if (self->turn.on && self->record.verdict == VERDICT_NONE) {
        outbox_discard(self);
        turn_hand_back(&self->turn);
    } else if (self->turn.on) {
        inbox_end(self);
    }
    outbox_close(self);
    outbox_flush(self);
    return CHILD_EXIT_OK;
}

int
body_run(struct hr_task *self, hr_task_function *body)
{
    int result = 0;
    caller_is_body();
    if (!told())
        result = self->kind == SELF_TIMER ? trigger_serve(self, body) : body(self);
    fflush(stdout);
    return told() ? stopped(self) : returned(self, result);
}
