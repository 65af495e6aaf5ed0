/* fetching.c - keeps librdkafka fetching what is read more slowly than it comes.
 *
 * Owns: what was read of each partition since its broker's thread was woken. Guarantees: a partition whose queue was full
 * is fetched on before the queue is empty. Must not know: what is in the records.
 *
 * DESIGN
 * The thread of librdkafka before 2.2 that talks to a broker sleeps for up to a second where the queues of all its
 * partitions are full, however fast they are emptied meanwhile: a task that is slower than the broker would stand still
 * for most of that time. Any request to the broker wakes it; rd_kafka_offsets_for_times with a timeout of 0 sends one and
 * does not wait for the answer. So it is woken when a quarter of a queue that was full has been read, but only every
 * few ms: a broker answers the requests of a connection one by one, and those that are to fetch come behind. Once one
 * partition is fetched again its answers keep the thread awake. From 2.2 on there is fetch.queue.backoff.ms (clients.c). */
#include "supervisor/source_int.h"

#include <stdlib.h>

#define WAKE_EVERY (5 * NS_PER_MS)

static uint64_t
number(const rd_kafka_conf_t *conf, const char *property)
{
    char text[32];
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, property, text, &size) == RD_KAFKA_CONF_OK ? strtoull(text, NULL, 10) : 0;
}

void
fetching_init(struct source *s)
{
    const rd_kafka_conf_t *conf = rd_kafka_conf(s->rk);
    if (rd_kafka_version() >= FETCH_BACKOFF_SINCE)
        return;
    s->queue_bytes = number(conf, "queued.max.messages.kbytes") * 1024;
    s->queue_records = number(conf, "queued.min.messages");
}

static void
wake_leader(struct fetch *f)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, f->part.topic, f->part.number)->offset = -1; /* the newest: known at once */
    rd_kafka_offsets_for_times(f->source->rk, one, 0);
    rd_kafka_topic_partition_list_destroy(one);
}

void
fetching_read(struct fetch *f, uint32_t records, uint64_t bytes)
{
    struct source *s = f->source;
    uint64_t each = bytes / records + 1, full = s->queue_records * each;
    if (s->queue_bytes == 0)
        return;
    full = full < s->queue_bytes ? full : s->queue_bytes;
    uint64_t left = rd_kafka_queue_length(f->queue) * each;
    f->read_on += bytes;
    if (left + bytes >= full / 4 * 3)
        f->was_full = true;
    if (!f->was_full || f->read_on < full / 4)
        return;
    s->sleeper = f;
    f->read_on = 0;
    f->was_full = left >= full / 2; /* else it is fetched by then, until it is full again */
    fetching_tick(s, clock_mono());
}

mono_ns
fetching_tick(struct source *s, mono_ns now)
{
    if (!s->sleeper)
        return MONO_NEVER;
    if (now < s->next_wake)
        return s->next_wake;
    wake_leader(s->sleeper);
    s->sleeper = NULL;
    s->next_wake = now + WAKE_EVERY;
    return MONO_NEVER;
}
