/* outbox.h - what a worker tells the supervisor. */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "worker/self.h"

/* Loaded and set up: may be given work. */
void outbox_ready(struct hr_task *self);
/* A frame was left, after busy_ns of work on `records` records. */
void outbox_left(struct hr_task *self, mono_ns busy_ns, uint64_t records);
/* Something stands on the scoreboard that should be looked at now: a record failed, or the last one ended. */
void outbox_look(struct hr_task *self);
/* The record that is on has finished: it ends on the scoreboard, and what it sends may leave. */
void outbox_finish(struct hr_task *self);
/* It did not finish: what it sends is dropped. */
void outbox_discard(struct hr_task *self);
/* What was sent by a body that has no record on may leave. */
void outbox_close(struct hr_task *self);
/* outbox_tend lets leave what has been kept for long enough (slot protocol rule 5); outbox_flush everything that may. */
void outbox_tend(struct hr_task *self);
void outbox_flush(struct hr_task *self);
/* outbox_await_room waits, in a body without records, until enough of what it sent is confirmed; or told to stop. */
void outbox_await_room(struct hr_task *self);
/* outbox_begin: the body is given a record. */
void outbox_begin(struct hr_task *self);
void outbox_free(struct hr_task *self);

/* The run of trigger `number` is over. */
void outbox_triggered(struct hr_task *self, uint64_t number, int result);

#endif
