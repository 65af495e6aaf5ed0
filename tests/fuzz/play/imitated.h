/* imitated.h - the pipe to a worker and the emitter, imitated: for a target that takes their place.
 *
 * The functions are defined here. What the emitter is given must be good; nothing is sent, and what is to be
 * confirmed is confirmed by the target. */
#ifndef TESTS_FUZZ_PLAY_IMITATED_H
#define TESTS_FUZZ_PLAY_IMITATED_H

#include <stdlib.h>
#include <string.h>

#include "shared/wire_sends.h"
#include "supervisor/emit.h"
#include "supervisor/pipe.h"
#include "tests/fuzz/play/must.h"

int
pipe_open(struct pipe *p, void *zmq, struct loop *loop, char *endpoint, bool others,
          void (*frame)(void *arg, const void *data, size_t size), void *arg)
{
    (void)zmq, (void)others;
    *p = (struct pipe){.loop = loop, .endpoint = endpoint, .frame = frame, .arg = arg};
    return 0;
}

void
pipe_close(struct pipe *p)
{
    free(p->endpoint);
    p->endpoint = NULL;
}

void
pipe_hide(struct pipe *p)
{
    (void)p;
}

int
pipe_send(struct pipe *p, const void *frame, size_t size)
{
    (void)p, (void)frame;
    return size % 2 ? -1 : 0;
}

void
pipe_drain(struct pipe *p)
{
    (void)p;
}

bool
pipe_connected(struct pipe *p)
{
    (void)p;
    return false;
}

struct emitter *
emit_open(struct task *t, char **error)
{
    (void)error;
    return (struct emitter *)t;
}

void
emit_letter(struct emitter *e, struct partition *p, uint64_t pos, const char *reason, struct autopsy *autopsy)
{
    (void)e, (void)autopsy;
    MUST(ledger_entry(&p->led, pos)->state == ENTRY_LETTER, "%s", reason);
}

/* look_at_messages reads all that a group has; returns how many messages there were. */
static uint32_t
look_at_messages(struct wire_sends_walk *walk, const char *begin, const char *end)
{
    struct wire_message_view view;
    const char *value;
    size_t length;
    uint32_t n = 0;
    for (; wire_sends_next(walk, &view); n++) {
        const unsigned char *at = NULL;
        MUST(view.topic > begin && view.topic + view.m.topic_length < end, "a topic outside");
        MUST(strlen(view.topic) == view.m.topic_length, "%s", view.topic);
        MUST(!view.value || view.value + view.m.value_length < end, "a value outside");
        view.headers.r.headers = view.m.headers;
        while (wire_header_next(&view.headers, &at, &value, &length))
            MUST(!value || value + length < end, "a header outside");
    }
    return n;
}

void
emit_frame(struct emitter *e, const void *frame, size_t size, const struct holding_sends *sends)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    MUST(e, "no emitter");
    wire_sends_walk(&walk, frame);
    while (wire_sends_group(&walk, &group)) {
        const struct holding_sends *s = group.seq == WIRE_NO_RECORD ? NULL : sends++;
        MUST(!s || !s->part || ledger_entry(&s->part->led, s->pos)->state == ENTRY_SENDING, "%d", (int)s->pos);
        uint32_t n = look_at_messages(&walk, frame, (const char *)frame + size);
        MUST(n == group.messages, "%u of %u messages", n, group.messages);
    }
}

uint64_t
emit_bytes(const struct emitter *e)
{
    (void)e;
    return 0;
}

uint64_t
emit_sends_waiting(const struct emitter *e)
{
    (void)e;
    return 0;
}

uint64_t
emit_letters_waiting(const struct emitter *e)
{
    (void)e;
    return 0;
}

const char *
emit_trouble(const struct emitter *e)
{
    (void)e;
    return NULL;
}

#endif
