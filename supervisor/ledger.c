/* ledger.c - every record of one partition between Kafka and its commit.
 *
 * Owns: which offsets are read and not done, in which state, at which attempt; one reference to each body.
 * Guarantees: the commit point never passes a record that is not done. It goes back only where Kafka itself
 * does (a log that was truncated is read anew from a lower offset). Knows nothing of: Kafka handles, sockets,
 * processes, the clock, workers.
 *
 * DESIGN
 * Entries stand in a ring that grows by doubling, from `base` (the first not done) to `head`. Records are
 * done in any order; base moves over a done prefix only, and that prefix is what may be committed. The body
 * of a done record is released at once, though its entry may have to wait for those before it. */
#include "supervisor/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"

#define FIRST_SIZE 64

static struct entry *
slot_of(const struct ledger *led, uint64_t pos)
{
    return &led->ring[pos & (led->size - 1)];
}

void
ledger_init(struct ledger *led, void (*release)(void *body))
{
    memset(led, 0, sizeof *led);
    led->size = FIRST_SIZE;
    led->ring = mem_array(led->size, sizeof *led->ring);
    led->position = -1;
    led->release = release;
}

static void
drop_body(struct ledger *led, struct entry *e)
{
    if (e->body)
        led->release(e->body);
    e->body = NULL;
}

void
ledger_clear(struct ledger *led)
{
    for (uint64_t pos = led->base; pos < led->head; pos++)
        drop_body(led, slot_of(led, pos));
    free(led->ring);
    memset(led, 0, sizeof *led);
}

static void
grow(struct ledger *led)
{
    struct entry *bigger = mem_array(led->size * 2, sizeof *bigger);
    for (uint64_t pos = led->base; pos < led->head; pos++)
        bigger[pos & (led->size * 2 - 1)] = *slot_of(led, pos);
    free(led->ring);
    led->ring = bigger;
    led->size *= 2;
}

uint64_t
ledger_add(struct ledger *led, int64_t offset, void *body, uint32_t at, uint32_t bytes)
{
    if (led->head - led->base == led->size)
        grow(led);
    uint64_t pos = led->head++;
    *slot_of(led, pos) =
        (struct entry){.offset = offset, .body = body, .at = at, .bytes = bytes, .attempt = 1};
    led->bytes += bytes;
    led->position = offset + 1;
    return pos;
}

void
ledger_body(struct ledger *led, uint64_t pos, void *body, uint32_t at, uint32_t bytes)
{
    struct entry *e = ledger_entry(led, pos);
    drop_body(led, e);
    led->bytes += bytes - (uint64_t)e->bytes;
    e->body = body;
    e->at = at;
    e->bytes = bytes;
}

void
ledger_reach(struct ledger *led, int64_t position)
{
    if (position > led->position)
        led->position = position;
}

struct entry *
ledger_entry(struct ledger *led, uint64_t pos)
{
    if (pos < led->base || pos >= led->head)
        panic("no entry at %" PRIu64 ": %" PRIu64 " to %" PRIu64, pos, led->base, led->head);
    return slot_of(led, pos);
}

static struct entry *
expect(struct ledger *led, uint64_t pos, enum entry_state state)
{
    struct entry *e = ledger_entry(led, pos);
    if (e->state != state)
        panic("entry %" PRIu64 " (offset %" PRId64 ") is in state %d, not %d", pos, e->offset, e->state,
              state);
    return e;
}

void
ledger_hand(struct ledger *led, uint64_t pos)
{
    expect(led, pos, ENTRY_WAITING)->state = ENTRY_HELD;
    led->held++;
}

/* leave takes an entry out of the count of its state, which the callers change. */
static void
leave(struct ledger *led, const struct entry *e)
{
    led->held -= e->state == ENTRY_HELD;
    led->sending -= e->state == ENTRY_SENDING;
    led->letters -= e->state == ENTRY_LETTER;
}

void
ledger_take_back(struct ledger *led, uint64_t pos)
{
    struct entry *e = ledger_entry(led, pos);
    if (e->state != ENTRY_SENDING)
        expect(led, pos, ENTRY_HELD);
    leave(led, e);
    e->state = ENTRY_WAITING;
    e->due = 0;
}

void
ledger_sending(struct ledger *led, uint64_t pos)
{
    struct entry *e = expect(led, pos, ENTRY_HELD);
    leave(led, e);
    e->state = ENTRY_SENDING;
    led->sending++;
}

void
ledger_retry(struct ledger *led, uint64_t pos, mono_ns due)
{
    expect(led, pos, ENTRY_HELD);
    ledger_take_back(led, pos);
    struct entry *e = slot_of(led, pos);
    e->attempt++;
    e->due = due;
}

void
ledger_letter(struct ledger *led, uint64_t pos)
{
    struct entry *e = ledger_entry(led, pos);
    if (e->state != ENTRY_HELD && e->state != ENTRY_SENDING)
        expect(led, pos, ENTRY_WAITING);
    leave(led, e);
    e->state = ENTRY_LETTER;
    led->letters++;
}

static void
advance(struct ledger *led)
{
    for (const struct entry *e;
         led->base < led->head && (e = slot_of(led, led->base))->state == ENTRY_DONE;) {
        led->base++;
        if (e->lettered)
            led->lettered = led->base;
    }
}

void
ledger_done(struct ledger *led, uint64_t pos)
{
    struct entry *e = ledger_entry(led, pos);
    if (e->state == ENTRY_DONE)
        panic("entry %" PRIu64 " (offset %" PRId64 ") is done already", pos, e->offset);
    e->lettered = e->state == ENTRY_LETTER;
    leave(led, e);
    e->state = ENTRY_DONE;
    led->bytes -= e->bytes;
    drop_body(led, e);
    advance(led);
}

int64_t
ledger_commit_point(const struct ledger *led)
{
    return led->base < led->head ? slot_of(led, led->base)->offset : led->position;
}

bool
ledger_admits(const struct ledger *led, uint64_t window, uint64_t window_bytes)
{
    return led->base == led->head || (led->head - led->base < window && led->bytes < window_bytes);
}
