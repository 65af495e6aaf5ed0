/* received.c - what workers send: from their frames to the emitter.
 *
 * Owns: nothing. Guarantees: what a record sends is handed on when its slot says that it has finished, and
 * its entry waits for the confirmation; a worker that sends for another record, or not as the wire says, is
 * replaced, and nothing that cannot be believed is handed on. Must not know: how messages are produced.
 *
 * DESIGN
 * Nothing is refused for want of room: a pipe that is not read would block workers, and a stop would hang
 * (slot protocol rule 11). What bounds the memory is that no records are handed out while too much is not
 * confirmed (feed.c), and, for bodies without records, a word on the scoreboard that keeps them in hr_sleep.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire_sends.h"
#include "supervisor/emit.h"
#include "supervisor/supervisor.h"

/* emitter_of opens the producer of a task that sends for the first time. */
static struct emitter *
emitter_of(struct task *t)
{
    char *error = NULL;
    if (t->emitter || t->failed_for_good)
        return t->emitter;
    t->emitter = emit_open(t, &error);
    if (!t->emitter) {
        t->failed_for_good = true;
        app_give_up(t->app, t->conf->name, error, "its producer cannot be made: is the kafka section right?");
        free(error);
    }
    return t->emitter;
}

/* settle finds the records that the groups are of: `sends` gets one for each, in order. */
static const char *
settle(struct worker *w, const void *frame, struct holding_sends *sends)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    uint32_t n = 0;
    wire_sends_walk(&walk, frame);
    while (wire_sends_group(&walk, &group))
        if (group.seq != WIRE_NO_RECORD)
            sends[n++] = (struct holding_sends){.seq = group.seq};
    if (n > 0 && w->task->conf->kind != CONF_STREAM)
        return "it sends for a record, and has none";
    return n > 0 ? holding_received(&w->holding, sends, n) : NULL;
}

void
received_sends(struct worker *w, const void *frame, size_t size)
{
    struct wire_sends head;
    if (w->misbehaved || !w->sb)
        return;
    const char *wrong = wire_sends_check(frame, size);
    if (wrong) {
        worker_replace(w, wrong);
        return;
    }
    struct emitter *e = emitter_of(w->task);
    if (!e)
        return; /* the app is given up: what is not received goes back */
    memcpy(&head, frame, sizeof head);
    struct holding_sends *sends = mem_array(head.groups, sizeof *sends);
    wrong = settle(w, frame, sends);
    emit_frame(e, frame, size, sends);
    free(sends);
    w->task->sent_bytes = (w->task->sent_bytes * 3 + size / head.groups) / 4;
    w->task->hungry = true;
    if (wrong)
        worker_replace(w, wrong);
}

void
received_hold_back(struct worker *w)
{
    struct task *t = w->task;
    if (!w->sb || !t->emitter || t->conf->kind == CONF_STREAM)
        return;
    bool full = emit_bytes(t->emitter) >= (uint64_t)t->app->conf->memory;
    w->held_back = full;
    atomic_store_explicit(&w->sb->hold_back, full, memory_order_release);
}
