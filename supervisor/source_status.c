/* source_status.c - what can be said of a source: how far it is, how much is in hand.
 *
 * Owns: nothing. Guarantees: asks no broker: everything is what was heard last. */
#include "supervisor/source_int.h"

uint64_t
source_in_hand(const struct source *s)
{
    uint64_t held = 0;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        held += s->fetches[i]->part.led.held + ledger_confirming(&s->fetches[i]->part.led);
    return held;
}

uint32_t
source_assigned(const struct source *s)
{
    return s->n_fetches;
}

/* end_of_partition is the high watermark as librdkafka last heard it; -1: not yet. */
static int64_t
end_of_partition(const struct fetch *f)
{
    int64_t low = -1, high = -1;
    if (rd_kafka_get_watermark_offsets(f->source->rk, f->part.topic, f->part.number, &low, &high) || high < 0)
        return -1;
    return high;
}

int64_t
source_lag(const struct source *s)
{
    int64_t lag = -1;
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        int64_t end = end_of_partition(s->fetches[i]);
        int64_t point = ledger_commit_point(&s->fetches[i]->part.led);
        if (end >= 0 && point >= 0)
            lag = (lag < 0 ? 0 : lag) + (end > point ? end - point : 0);
    }
    return lag;
}

json_t *
source_partitions_json(const struct source *s)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        const struct fetch *f = s->fetches[i];
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:I, s:I, s:I}", "topic", f->part.topic, "partition", (int)f->part.number,
                            "committed", (json_int_t)f->committed, "end", (json_int_t)end_of_partition(f),
                            "in_flight", (json_int_t)f->part.led.held));
    }
    return list;
}

bool
source_unreachable(const struct source *s)
{
    return s->complained && !s->reached;
}
