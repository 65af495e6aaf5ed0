/* outbox.c - what a worker tells the supervisor.
 *
 * Owns: nothing yet: every frame goes out at once. The truth about records stands on the scoreboard; the
 * frames in here only say when to look at it. Must not know: how frames travel. */
#include "worker/outbox.h"

#include <string.h>
#include <unistd.h>

void
outbox_ready(struct hr_task *self)
{
    struct wire_ready ready = {.pid = getpid()};
    wire_fill(&ready.header, WIRE_READY, self->generation, sizeof ready);
    self->peer->send(self->peer, &ready, sizeof ready);
}

static void
progress(struct hr_task *self, uint64_t busy_ns, uint64_t records)
{
    struct wire_progress progress = {
        .passed = atomic_load_explicit(&self->sb->passed, memory_order_relaxed),
        .busy_ns = busy_ns,
        .records = records,
    };
    wire_fill(&progress.header, WIRE_PROGRESS, self->generation, sizeof progress);
    self->peer->send(self->peer, &progress, sizeof progress);
}

void
outbox_left(struct hr_task *self, mono_ns busy_ns, uint64_t records)
{
    progress(self, busy_ns > 0 ? (uint64_t)busy_ns : 1, records); /* 0 would say that no frame was left */
}

void
outbox_look(struct hr_task *self)
{
    progress(self, 0, 0);
}

void
outbox_triggered(struct hr_task *self, uint64_t number, int result)
{
    struct wire_triggered triggered = {.number = number, .result = result};
    wire_fill(&triggered.header, WIRE_TRIGGERED, self->generation, sizeof triggered);
    self->peer->send(self->peer, &triggered, sizeof triggered);
}
