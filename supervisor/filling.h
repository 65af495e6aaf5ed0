/* filling.h - the frame that is being filled for one worker. */
#ifndef SUPERVISOR_FILLING_H
#define SUPERVISOR_FILLING_H

#include <stdbool.h>

#include "supervisor/holding.h"
#include "supervisor/writing.h"

#define FRAME_BYTES (512 * 1024)
#define HELD_BYTES (1024 * 1024) /* credit of a worker: a second frame only while less than this is with it  \
                                  */

struct worker;

struct filling {
    struct holding_frame *frame; /* NULL: none is being filled */
    struct writing writing;
    uint32_t want; /* records */
};

/* filling_open begins a frame of at most `want` records, or fewer: what the worker has credit for. False: it
 * has none. */
bool filling_open(struct worker *w, uint32_t want);
/* filling_full: nothing more fits in, or may be beside what is in it. */
bool filling_full(const struct worker *w);
/* filling_message hands an entry out that was just read; filling_entry one that waits in the ledger. */
void filling_message(struct worker *w, struct partition *p, uint64_t pos, const struct message *m);
void filling_entry(struct worker *w, struct partition *p, uint64_t pos);
/* filling_send sends the frame, or drops it where nothing was put in. Nothing happens where none is being
 * filled. */
void filling_send(struct worker *w, mono_ns now);

#endif
