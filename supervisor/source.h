/* source.h - Kafka in: one consumer for each stream task, and its offsets back to Kafka.
 *
 * Five files share it: source.c (the client, its queues), source_read.c (records out of them), rebalance.c (what is
 * assigned and revoked), commit.c (the ledger's commit point back to Kafka), ends.c (where --until-end ends). Their
 * common insides are in source_int.h. Nothing here blocks once the app runs. */
#ifndef SUPERVISOR_SOURCE_H
#define SUPERVISOR_SOURCE_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/clock.h"
#include "supervisor/dispatch.h"
#include "supervisor/writing.h"

struct task;
struct source;

/* source_open makes the consumer of a stream task; NULL with a text (free it) where its configuration is refused. */
struct source *source_open(struct task *t, char **error);

/* source_find_ends, for --until-end and before source_start, notes where each partition ends now: 0, or -1 with a text. It
 * blocks for `patience` at most, one second at a time, while keep_on(arg) says so. */
int source_find_ends(struct source *s, mono_ns patience, bool (*keep_on)(void *arg), void *arg, char **error);

/* source_start subscribes: records come. */
void source_start(struct source *s);

/* source_read gives the records of a partition that are there to `each`, in their order, until it returns false or there
 * are no more: how many it gave. A record that was given is taken: it does not come again, whatever `each` returns. What
 * is in it is librdkafka's, and good until `each` returns. `each` may not read, nor poll a queue of Kafka, nor end the
 * partition. */
typedef bool source_each(void *arg, const struct message *m);
uint32_t source_read(struct source *s, struct partition *p, source_each *each, void *arg);

/* source_queued counts about how many records librdkafka has for partitions that may be read. */
uint64_t source_queued(const struct source *s);

/* source_first_attempt is the attempt that a record just read is handed out for: 1, but for the one that may have taken the
 * supervisor down before. source_handed notes that a record of the partition was handed out. */
uint32_t source_first_attempt(struct partition *p);
void source_handed(struct partition *p);

/* source_tick does what is due: commits, revokes, the steps of a stop; returns when it wants to be called again. */
mono_ns source_tick(struct source *s, mono_ns now);

/* source_ended: every record that was there at the start is done and committed (only after source_find_ends). */
bool source_ended(const struct source *s);
/* source_progress counts the records up to the ends: done and all, for people. */
void source_progress(const struct source *s, int64_t *done, int64_t *all);

/* source_stop: read no more, hand out no more; when nothing is held any more commit, leave the group, be closed. */
void source_stop(struct source *s);
bool source_closed(const struct source *s);
bool source_unconfirmed(const struct source *s); /* at the end: what was done may not all be committed */
/* source_in_hand counts the records that workers hold, and those whose dead letter is under way. */
uint64_t source_in_hand(const struct source *s);
void source_free(struct source **s);

/* What status shows: lag (-1: not known), whether partitions are assigned, and the array "partitions". */
int64_t source_lag(const struct source *s);
uint32_t source_assigned(const struct source *s);
bool source_unreachable(const struct source *s); /* and a line said so */
const char *source_refusal(const struct source *s); /* the right that is missing; NULL: none that we know of */
json_t *source_partitions_json(const struct source *s);

#endif
