/* wire_sends.c - what finished records send: built by the worker, checked and read by the supervisor.
 *
 * Owns: the layout of a frame of sends, which wire.md draws.
 *
 * DESIGN: all of it grows in one block: room for the frame's head, the closed groups, the open group behind
 * them. So a group that must not leave is dropped by moving the end back, and one that is still open when the
 * frame leaves is moved to the front. The supervisor checks a frame once from end to end; what walks through
 * it after that need not look again.
 *
 * Guarantees: what is built here passes wire_sends_check; nothing in there looks outside of the frame, and
 * every byte of a frame that passes is accounted for. Must not know: when a frame leaves, what becomes of a
 * message. */
#include "shared/wire_sends.h"

#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire_int.h"

_Static_assert(sizeof(struct wire_sends) % 8 == 0, "groups start at a multiple of 8");
_Static_assert(sizeof(struct wire_group) % 8 == 0, "messages start at a multiple of 8");
_Static_assert(sizeof(struct wire_message) % 8 == 0, "a message without content has a size that is one too");

#define PADDING 7 /* what wire_sends_end may add */

/* ---- building ---- */

size_t
wire_sends_size(size_t topic, size_t key, size_t value)
{
    return sizeof(struct wire_message) + topic + key + value + 3 + PADDING;
}

size_t
wire_sends_header_size(size_t name, size_t value)
{
    return sizeof(struct wire_record_header) + name + value + 2;
}

bool
wire_sends_fits(const struct wire_sends_builder *b, size_t more)
{
    size_t open = b->messages > 0 ? b->size - b->closed : sizeof(struct wire_group);
    return more <= WIRE_GROUP_MAX && open + more <= WIRE_GROUP_MAX;
}

static void
open_group(struct wire_sends_builder *b)
{
    if (b->size == 0)
        b->size = b->closed = sizeof(struct wire_sends);
    b->data = wire_reserve(b->data, b->size, &b->capacity, sizeof(struct wire_group));
    b->size += sizeof(struct wire_group);
}

size_t
wire_sends_message(struct wire_sends_builder *b, const struct wire_message *m, const char *topic,
                   struct wire_bytes key, struct wire_bytes value)
{
    struct wire_bytes name = {topic, strlen(topic)};
    if (b->messages == 0)
        open_group(b);
    struct wire_message head = *m;
    head.topic_length = (uint32_t)name.size;
    head.key_length = wire_length(key);
    head.value_length = wire_length(value);
    head.headers = 0;
    size_t at = b->size;
    b->data =
        wire_reserve(b->data, at, &b->capacity,
                     wire_sends_size(name.size, wire_space(head.key_length), wire_space(head.value_length)));
    memcpy(b->data + at, &head, sizeof head);
    unsigned char *end = wire_put_text(b->data + at + sizeof head, name);
    end = wire_put_text(wire_put_text(end, key), value);
    b->size = (size_t)(end - b->data);
    b->messages++;
    return at;
}

void
wire_sends_header(struct wire_sends_builder *b, size_t at, const char *name, struct wire_bytes value)
{
    struct wire_bytes named = {name, strlen(name)};
    struct wire_record_header h = {.name_length = (uint32_t)wire_length(named),
                                   .value_length = wire_length(value)};
    struct wire_message head;
    b->data = wire_reserve(b->data, b->size, &b->capacity,
                           wire_sends_header_size(named.size, wire_space(h.value_length)) + PADDING);
    memcpy(b->data + b->size, &h, sizeof h);
    unsigned char *end = wire_put_text(wire_put_text(b->data + b->size + sizeof h, named), value);
    b->size = (size_t)(end - b->data);
    memcpy(&head, b->data + at, sizeof head);
    head.headers++;
    memcpy(b->data + at, &head, sizeof head);
}

void
wire_sends_end(struct wire_sends_builder *b, size_t at)
{
    size_t end = wire_round_up(b->size);
    struct wire_message head;
    memset(b->data + b->size, 0, end - b->size);
    memcpy(&head, b->data + at, sizeof head);
    head.size = (uint32_t)(end - at);
    memcpy(b->data + at, &head, sizeof head);
    b->size = end;
}

void
wire_sends_close(struct wire_sends_builder *b, uint64_t seq)
{
    if (b->messages == 0)
        panic("no group is open");
    struct wire_group group = {.seq = seq, .size = (uint32_t)(b->size - b->closed), .messages = b->messages};
    memcpy(b->data + b->closed, &group, sizeof group);
    b->closed = b->size;
    b->messages = 0;
    b->groups++;
}

void
wire_sends_discard(struct wire_sends_builder *b)
{
    b->size = b->closed;
    b->messages = 0;
}

