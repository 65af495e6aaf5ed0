/* source_expired.c - what a partition has lost to the broker's retention: said and counted.
 *
 * Owns: nothing. Guarantees: it is said once for each reset, with the first offset that is gone and the first that is left.
 *   What is counted are offsets: gaps of compaction and transactions among them count, too. */
#include <inttypes.h>

#include "shared/log.h"
#include "supervisor/source_int.h"

void
source_take_resets(struct source *s)
{
    char topic[sizeof s->expired.notes[0].topic];
    int32_t number;
    while (expired_next(&s->expired, topic, &number)) {
        struct fetch *f = source_fetch(s, topic, number);
        if (f)
            f->reset_from = f->part.led.position >= 0 ? f->part.led.position : f->committed;
    }
}

void
source_look_expired(struct fetch *f, int64_t offset)
{
    struct task *t = f->source->task;
    int64_t from = f->reset_from;
    f->reset_from = -1;
    if (from < 0 || offset <= from) /* a log that was cut short: nothing is gone before it */
        return;
    t->expired += (uint64_t)(offset - from);
    log_error("records were deleted before they could be read",
              "task=%s partition=%s:%d first=%" PRId64 " next=%" PRId64 " records=%" PRId64
              " hint=\"the topic keeps its records for a shorter time than the lag\"",
              t->conf->name, f->part.topic, f->part.number, from, offset, offset - from);
}
