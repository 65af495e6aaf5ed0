/* inbox.h - frames in, records out. hr_next and hr_next_as (headrace.h) live here. */
#ifndef WORKER_INBOX_H
#define WORKER_INBOX_H

#include "worker/self.h"

/* inbox_take gives the next frame, which the caller closes; it is of the given type, or this process ends: it
 * can be of no other. false: told to stop. */
bool inbox_take(struct hr_task *self, enum wire_type type, zmq_msg_t *frame);

/* inbox_keep receives a frame that is there, for later; one that says stop is heeded at once. */
void inbox_keep(struct hr_task *self);

/* inbox_fail publishes that the record that is on failed. */
void inbox_fail(struct hr_task *self, enum failure_kind kind, const char *reason);

/* inbox_end publishes the end of the record that is on: finished, or failed as the body's verdict says. */
void inbox_end(struct hr_task *self);

/* inbox_close frees what is held. */
void inbox_close(struct hr_task *self);

#endif
