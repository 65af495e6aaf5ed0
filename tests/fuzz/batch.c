/* batch.c - fuzzing of what a worker is sent: frames, and batches read to their end.
 *
 * The first byte says how much of the header is put right, so that what is behind it is reached. What is good
 * is built once more out of what was read, and must then be read as the same. */
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/wire.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"

enum { AS_IT_IS, ANY_FRAME, A_BATCH, HOW };

static void
mend(unsigned char *frame, size_t size, unsigned how)
{
    struct wire_header h;
    if (how == AS_IT_IS || size < sizeof h)
        return;
    memcpy(&h, frame, sizeof h);
    wire_fill(&h, how == A_BATCH ? WIRE_BATCH : h.type, 1, size);
    memcpy(frame, &h, sizeof h);
}

static void
check_text(const char *text, int32_t length, const void *frame, size_t size)
{
    const char *begin = frame;
    if (length < 0) {
        MUST(!text, "a text that is absent");
        return;
    }
    MUST(text >= begin && text + length < begin + size && text[length] == '\0', "%d", length);
}

static void
check_headers(const struct wire_view *view, const void *frame, size_t size)
{
    const unsigned char *at = NULL;
    const char *name, *value;
    size_t length;
    uint32_t n = 0;
    for (; (name = wire_header_next(view, &at, &value, &length)); n++) {
        MUST(n < view->r.headers, "more than %u headers", view->r.headers);
        check_text(value, value ? (int32_t)length : -1, frame, size);
        wire_header_find(view, name, &length);
    }
    MUST(n == view->r.headers, "%u of %u headers", n, view->r.headers);
}

/* again builds the batch out of its records, and looks whether it is read as the same. */
static void
again(const unsigned char *frame, size_t size, const struct wire_batch *batch)
{
    struct wire_reader from, to;
    struct wire_view view, copy;
    struct wire_builder b;
    const char *topic;
    int32_t partition;
    size_t copy_size;
    wire_read_begin(&from, frame, size);
    wire_batch_begin(&b, 0);
    for (uint32_t i = 0; i < batch->origins; i++) {
        MUST(!wire_read_origin(&from, i, &topic, &partition), "origin %u", i);
        wire_batch_origin(&b, topic, partition);
    }
    for (size_t at = from.at; !wire_read_next(&from, &view); at = from.at)
        wire_batch_copy(&b, frame + at, view.r.origin, view.r.lane, view.r.epoch, view.r.attempt);
    unsigned char *built = wire_batch_finish(&b, 1, batch->first, batch->handled, &copy_size);
    MUST(copy_size == size && memcmp(built, frame, size) == 0, "%zu and %zu bytes", copy_size, size);
    MUST(!wire_read_begin(&to, built, copy_size), "what was built");
    while (to.taken < batch->records)
        MUST(!wire_read_next(&to, &copy), "record %u of what was built", to.taken);
    free(built);
}

static void
read_batch(const unsigned char *frame, size_t size)
{
    struct wire_reader reader;
    struct wire_view view;
    const char *topic, *wrong = wire_read_begin(&reader, frame, size);
    int32_t partition;
    while (!wrong && reader.taken < reader.batch.records) {
        if ((wrong = wire_read_next(&reader, &view)))
            break;
        check_text(view.key, view.r.key_length, frame, size);
        check_text(view.value, view.r.value_length, frame, size);
        check_headers(&view, frame, size);
        MUST(!wire_read_origin(&reader, view.r.origin, &topic, &partition), "origin %u", view.r.origin);
    }
    if (!wrong)
        again(frame, size, &reader.batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    unsigned type, how = input_below(&in, HOW);
    size_t n;
    const uint8_t *bytes = input_take(&in, size, &n);
    unsigned char *frame = malloc(n ? n : 1); /* of its exact size: a step too far is seen */
    memcpy(frame, bytes, n);
    mend(frame, n, how);
    if (!wire_open(frame, n, 1, &type) && type == WIRE_BATCH)
        read_batch(frame, n);
    free(frame);
    return 0;
}
