/* wire_sends.h - WIRE_SENDS: what finished records send, from the worker to the supervisor.
 *
 * One frame is wire_sends, then `groups` groups, in the order in which their records finished. A group is
 * wire_group, then `messages` messages: what one record sends, all of it. A message is wire_message, then
 * topic, NUL, key, NUL, value, NUL, `headers` headers as in a batch, and zeros up to a multiple of 8. wire.md
 * draws them. */
#ifndef SHARED_WIRE_SENDS_H
#define SHARED_WIRE_SENDS_H

#include "shared/wire.h"

/* What one record may send in all, in bytes as they stand in the frame. headrace.h tells authors of tasks. */
#define WIRE_GROUP_MAX (64u << 20)
#define WIRE_NO_RECORD                                                                                       \
    UINT64_MAX /* wire_group.seq: of a timer, a background task, or a stream task between its records */
#define WIRE_ANY_PARTITION (-1)

struct wire_sends {
    struct wire_header header;
    uint32_t groups;
    uint32_t zero;
};

struct wire_group {
    uint64_t seq;      /* the record's sequence number; they ascend, but for WIRE_NO_RECORD */
    uint32_t size;     /* with all that is behind it, a multiple of 8 */
    uint32_t messages; /* at least 1 */
};

struct wire_message {
    uint32_t size;         /* with all that is behind it, a multiple of 8 */
    int32_t partition;     /* WIRE_ANY_PARTITION: by the key */
    uint32_t topic_length; /* 1 to 249 */
    int32_t key_length;    /* -1: no key */
    int32_t value_length;  /* -1: no value (a tombstone) */
    uint32_t headers;
    int64_t timestamp; /* ms since 1970; 0: when it is produced */
};

/* Groups being collected. A group is open between its first message and wire_sends_close, or
 * wire_sends_discard. */
struct wire_sends_builder {
    unsigned char *data; /* room for the frame's head, closed groups, the open one */
    size_t size, capacity;
    size_t closed;     /* where the open group starts: what is before may leave */
    uint32_t groups;   /* closed */
    uint32_t messages; /* of the open group; 0: none is open */
};

/* A message is added to the open group in three steps: wire_sends_message (with `m`'s partition and
 * timestamp) returns where it stands, wire_sends_header adds headers, wire_sends_end closes it. What it takes
 * is asked first: wire_sends_fits says whether the open group stays within WIRE_GROUP_MAX with `more` bytes.
 */
size_t wire_sends_size(size_t topic, size_t key, size_t value);
size_t wire_sends_header_size(size_t name, size_t value);
bool wire_sends_fits(const struct wire_sends_builder *b, size_t more);
size_t wire_sends_message(struct wire_sends_builder *b, const struct wire_message *m, const char *topic,
                          struct wire_bytes key, struct wire_bytes value);
void wire_sends_header(struct wire_sends_builder *b, size_t at, const char *name, struct wire_bytes value);
void wire_sends_end(struct wire_sends_builder *b, size_t at);
/* The open group, of which there must be one, belongs to `seq`; or, if there is one, it is dropped. */
void wire_sends_close(struct wire_sends_builder *b, uint64_t seq);
void wire_sends_discard(struct wire_sends_builder *b);
/* wire_sends_frame completes the frame of the closed groups and returns its size; it stands in b->data until
 * wire_sends_left, which keeps the open group. */
size_t wire_sends_frame(struct wire_sends_builder *b, uint32_t generation);
void wire_sends_left(struct wire_sends_builder *b);
void wire_sends_free(struct wire_sends_builder *b);

/* wire_sends_check reads a whole received frame that wire_open accepted: NULL, or what is wrong. */
const char *wire_sends_check(const void *frame, size_t size);

/* One message of a frame; everything points into it. */
struct wire_message_view {
    struct wire_message m;
    const char *topic, *key, *value;
    struct wire_view headers; /* for wire_header_next: `headers` and `end` are set */
};

/* A walk through a frame that wire_sends_check accepted: the next group, the next message of that group. */
struct wire_sends_walk {
    const unsigned char *frame;
    size_t at;
    size_t group_end;          /* of the group that the walk is in */
    uint32_t groups, messages; /* still to come */
};
void wire_sends_walk(struct wire_sends_walk *walk, const void *frame);
bool wire_sends_group(struct wire_sends_walk *walk, struct wire_group *group);
bool wire_sends_next(struct wire_sends_walk *walk, struct wire_message_view *view);

#endif
