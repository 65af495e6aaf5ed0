/* trigger.h - a timer's body, called at each trigger. */
#ifndef WORKER_TRIGGER_H
#define WORKER_TRIGGER_H

#include "worker/self.h"

/* trigger_serve calls the body at each trigger, until told to stop or until it returns other than 0; returns
 * what it returned last. */
int trigger_serve(struct hr_task *self, hr_task_function *body);

#endif
