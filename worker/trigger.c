/* trigger.c - a timer's body, called at each trigger.
 *
 * Guarantees: what the body printed is out before the supervisor hears that it has run; a trigger that was
 * begun is reported, whatever it returned. Owns nothing; does not know schedules. */
#include "worker/trigger.h"

#include <stdio.h>
#include <string.h>

#include "worker/inbox.h"
#include "worker/outbox.h"

int
trigger_serve(struct hr_task *self, hr_task_function *body)
{
    int result = 0;
    zmq_msg_t frame;
    while (result == 0 && inbox_take(self, WIRE_TRIGGER, &frame)) {
        struct wire_trigger trigger;
        memcpy(&trigger, zmq_msg_data(&frame), sizeof trigger); /* wire_open has checked the size */
        zmq_msg_close(&frame);
        outbox_await_room(self);
        result = body(self);
        fflush(stdout);
        outbox_close(self);
        outbox_flush(self);
        outbox_triggered(self, trigger.number, result);
    }
    return result;
}
