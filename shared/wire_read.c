/* wire_read.c - batches, read.
 *
 * Owns: the checks on a received batch. wire.md draws it.
 *
 * DESIGN: one check at the start for what belongs to the whole frame (the place and the number of the
 * origins), then one for each record when its turn comes, so reading costs one pass. Fixed parts are copied
 * out before anything looks at them: a received frame may start at any address, since ZeroMQ aligns nothing.
 *
 * Guarantees: nothing in here looks outside of the frame, whatever is in it, and every byte of a frame that
 * is read to its end is accounted for: counts match exactly, and nothing is left over anywhere.
 *
 * Must not know: how a batch is built, what the content of a record means. */
#include "shared/wire.h"

#include <string.h>

#include "shared/wire_int.h"

const char *
wire_take_text(const unsigned char **at, const unsigned char *end, int32_t length, const char **text)
{
    if (length < -1)
        return "negative length";
    size_t n = length < 0 ? 0 : (size_t)length;
    if (n >= (size_t)(end - *at))
        return "text runs past its record";
    if ((*at)[n] != '\0')
        return "text without a NUL behind it";
    *text = length < 0 ? NULL : (const char *)*at;
    *at += n + 1;
    return NULL;
}

const char *
wire_take_header(const unsigned char **at, const unsigned char *end, const char **name, const char **value,
            int32_t *value_length)
{
    struct wire_record_header h;
    if ((size_t)(end - *at) < sizeof h)
        return "header runs past its record";
    memcpy(&h, *at, sizeof h);
    *at += sizeof h;
    if (h.name_length > INT32_MAX)
        return "header name too long";
    const char *wrong = wire_take_text(at, end, (int32_t)h.name_length, name);
    if (wrong)
        return wrong;
    *value_length = h.value_length;
    return wire_take_text(at, end, h.value_length, value);
}

const char *
wire_check_headers(const unsigned char *at, const unsigned char *end, uint32_t headers)
{
    const char *name, *value, *wrong;
    int32_t length;
    for (uint32_t i = 0; i < headers; i++)
        if ((wrong = wire_take_header(&at, end, &name, &value, &length)))
            return wrong;
    if (end - at >= 8)
        return "bytes left over in a record";
    for (; at < end; at++)
        if (*at != 0)
            return "padding is not zero";
    return NULL;
}

/* take_origin moves *at over one origin. */
static const char *
take_origin(const unsigned char **at, const unsigned char *end, const char **topic, int32_t *partition)
{
    struct wire_origin o;
    if ((size_t)(end - *at) < sizeof o)
        return "origin runs past the frame";
    memcpy(&o, *at, sizeof o);
    *at += sizeof o;
    if (o.topic_length == 0 || o.topic_length > WIRE_TOPIC_MAX)
        return "topic name of an impossible length";
    *partition = o.partition;
    const char *wrong = wire_take_text(at, end, (int32_t)o.topic_length, topic);
    if (!wrong && strlen(*topic) != o.topic_length)
        return "NUL in a topic name";
    return wrong;
}

static const char *
check_origins(const struct wire_reader *reader)
{
    const unsigned char *at = reader->frame + reader->batch.origins_at;
    const unsigned char *end = reader->frame + reader->size;
    const char *topic, *wrong;
    int32_t partition;
    for (uint32_t i = 0; i < reader->batch.origins; i++)
        if ((wrong = take_origin(&at, end, &topic, &partition)))
            return wrong;
    return at == end ? NULL : "bytes left over behind the origins";
}

const char *
wire_read_begin(struct wire_reader *reader, const void *frame, size_t size)
{
    memset(reader, 0, sizeof *reader);
    reader->frame = frame;
    reader->size = size;
    reader->at = sizeof reader->batch;
    if (size < sizeof reader->batch)
        return "shorter than a batch";
    memcpy(&reader->batch, frame, sizeof reader->batch);
    const struct wire_batch *batch = &reader->batch;
    if (batch->header.type != WIRE_BATCH || batch->header.length != size)
        return "not a whole batch";
    if (batch->origins_at < sizeof *batch || batch->origins_at > size || batch->origins_at % 8 != 0)
        return "origins at an impossible place";
    if (batch->records > (batch->origins_at - sizeof *batch) / sizeof(struct wire_record))
        return "more records than there is room for";
    if (batch->records == 0 && batch->origins_at != sizeof *batch)
        return "bytes left over behind the records";
    return check_origins(reader);
}

/* check_record checks what does not depend on the content. `room` is what is left up to the origins. */
static const char *
check_record(const struct wire_reader *reader, const struct wire_record *r, size_t room)
{
    if (r->size % 8 != 0 || r->size < sizeof *r || r->size > room)
        return "record of an impossible size";
    if (reader->taken + 1 == reader->batch.records && r->size != room)
        return "bytes left over behind the records";
    if (r->origin >= reader->batch.origins)
        return "record of an unknown origin";
    return NULL;
}

const char *
wire_view_record(const unsigned char *at, struct wire_view *view)
{
    const char *wrong;
    memcpy(&view->r, at, sizeof view->r);
    view->end = at + view->r.size;
    at += sizeof view->r;
    if ((wrong = wire_take_text(&at, view->end, view->r.key_length, &view->key)) ||
        (wrong = wire_take_text(&at, view->end, view->r.value_length, &view->value)) ||
        (wrong = wire_check_headers(at, view->end, view->r.headers)))
        return wrong;
    view->headers = at;
    return NULL;
}

const char *
wire_read_next(struct wire_reader *reader, struct wire_view *view)
{
    if (reader->taken >= reader->batch.records)
        return "no record left";
    size_t room = reader->batch.origins_at - reader->at;
    const unsigned char *at = reader->frame + reader->at;
    if (room < sizeof view->r)
        return "record runs into the origins";
    memcpy(&view->r, at, sizeof view->r);
    const char *wrong = check_record(reader, &view->r, room);
    if (wrong || (wrong = wire_view_record(at, view)))
        return wrong;
    reader->at += view->r.size;
    reader->taken++;
    return NULL;
}

const char *
wire_header_next(const struct wire_view *view, const unsigned char **at, const char **value, size_t *length)
{
    const char *name;
    int32_t value_length;
    if (!*at)
        *at = view->headers;
    if (wire_take_header(at, view->end, &name, value, &value_length))
        return NULL; /* behind the last one there is only padding, too short for a header */
    *length = value_length < 0 ? 0 : (size_t)value_length;
    return name;
}

const char *
wire_read_origin(const struct wire_reader *reader, uint32_t index, const char **topic, int32_t *partition)
{
    if (index >= reader->batch.origins)
        return "unknown origin";
    const unsigned char *at = reader->frame + reader->batch.origins_at;
    const unsigned char *end = reader->frame + reader->size;
    const char *wrong = NULL;
    for (uint32_t i = 0; i <= index && !wrong; i++)
        wrong = take_origin(&at, end, topic, partition);
    return wrong;
}

const char *
wire_header_find(const struct wire_view *view, const char *name, size_t *length)
{
    const unsigned char *at = view->headers;
    const char *found = NULL, *its_name, *value;
    int32_t value_length;
    for (uint32_t i = 0; i < view->r.headers; i++) {
        if (wire_take_header(&at, view->end, &its_name, &value, &value_length))
            break; /* cannot be: wire_read_next has walked them */
        if (strcmp(its_name, name) == 0) {
            found = value;
            *length = value_length < 0 ? 0 : (size_t)value_length;
        }
    }
    return found;
}
