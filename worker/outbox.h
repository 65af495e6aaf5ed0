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
/* The run of trigger `number` is over. */
void outbox_triggered(struct hr_task *self, uint64_t number, int result);

#endif
