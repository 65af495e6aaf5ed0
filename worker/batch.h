/* batch.h - records that are worked on together: hr_next_batch (headrace.h). */
#ifndef WORKER_BATCH_H
#define WORKER_BATCH_H

#include "worker/self.h"

static inline bool
batch_is_on(const struct hr_task *self)
{
    return self->batch.on;
}

/* batch_end publishes the end of the batch that is on: each record finished, or failed as the body's verdict says. */
void batch_end(struct hr_task *self);
/* batch_returned: the body returned of itself. One record has failed; of several, which one is to blame is not known: they
 * stay on, and the supervisor finds it out. What the body gave a verdict on has failed with that. */
void batch_returned(struct hr_task *self, const char *number);
/* batch_hand_back: the body was told to stop, and returned. */
void batch_hand_back(struct hr_task *self);
void batch_close(struct hr_task *self);

#endif