size_t
wire_sends_frame(struct wire_sends_builder *b, uint32_t generation)
{
    struct wire_sends head = {.groups = b->groups};
    wire_fill(&head.header, WIRE_SENDS, generation, b->closed);
    memcpy(b->data, &head, sizeof head);
    return b->closed;
}

void
wire_sends_left(struct wire_sends_builder *b)
{
    size_t open = b->size - b->closed;
    memmove(b->data + sizeof(struct wire_sends), b->data + b->closed, open);
    b->closed = sizeof(struct wire_sends);
    b->size = b->closed + open;
    b->groups = 0;
}

void
wire_sends_free(struct wire_sends_builder *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

/* ---- checking ---- */

static const char *
view_message(const unsigned char *at, struct wire_message_view *view)
{
    const char *wrong;
    memcpy(&view->m, at, sizeof view->m);
    const unsigned char *end = at + view->m.size;
    at += sizeof view->m;
    if ((wrong = wire_take_text(&at, end, (int32_t)view->m.topic_length, &view->topic)) ||
        (wrong = wire_take_text(&at, end, view->m.key_length, &view->key)) ||
        (wrong = wire_take_text(&at, end, view->m.value_length, &view->value)))
        return wrong;
    view->headers.headers = at;
    view->headers.end = end;
    return NULL;
}

static const char *
check_message(const unsigned char *at, size_t room, struct wire_message_view *view)
{
    struct wire_message m;
    if (room < sizeof m)
        return "message runs past its group";
    memcpy(&m, at, sizeof m);
    if (m.size % 8 != 0 || m.size < sizeof m || m.size > room)
        return "message of an impossible size";
    if (m.topic_length == 0 || m.topic_length > WIRE_TOPIC_MAX)
        return "topic name of an impossible length";
    if (m.partition < WIRE_ANY_PARTITION || m.timestamp < 0)
        return "negative partition or timestamp";
    const char *wrong = view_message(at, view);
    if (wrong)
        return wrong;
    if (strlen(view->topic) != m.topic_length)
        return "NUL in a topic name";
    return wire_check_headers(view->headers.headers, view->headers.end, m.headers);
}

static const char *
check_group(const unsigned char *at, size_t room, struct wire_group *group)
{
    if (room < sizeof *group)
        return "group runs past the frame";
    memcpy(group, at, sizeof *group);
    if (group->size % 8 != 0 || group->size < sizeof *group || group->size > room ||
        group->size > WIRE_GROUP_MAX)
        return "group of an impossible size";
    if (group->messages == 0)
        return "group without messages";
    size_t done = sizeof *group;
    for (uint32_t i = 0; i < group->messages; i++) {
        struct wire_message_view view;
        const char *wrong = check_message(at + done, group->size - done, &view);
        if (wrong)
            return wrong;
        done += view.m.size;
    }
    return done == group->size ? NULL : "bytes left over in a group";
}

/* ascends says whether the group may follow those before it; *next is where sequence numbers go on. */
static bool
ascends(const struct wire_group *group, uint64_t *next)
{
    if (group->seq == WIRE_NO_RECORD)
        return true;
    if (group->seq < *next)
        return false;
    *next = group->seq + 1;
    return true;
}

const char *
wire_sends_check(const void *frame, size_t size)
{
    struct wire_sends head;
    uint64_t next = 0;
    memcpy(&head, frame, sizeof head);
    size_t at = sizeof head;
    if (head.groups == 0 || head.zero != 0)
        return "no groups, or reserved bits are set";
    for (uint32_t i = 0; i < head.groups; i++) {
        struct wire_group group;
        const char *wrong = check_group((const unsigned char *)frame + at, size - at, &group);
        if (wrong)
            return wrong;
        if (!ascends(&group, &next))
            return "groups in another order than their records";
        at += group.size;
    }
    return at == size ? NULL : "bytes left over behind the groups";
}

/* ---- walking ---- */

void
wire_sends_walk(struct wire_sends_walk *walk, const void *frame)
{
    struct wire_sends head;
    memcpy(&head, frame, sizeof head);
    *walk = (struct wire_sends_walk){.frame = frame, .group_end = sizeof head, .groups = head.groups};
}

bool
wire_sends_group(struct wire_sends_walk *walk, struct wire_group *group)
{
    if (walk->groups == 0)
        return false;
    walk->at = walk->group_end; /* messages that were not asked for are passed over */
    memcpy(group, walk->frame + walk->at, sizeof *group);
    walk->group_end = walk->at + group->size;
    walk->at += sizeof *group;
    walk->messages = group->messages;
    walk->groups--;
    return true;
}

bool
wire_sends_next(struct wire_sends_walk *walk, struct wire_message_view *view)
{
    if (walk->messages == 0)
        return false;
    const char *wrong = view_message(walk->frame + walk->at, view);
    if (wrong)
        panic("a frame that was checked cannot be read: %s", wrong);
    walk->at += view->m.size;
    walk->messages--;
    return true;
}
