/* wire.c - frames: their names and sizes, and batches, written.
 *
 * Owns: the layout of a batch, which wire.md draws; the sizes of the other frames. wire_read.c is the other
 * end.
 *
 * DESIGN: a batch is built in one block that doubles when it is full, so a record costs one check and two or
 * three memcpy. Origins (topic and partition) are few and are only known while records are added; they
 * collect in a block of their own and go behind the records at the end.
 *
 * Guarantees: what is written here is always accepted by wire_read.c; a caller that breaks a rule (a topic
 * name that cannot be, a batch of more than 4 GB) is stopped by a panic.
 *
 * Must not know: sockets, who sends, what a lane or an epoch is for. */
#include "shared/wire.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire_int.h"
#include "shared/wire_sends.h"

/* A frame of a type has at least this size; all but batches and sends have exactly it. */
static const struct {
    const char *name;
    size_t size;
} types[WIRE_TYPES] = {
    [WIRE_BATCH] = {"batch", sizeof(struct wire_batch)},
    [WIRE_TRIGGER] = {"trigger", sizeof(struct wire_trigger)},
    [WIRE_STOP] = {"stop", sizeof(struct wire_stop)},
    [WIRE_READY] = {"ready", sizeof(struct wire_ready)},
    [WIRE_PROGRESS] = {"progress", sizeof(struct wire_progress)},
    [WIRE_TRIGGERED] = {"triggered", sizeof(struct wire_triggered)},
    [WIRE_FIRE] = {"fire", sizeof(struct wire_fire)},
    [WIRE_SENDS] = {"sends", sizeof(struct wire_sends)},
};

/* Records are copied as they stand and must keep their alignment in the frame. */
_Static_assert(sizeof(struct wire_batch) % 8 == 0, "records start at a multiple of 8");
_Static_assert(sizeof(struct wire_record) % 8 == 0, "a record without content has a size that is one too");

const char *
wire_name(unsigned type)
{
    return type < WIRE_TYPES && types[type].name ? types[type].name : "unknown";
}

void
wire_fill(struct wire_header *header, enum wire_type type, uint32_t generation, size_t length)
{
    if (length > UINT32_MAX)
        panic("a %s frame of %zu bytes", wire_name(type), length);
    *header = (struct wire_header){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .type = (uint8_t)type,
        .generation = generation,
        .length = (uint32_t)length,
    };
}

const char *
wire_open(const void *frame, size_t size, uint32_t generation, unsigned *type)
{
    struct wire_header h;
    if (size < sizeof h)
        return "shorter than a header";
    memcpy(&h, frame, sizeof h);
    if (h.magic != WIRE_MAGIC)
        return "not a frame of headrace";
    if (h.version != WIRE_VERSION)
        return "another version of the protocol";
    if (h.type == 0 || h.type >= WIRE_TYPES)
        return "unknown type";
    if (h.zero != 0)
        return "reserved bits are set";
    if (h.length != size)
        return "length does not match what arrived";
    bool varies = h.type == WIRE_BATCH || h.type == WIRE_SENDS;
    if (varies ? size < types[h.type].size : size != types[h.type].size)
        return "wrong size for its type";
    if (h.generation != generation)
        return "from another life";
    *type = h.type;
    return NULL;
}

unsigned char *
wire_reserve(unsigned char *data, size_t size, size_t *capacity, size_t more)
{
    if (more > UINT32_MAX || size + more > UINT32_MAX)
        panic("a frame of more than 4 GB: %zu and %zu bytes", size, more);
    if (size + more <= *capacity)
        return data;
    size_t doubled = *capacity * 2;
    *capacity = doubled > size + more ? doubled : size + more;
    return mem_grow(data, *capacity, 1);
}

unsigned char *
wire_put_text(unsigned char *at, struct wire_bytes bytes)
{
    if (bytes.data && bytes.size > 0) {
        memcpy(at, bytes.data, bytes.size);
        at += bytes.size;
    }
    *at = '\0';
    return at + 1;
}

int32_t
wire_length(struct wire_bytes bytes)
{
    if (!bytes.data)
        return -1;
    if (bytes.size > INT32_MAX)
        panic("a field of %zu bytes in a record", bytes.size);
    return (int32_t)bytes.size;
}

void
wire_batch_begin(struct wire_builder *b, size_t expected)
{
    memset(b, 0, sizeof *b);
    b->data = wire_reserve(NULL, 0, &b->capacity, sizeof(struct wire_batch) + expected);
    b->size = sizeof(struct wire_batch);
}

