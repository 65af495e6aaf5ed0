/* sent.c - the topic that the task of scripts/chaos.sh sends to: one message for each healthy record.
 *
 * A message's key is the partition that its record was read from, so that what was read from one partition is
 * one lane in what was sent; its value is "PARTITION:OFFSET". A record that goes wrong sends, too, before it
 * does; none of that may be seen.
 *
 * A lane is in order where what is seen for the first time is always the healthy record after the one that
 * was seen for the first time before it. This holds whoever sends: one that goes on from a commit begins
 * behind what is confirmed. What comes again may come at any place: a supervisor that lost its assignment may
 * still send what it held.
 *
 * A message comes of an attempt that ended. So there are no more of a record than it ended, but where a
 * supervisor made its producer anew, and sent again what had arrived, though nobody had said so. */
#include "tests/kafka/chaos/sent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/kafka/chaos/verdict.h"

static struct rec *
record_of(const struct sent *sent, const rd_kafka_message_t *m, int *p, int64_t *at)
{
    char value[64], key[20], expected[64];
    snprintf(value, sizeof value, "%.*s", (int)m->len, m->payload ? (const char *)m->payload : "");
    snprintf(key, sizeof key, "%.*s", (int)m->key_len, m->key ? (const char *)m->key : "");
    if (sscanf(value, "%d:%" SCNd64, p, at) != 2 || *p < 0 || *p >= sent->n_parts || *at < 0 ||
        *at >= sent->parts[*p].n)
        return NULL;
    snprintf(expected, sizeof expected, "%d:%" PRId64 " %d", *p, *at, *p);
    snprintf(value + strlen(value), sizeof value - strlen(value), " %s", key);
    return strcmp(value, expected) == 0 ? &sent->parts[*p].recs[*at] : NULL;
}

static void
check_order(struct sent *sent, int p, int64_t at)
{
    struct part *part = &sent->parts[p];
    int64_t next = part->sent_next;
    while (next < part->n && part->recs[next].kind != WORK)
        next++;
    if (at != next)
        wrong(&sent->order, "what %d:%" PRId64 " sent is seen before what %d:%" PRId64 " sent", p, at, p,
              next);
    part->sent_next = at >= next ? at + 1 : part->sent_next;
}

void
sent_message(struct sent *sent, const rd_kafka_message_t *m)
{
    int p = -1;
    int64_t at = -1;
    struct rec *r = record_of(sent, m, &p, &at);
    sent->messages++;
    if (!r)
        wrong(&sent->strange, "what was sent is of no record: %.*s, key %.*s", (int)m->len,
              m->payload ? (const char *)m->payload : "", (int)m->key_len,
              m->key ? (const char *)m->key : "");
    else if (r->kind != WORK)
        wrong(&sent->of_failed, "%d:%" PRId64 " never ended, but what it sent is there", p, at);
    else if (r->sent == 0)
        check_order(sent, p, at);
    if (r)
        sent->repeats += r->sent++ > 0;
}

void
sent_end(struct sent *sent)
{
    for (int p = 0; p < sent->n_parts; p++)
        for (int64_t at = 0; at < sent->parts[p].n; at++) {
            const struct rec *r = &sent->parts[p].recs[at];
            if (r->kind == WORK && r->sent == 0)
                wrong(&sent->missing, "nothing was sent by %d:%" PRId64, p, at);
            if (r->kind == WORK && r->sent > r->ends)
                sent->unended += r->sent - r->ends;
        }
}
