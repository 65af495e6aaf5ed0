/* scribbles.h - segments that change under the eyes of who reads them.
 *
 * Who includes holding.c behind this has each access to a segment go through before_access, which writes what
 * is to be written by then; and each look at a slot is remembered. The functions are defined here. */
#ifndef TESTS_FUZZ_PLAY_SCRIBBLES_H
#define TESTS_FUZZ_PLAY_SCRIBBLES_H

#include <stdatomic.h>
#include <string.h>

#include "shared/scoreboard.h"
#include "tests/fuzz/play/input.h"

#define WORKERS 2
#define SEG_SLOTS 16
#define SCRIBBLES 8

static struct scoreboard *segments[WORKERS];

/* What is written later: before the access that is `wait` accesses away. */
static struct scribble {
    uint32_t wait, place;
    uint8_t worker, value;
    bool here; /* over what is accessed */
} scribbles[SCRIBBLES];
static uint32_t n_scribbles;

static _Atomic uint8_t *seen; /* the slot that was looked at last, and what it was */
static unsigned seen_state;

static void
before_access(volatile void *object, size_t size)
{
    for (uint32_t i = 0; i < n_scribbles;) {
        struct scribble *s = &scribbles[i];
        if (s->wait-- > 0) {
            i++;
            continue;
        }
        if (s->here && size == 1)
            *(volatile uint8_t *)object = s->value;
        else
            ((volatile uint8_t *)segments[s->worker])[s->place] = s->value;
        *s = scribbles[--n_scribbles];
    }
}

static unsigned
slot_seen(_Atomic uint8_t *slot)
{
    before_access(slot, 1);
    seen = slot;
    return seen_state = (slot_get)(slot);
}

/* place takes a place in the segment: mostly one that is read. */
static uint32_t
place(struct input *in)
{
    size_t size = scoreboard_size(SEG_SLOTS);
    uint32_t at = (uint32_t)input_number(in, 2);
    switch (input_below(in, 4)) {
    case 0:
        return (uint32_t)(at % size);
    case 1: /* phase to failures_read */
        return at % (uint32_t)offsetof(struct scoreboard, message);
    case 2:
        return (uint32_t)(offsetof(struct scoreboard, reasons) + at % (2 * sizeof(struct reason)));
    default:
        return (uint32_t)(offsetof(struct scoreboard, state) + at % SEG_SLOTS);
    }
}

/* scribble_now writes some bytes, or a byte again and again: over a whole reason, say. */
static void
scribble_now(struct input *in, unsigned worker)
{
    size_t n, size = scoreboard_size(SEG_SLOTS);
    uint32_t at = place(in), how = input_byte(in);
    if (how & 0x80) {
        n = (how & 0x7f) * 8;
        memset((char *)segments[worker] + at, input_byte(in), n < size - at ? n : size - at);
        return;
    }
    const uint8_t *bytes = input_take(in, 1 + how % 16, &n);
    memcpy((char *)segments[worker] + at, bytes, n < size - at ? n : size - at);
}

static void
scribble_later(struct input *in, unsigned worker)
{
    if (n_scribbles == SCRIBBLES)
        return;
    struct scribble *s = &scribbles[n_scribbles++];
    s->worker = (uint8_t)worker;
    s->wait = input_byte(in);
    s->here = input_below(in, 2);
    s->place = place(in);
    s->value = input_byte(in);
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#define atomic_load_explicit(object, order) (before_access((object), sizeof *(object)), *(object))
#define atomic_store_explicit(object, value, order)                                                          \
    (before_access((object), sizeof *(object)), (void)(*(object) = (value)))
#define slot_get(slot) slot_seen(slot)
#define slot_set(slot, to) (before_access((slot), 1), (slot_set)((slot), (to)))
#define slot_move(slot, from, to) (before_access((slot), 1), (slot_move)((slot), (from), (to)))

#endif