uint32_t
wire_batch_origin(struct wire_builder *b, const char *topic, int32_t partition)
{
    size_t length = strlen(topic);
    if (length == 0 || length > WIRE_TOPIC_MAX)
        panic("a topic name of %zu bytes", length);
    struct wire_origin o = {partition, (uint32_t)length};
    b->origin_data = wire_reserve(b->origin_data, b->origins_size, &b->origins_capacity, sizeof o + length + 1);
    memcpy(b->origin_data + b->origins_size, &o, sizeof o);
    memcpy(b->origin_data + b->origins_size + sizeof o, topic, length + 1);
    b->origins_size += sizeof o + length + 1;
    return b->origins++;
}

size_t
wire_batch_record(struct wire_builder *b, const struct wire_record *r, struct wire_bytes key,
                  struct wire_bytes value)
{
    size_t at = b->size;
    struct wire_record head = *r;
    head.key_length = wire_length(key);
    head.value_length = wire_length(value);
    head.headers = 0;
    size_t more = sizeof head + wire_space(head.key_length) + wire_space(head.value_length) + 2;
    b->data = wire_reserve(b->data, at, &b->capacity, more + 7); /* 7: what wire_batch_end may add */
    memcpy(b->data + at, &head, sizeof head);
    unsigned char *end = wire_put_text(wire_put_text(b->data + at + sizeof head, key), value);
    b->size = (size_t)(end - b->data);
    return at;
}

void
wire_batch_header(struct wire_builder *b, size_t at, const char *name, struct wire_bytes value)
{
    struct wire_bytes named = {name, strlen(name)};
    struct wire_record_header h = {.name_length = (uint32_t)wire_length(named),
                                   .value_length = wire_length(value)};
    size_t more = sizeof h + named.size + wire_space(h.value_length) + 2;
    b->data = wire_reserve(b->data, b->size, &b->capacity, more + 7);
    memcpy(b->data + b->size, &h, sizeof h);
    unsigned char *end = wire_put_text(wire_put_text(b->data + b->size + sizeof h, named), value);
    b->size = (size_t)(end - b->data);

    uint32_t headers;
    unsigned char *count = b->data + at + offsetof(struct wire_record, headers);
    memcpy(&headers, count, sizeof headers);
    headers++;
    memcpy(count, &headers, sizeof headers);
}

void
wire_batch_end(struct wire_builder *b, size_t at)
{
    size_t end = wire_round_up(b->size);
    memset(b->data + b->size, 0, end - b->size);
    uint32_t size = (uint32_t)(end - at);
    memcpy(b->data + at + offsetof(struct wire_record, size), &size, sizeof size);
    b->size = end;
    b->records++;
}

size_t
wire_batch_copy(struct wire_builder *b, const unsigned char *from, uint32_t origin, uint32_t lane,
                uint32_t epoch, uint32_t attempt)
{
    size_t at = b->size;
    struct wire_record head;
    memcpy(&head, from, sizeof head);
    b->data = wire_reserve(b->data, at, &b->capacity, head.size);
    memcpy(b->data + at, from, head.size);
    head.origin = origin;
    head.lane = lane;
    head.epoch = epoch;
    head.attempt = attempt;
    memcpy(b->data + at, &head, sizeof head);
    b->size = at + head.size;
    b->records++;
    return at;
}

unsigned char *
wire_batch_finish(struct wire_builder *b, uint32_t generation, uint64_t first, uint32_t handled, size_t *size)
{
    size_t records_end = b->size;
    b->data = wire_reserve(b->data, records_end, &b->capacity, b->origins_size);
    if (b->origins_size > 0)
        memcpy(b->data + records_end, b->origin_data, b->origins_size);
    *size = records_end + b->origins_size;

    struct wire_batch head = {
        .first = first,
        .records = b->records,
        .origins = b->origins,
        .origins_at = (uint32_t)records_end,
        .handled = handled,
    };
    wire_fill(&head.header, WIRE_BATCH, generation, *size);
    memcpy(b->data, &head, sizeof head);

    unsigned char *frame = b->data;
    b->data = NULL; /* handed over */
    wire_batch_abandon(b);
    return frame;
}

void
wire_batch_abandon(struct wire_builder *b)
{
    free(b->data);
    free(b->origin_data);
    memset(b, 0, sizeof *b);
}
