/* batch.c - the memory of one frame's records.
 *
 * Owns: the bytes. Guarantees: they are freed with the last reference, by whichever thread drops it.
 * Must not know: what is in them. */
#include "supervisor/batch.h"

#include <malloc.h>
#include <stdlib.h>

#include "shared/mem.h"

#define FROM_HEAP (1024 * 1024) /* smaller ones are no mappings of their own: frames are of 512 KB, and a record */
#define KEPT (8 * 1024 * 1024)  /* free, at the end of the heap */

/* Where jemalloc is the program's malloc (Makefile), this is what it is told at its start: two threads allocate most; memory
 * that was freed is kept for a minute, since the next frame wants it in a moment. */
extern const char *malloc_conf;
const char *malloc_conf = "narenas:2,dirty_decay_ms:60000";

void
batch_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, FROM_HEAP);
    mallopt(M_TRIM_THRESHOLD, KEPT);
    mallopt(M_TOP_PAD, FROM_HEAP);
}

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
