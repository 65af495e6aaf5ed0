/* writing.c - a batch of records being written: from Kafka's messages, or from an older batch.
 *
 * Owns: the memory of the batch until it is complete.
 * Guarantees: a record's bytes are copied once; they stand still only when the batch is complete.
 * Must not know: which worker it is for, or whether anybody; what becomes of the records. */
#include "supervisor/writing.h"

#include <string.h>

void
writing_begin(struct writing *w, size_t expected)
{
    w->batch = batch_new();
    w->origin_of = NULL;
    wire_batch_begin(&w->builder, expected);
}

static uint32_t
origin_for(struct writing *w, const struct partition *p)
{
    if (w->origin_of != p) {
        w->origin = wire_batch_origin(&w->builder, p->topic, p->number);
        w->origin_of = p;
    }
    return w->origin;
}

static void
add_headers(struct wire_builder *b, size_t at, const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        wire_batch_header(b, at, name, (struct wire_bytes){value, size});
}

size_t
writing_message(struct writing *w, const struct partition *p, const struct message *message,
                struct writing_stamp stamp)
{
    const rd_kafka_message_t *m = message->kafka;
    struct wire_record r = {.origin = origin_for(w, p),
                            .lane = stamp.lane,
                            .epoch = stamp.epoch,
                            .attempt = stamp.attempt,
                            .offset = m->offset,
                            .timestamp = rd_kafka_message_timestamp(m, NULL)};
    size_t at = wire_batch_record(&w->builder, &r, (struct wire_bytes){m->key, m->key_len},
                                  (struct wire_bytes){m->payload, m->len});
    if (message->headers)
        add_headers(&w->builder, at, message->headers);
    wire_batch_end(&w->builder, at);
    return at;
}

size_t
writing_entry(struct writing *w, const struct partition *p, const struct entry *e, struct writing_stamp stamp)
{
    const unsigned char *from = ((const struct batch *)e->body)->data + e->at;
    return wire_batch_copy(&w->builder, from, origin_for(w, p), stamp.lane, stamp.epoch, stamp.attempt);
}

struct batch *
writing_finish(struct writing *w, uint32_t generation, uint64_t first, uint32_t handled)
{
    struct batch *batch = w->batch;
    batch->data = wire_batch_finish(&w->builder, generation, first, handled, &batch->size);
    w->batch = NULL;
    return batch;
}

void
writing_abandon(struct writing *w)
{
    wire_batch_abandon(&w->builder);
    batch_unref(w->batch);
    w->batch = NULL;
}
