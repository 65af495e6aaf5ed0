/* emit.h - records into Kafka: what tasks send, and dead letters.
 *
 * One emitter, with a producer of its own, for each task that writes dead letters or sends. What is handed in stays with the
 * emitter until the broker has confirmed it: what fails is sent again, for as long as it takes. Five files share it:
 * emit.c (the producer and its reports), emit_letters.c, emit_sends.c, emit_produce.c, emit_topics.c (what is known of the
 * topics that are sent to). Their common insides are in emit_int.h. */
#ifndef SUPERVISOR_EMIT_H
#define SUPERVISOR_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"
#include "shared/wire_sends.h"
#include "supervisor/dispatch.h"
#include "supervisor/holding.h"

struct task;
struct emitter;
struct autopsy;

/* emit_open makes the producer and, where the task writes dead letters, asks for their topic to be created; NULL with a text
 * (free it). */
struct emitter *emit_open(struct task *t, char **error);
void emit_free(struct emitter **e);

/* emit_letter writes the record at `pos` (in state ENTRY_LETTER) to the dead-letter topic; when that is confirmed the
 * entry becomes done. It waits for the autopsy's backtrace; NULL: there is none to come. */
void emit_letter(struct emitter *e, struct partition *p, uint64_t pos, const char *reason,
                 struct autopsy *autopsy);

/* emit_frame sends what stands in a frame of sends that wire_sends_check accepted; it is copied. `sends` has one element for
 * each group of a record, in order: when all that it sends is confirmed, its entry (in state ENTRY_SENDING) becomes done;
 * where something is refused for good, records_send_refused is called. A group whose element has no partition is left
 * out. */
void emit_frame(struct emitter *e, const void *frame, size_t size, const struct holding_sends *sends);

/* emit_forget: the partition is given up. What of it is under way may still be written. */
void emit_forget(struct emitter *e, const struct partition *p);

/* emit_tick sends again what is due; returns when it wants to be called again. */
mono_ns emit_tick(struct emitter *e, mono_ns now);

uint64_t emit_letters_waiting(const struct emitter *e); /* letters not confirmed yet */
uint64_t emit_sends_waiting(const struct emitter *e);   /* messages of tasks not confirmed yet, */
uint64_t emit_bytes(const struct emitter *e);           /* and their bytes */
uint64_t emit_sent(const struct emitter *e);            /* messages of tasks confirmed so far */
const char *emit_trouble(const struct emitter *e);      /* why something cannot be written; NULL while all is well */

#endif
