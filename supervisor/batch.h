/* batch.h - the memory of one frame's records, for as long as any of them is not done.
 *
 * Counted references: one for each entry of the ledger that points into it, and one while libzmq sends it (given back
 * from libzmq's thread, so the count is atomic). */
#ifndef SUPERVISOR_BATCH_H
#define SUPERVISOR_BATCH_H

#include <stdatomic.h>
#include <stddef.h>

struct batch {
    atomic_uint references;
    unsigned char *data; /* the frame as it was sent; set when it is complete */
    size_t size;
};

/* batch_keep_memory, once at the start: the memory of frames that are gone is used for the next ones, and not given back to
 * the kernel and taken anew each time. */
void batch_keep_memory(void);

struct batch *batch_new(void);          /* with one reference */
struct batch *batch_ref(struct batch *b);
void batch_unref(void *batch);
/* batch_sent is for zmq_msg_init_data: data is not looked at, batch is. */
void batch_sent(void *data, void *batch);

#endif
