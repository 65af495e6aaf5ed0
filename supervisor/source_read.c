/* source_read.c - records out of the queue of one partition.
 *
 * Owns: nothing between two calls.
 * Guarantees: records come in their order, each at most once and none is passed over; one is taken from librdkafka only
 *   when it was asked for, so what waits, waits there, within its limits. Must not know: workers, frames.
 *
 * DESIGN
 * rd_kafka_consume_callback_queue takes the whole queue under one lock and calls back for each message; rd_kafka_yield in
 * the callback ends that after the message, and what is left goes back to the front of the queue (rd_kafka_q_serve, the
 * same in 2.0.2 and in 2.15). A message that a rebalance or a pause has made old is dropped before the callback; only
 * with the callback itself does the position go past a message, so librdkafka goes on behind the last that was
 * given. It can be that it gives that one once more.
 *
 * Never rd_kafka_consume_batch_queue: when a rebalance pauses the partition in the middle of such a call, librdkafka
 * throws away what the call has taken so far, and goes on behind it (records would be lost).
 *
 * Control messages and records of aborted transactions never get here. Errors and the end of the partition come as
 * messages, too. */
#include "supervisor/source_int.h"

#include <stdio.h>

#include "supervisor/emit.h"
#include "supervisor/headers.h"
#include "supervisor/refusal.h"

struct reading {
    struct source *source;
    struct fetch *fetch;
    source_each *each;
    void *arg;
    uint32_t n;
    uint64_t bytes;
    bool stopped;
};

/* take_special deals with what a queue holds beside records. */
static void
take_special(struct source *s, struct fetch *f, const rd_kafka_message_t *m)
{
    char text[512];
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (f->reset_from >= 0)
            source_look_expired(f, m->offset);
        ledger_reach(&f->part.led, m->offset);
        return;
    }
    if (refusal_of_right(m->err)) {
        source_refused(s, REFUSED_TOPIC, f->part.topic);
        return;
    }
    snprintf(text, sizeof text, "%s:%d: %s", f->part.topic, f->part.number, rd_kafka_message_errstr(m));
    source_complain(s, "kafka reports an error", text);
}

/* headers_of: asked once for each record that may have some. */
static const rd_kafka_headers_t *
headers_of(const struct source *s, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    if (s->headers_known && headers_none(m->payload, m->len))
        return NULL;
    return rd_kafka_message_headers(m, &headers) ? NULL : headers;
}

static void
take(rd_kafka_message_t *m, void *reading)
{
    struct reading *r = reading;
    struct source *s = r->source;
    struct fetch *f = r->fetch;
    if (!s->reached)
        source_reached(s);
    if (m->err) {
        take_special(s, f, m);
        return;
    }
    source_allowed(s, REFUSED_TOPIC);
    if (m->offset == f->part.led.position - 1) /* once more, see above */
        return;
    if (f->reset_from >= 0)
        source_look_expired(f, m->offset);
    r->n++;
    r->bytes += m->len; /* as librdkafka counts for the size of a queue */
    struct message message = {m, headers_of(s, m)};
    if (!r->each(r->arg, &message)) {
        r->stopped = true;
        rd_kafka_yield(s->rk); /* last: it holds until this thread next looks into any queue */
    }
}

uint32_t
source_read(struct source *s, struct partition *p, source_each *each, void *arg)
{
    struct reading r = {.source = s, .fetch = fetch_of(p), .each = each, .arg = arg};
    rd_kafka_consume_callback_queue(r.fetch->queue, 0, take, &r);
    if (r.n > 0)
        fetching_read(r.fetch, r.n, r.bytes);
    if (r.stopped)
        return r.n;
    /* What was there is gone; what has come since, also while it was read, was signalled. */
    p->more = atomic_exchange(&r.fetch->signalled, false);
    if (r.n == 0)
        recovery_nothing_there(p);
    return r.n;
}

uint64_t
source_queued(const struct source *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (s->fetches[i]->part.open && s->fetches[i]->queue)
            n += rd_kafka_queue_length(s->fetches[i]->queue);
    return n;
}

uint32_t
source_first_attempt(struct partition *p)
{
    uint32_t attempt = fetch_of(p)->first_attempt;
    fetch_of(p)->first_attempt = 1; /* it is for one record only */
    return attempt;
}

void
source_handed(struct partition *p)
{
    recovery_handed(p);
}
