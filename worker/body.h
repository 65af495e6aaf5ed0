/* body.h - the body of a task, called, and how it ended. */
#ifndef WORKER_BODY_H
#define WORKER_BODY_H

#include "worker/self.h"

/* body_run calls the body (a timer's: at each trigger) and leaves its record in the state that says what
 * happened; returns the exit code (shared/children.h). */
int body_run(struct hr_task *self, hr_task_function *body);

#endif
