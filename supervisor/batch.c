/* batch.c - the memory of one frame's records.
 *
 * Owns: the bytes. Guarantees: they are freed with the last reference, by whichever thread drops it.
 * Must not know: what is in them. */
#include "supervisor/batch.h"

#include <stdlib.h>

#include "shared/mem.h"

struct batch *
batch_new(void)
{
    struct batch *b = mem_alloc(sizeof *b);
    atomic_init(&b->references, 1);
    return b;
}

struct batch *
batch_ref(struct batch *b)
{
    atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
    return b;
}

void
batch_unref(void *batch)
{
    struct batch *b = batch;
    if (atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) == 1) {
        free(b->data);
        free(b);
    }
}

void
batch_sent(void *data, void *batch)
{
    (void)data;
    batch_unref(batch);
}
