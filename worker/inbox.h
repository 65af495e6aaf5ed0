/* inbox.h - frames in, records out. hr_next and hr_next_as (headrace.h) live here. */
#ifndef WORKER_INBOX_H
#define WORKER_INBOX_H

#include "worker/self.h"

/* inbox_take gives the next frame, which the caller closes; it is of the given type, or this process ends: it
 * can be of no other. false: told to stop. */
bool inbox_take(struct hr_task *self, enum wire_type type, zmq_msg_t *frame);

/* inbox_keep receives a frame that is there, for later; one that says stop is heeded at once. */
void inbox_keep(struct hr_task *self);

/* inbox_read reads the next record of the frame that is open, and says its sequence number; false: there is none. It is not
 * begun. inbox_detach gives the frame away, whose records were all read; *end is the sequence number behind them. */
bool inbox_read(struct hr_task *self, struct hr_record *record, uint64_t *seq);
bool inbox_detach(struct hr_task *self, zmq_msg_t *frame, uint64_t *end);
/* inbox_more opens the next frame: PEER_FRAME; it waits until the deadline (PEER_TIME), or until told to stop (PEER_TOLD). */
enum peer_event inbox_more(struct hr_task *self, mono_ns deadline);
/* inbox_rest begins to count the work on the open frame anew, where a batch has taken records of it. */
void inbox_rest(struct hr_task *self);

/* inbox_fail publishes that this record, which is on, failed. */
void inbox_fail(struct hr_task *self, const struct hr_record *record, enum failure_kind kind, const char *reason);

/* inbox_end publishes the end of what is on: finished, or failed as the body's verdict says. */
void inbox_end(struct hr_task *self);

/* inbox_close frees what is held. */
void inbox_close(struct hr_task *self);

#endif
