/* writing.h - a batch of records being written: from Kafka's messages, or from an older batch.
 *
 * Its bytes are the frame that a worker gets, and then stay where the ledger's entries find them until they
 * are done. */
#ifndef SUPERVISOR_WRITING_H
#define SUPERVISOR_WRITING_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire.h"
#include "supervisor/batch.h"
#include "supervisor/dispatch.h"

/* A record as Kafka gave it. */
struct message {
    const rd_kafka_message_t *kafka;
    const rd_kafka_headers_t *headers; /* NULL: it has none */
};

struct writing {
    struct batch *batch; /* with one reference of ours; NULL: nothing is being written */
    struct wire_builder builder;
    const struct partition *origin_of; /* the partition that was written last, and its origin */
    uint32_t origin;
};

/* What a record carries beside its bytes. */
struct writing_stamp {
    uint32_t lane, epoch, attempt;
};

void writing_begin(struct writing *w, size_t expected);
/* writing_message and writing_entry add a record, and return where it stands in the batch. The entry's batch
 * is complete. */
size_t writing_message(struct writing *w, const struct partition *p, const struct message *message,
                       struct writing_stamp stamp);
size_t writing_entry(struct writing *w, const struct partition *p, const struct entry *e,
                     struct writing_stamp stamp);
/* writing_finish completes the batch, as a frame for this generation of a worker, its records numbered from
 * `first`, after `handled` failures. The reference is the caller's. */
struct batch *writing_finish(struct writing *w, uint32_t generation, uint64_t first, uint32_t handled);
void writing_abandon(struct writing *w);

#endif
