/* emit.h - records into Kafka: dead letters.
 *
 * One emitter, with a producer of its own, for each stream task that writes dead letters. A letter is handed in once and
 * stays with the emitter until the broker has confirmed it: what fails is sent again, for as long as it takes. */
#ifndef SUPERVISOR_EMIT_H
#define SUPERVISOR_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"
#include "supervisor/dispatch.h"

struct task;
struct emitter;
struct autopsy;

/* emit_open makes the producer and asks for the dead-letter topic to be created; NULL with a text (free it). */
struct emitter *emit_open(struct task *t, char **error);
void emit_free(struct emitter **e);

/* emit_letter writes the record at `pos` (in state ENTRY_LETTER) to the dead-letter topic; when that is confirmed the
 * entry becomes done. It waits for the autopsy's backtrace; NULL: there is none to come. */
void emit_letter(struct emitter *e, struct partition *p, uint64_t pos, const char *reason,
                 struct autopsy *autopsy);

/* emit_forget: the partition is given up. Letters of it that are under way may still be written. */
void emit_forget(struct emitter *e, const struct partition *p);

/* emit_tick sends again what is due; returns when it wants to be called again. */
mono_ns emit_tick(struct emitter *e, mono_ns now);

uint64_t emit_waiting(const struct emitter *e);      /* letters not confirmed yet */
const char *emit_trouble(const struct emitter *e);   /* why they cannot be written; NULL while all is well */

#endif
