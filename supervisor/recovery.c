/* recovery.c - a start after an end that was not clean (slot protocol rule 13).
 *
 * Owns: what the metadata of a commit says, and how each partition starts.
 * Guarantees: a record that takes the supervisor itself down is tried a bounded number of times, and no other record
 *   pays for it. Nothing of a partition is handed out before it is known how the last owner ended.
 * Must not know: what becomes of such a record in the end.
 *
 * DESIGN
 * Each commit carries metadata: "headrace:running:STARTS:ATTEMPT", or "headrace:clean" when a partition is left in order.
 * At an assignment the group's metadata is asked for. Running: this is one more start at that offset. The number of such
 * starts is committed before anything is handed out (where there was no commit yet, one record is read first, so that
 * there is an offset).
 *
 * From the second such start at one offset on, the task works singly for a while: one record at a time over all its
 * partitions, and before each a commit of its offset and attempt. So the next start knows which record it was, and counts
 * the attempt. The partition whose turn it is is `source.active`: it is marked by a commit, then permitted, and has its
 * turn until its record has ended. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/source_int.h"

#define SINGLE_RECORDS 1000
#define STARTS_ALLOWED 1 /* so many unclean starts at one offset in batches, then singly */

char *
recovery_metadata(const struct fetch *f, int64_t point)
{
    if (f->leaving_clean)
        return mem_printf("headrace:clean");
    uint32_t starts = point == f->start_point ? f->starts : 0;
    bool marked = f == f->source->active && point == f->marked_point;
    return mem_printf("headrace:running:%u:%u", starts, marked ? f->next_attempt : 0);
}

/* attempt_to_come is the attempt that the record at the commit point would be handed out for. */
static uint32_t
attempt_to_come(struct fetch *f)
{
    struct ledger *led = &f->part.led;
    if (led->base < led->head)
        return ledger_entry(led, led->base)->attempt;
    return f->first_attempt;
}

static bool
has_something(const struct partition *p)
{
    return p->more || p->led.base < p->led.head;
}

static bool
turn_is_over(const struct fetch *f)
{
    const struct partition *p = &f->part;
    return f->lost || f->leaving || (!f->marking && !p->permitted && p->led.held == 0 && ledger_confirming(&p->led) == 0);
}

/* next_turn gives the turn to the next partition that has something, round about. */
static void
next_turn(struct source *s)
{
    if (s->active && !turn_is_over(s->active))
        return;
    s->active = NULL;
    for (uint32_t i = 0; i < s->n_fetches && !s->active; i++) {
        struct fetch *f = s->fetches[(s->single_turn + i) % s->n_fetches];
        if (f->part.open && f->part.single && has_something(&f->part)) {
            s->active = f;
            s->single_turn += i + 1;
        }
    }
}

bool
recovery_wants_mark(const struct fetch *f)
{
    if (f->lost || f->leaving)
        return false;
    return f->recovery == RECOVERY_MARK || (f->part.single && f == f->source->active && turn_is_over(f));
}

void
recovery_marking(struct fetch *f)
{
    if (!recovery_wants_mark(f))
        return;
    f->marking = true;
    f->marked_point = ledger_commit_point(&f->part.led);
    f->next_attempt = attempt_to_come(f);
}

void
recovery_marked(struct fetch *f, bool committed)
{
    if (!f->marking)
        return;
    f->marking = false;
    if (!committed)
        return;
    if (f->recovery == RECOVERY_MARK)
        f->recovery = RECOVERY_DONE;
    else
        f->part.permitted = true;
    f->source->task->hungry = true;
}

void
recovery_nothing_there(struct partition *p)
{
    p->permitted = false; /* single: the turn is over, there was no record */
}

void
recovery_handed(struct partition *p)
{
    struct source *s = fetch_of(p)->source;
    if (!p->single)
        return;
    p->permitted = false;
    if (--s->single_left > 0)
        return;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        s->fetches[i]->part.single = false;
    s->active = NULL;
    log_info("records are handed out in batches again", "task=%s", s->task->conf->name);
}

void
recovery_tick(struct source *s)
{
    if (s->single_left > 0)
        next_turn(s);
}

static void
work_singly(struct source *s)
{
    s->single_left = SINGLE_RECORDS;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        s->fetches[i]->part.single = true;
}

void
recovery_peek(struct source *s)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        struct fetch *f = s->fetches[i];
        if (f->recovery != RECOVERY_PEEK || f->lost || f->leaving || !f->part.more)
            continue;
        feed_peek(s->task, &f->part);
        if (ledger_commit_point(&f->part.led) >= 0)
            f->recovery = RECOVERY_MARK;
    }
}

/* ---- the question at an assignment ---- */

static void
begin(struct fetch *f, int64_t offset, const char *metadata, size_t size)
{
    ledger_reach(&f->part.led, offset);
    if (offset >= 0) /* nothing is done that Kafka does not know of */
        f->committed = offset;
    uint32_t starts = 0, attempt = 0;
    f->recovery = offset < 0 ? RECOVERY_PEEK : RECOVERY_MARK;
    f->part.single = f->source->single_left > 0;
    char text[64];
    snprintf(text, sizeof text, "%.*s", metadata ? (int)size : 0, metadata ? metadata : ""); /* it has no NUL of its own */
    if (sscanf(text, "headrace:running:%u:%u", &starts, &attempt) != 2)
        return;
    f->start_point = offset;
    f->starts = starts + 1;
    f->first_attempt = attempt > 0 ? attempt + 1 : 1;
    if (f->starts > STARTS_ALLOWED || attempt > 0)
        work_singly(f->source);
    log_event(f->part.single ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "the last owner of a partition did not end in order",
              "task=%s partition=%s:%d offset=%" PRId64 " starts_there=%u singly=%s", f->source->task->conf->name,
              f->part.topic, f->part.number, offset, f->starts, f->part.single ? "yes" : "no");
}

/* unknown_ones lists the partitions of which it is not known yet; NULL: there are none. */
static rd_kafka_topic_partition_list_t *
unknown_ones(const struct source *s)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (s->fetches[i]->recovery == RECOVERY_ASK && !s->fetches[i]->lost) {
            if (!list)
                list = rd_kafka_topic_partition_list_new(1);
            rd_kafka_topic_partition_list_add(list, s->fetches[i]->part.topic, s->fetches[i]->part.number);
        }
    return list;
}

static void
take_answer(struct source *s, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct fetch *f = source_fetch(s, p->topic, p->partition);
        if (!f || f->recovery != RECOVERY_ASK || p->err)
            continue;
        begin(f, p->offset, p->offset >= 0 ? p->metadata : NULL, p->metadata_size);
    }
}

void
recovery_ask(struct source *s, mono_ns now)
{
    if (now < s->recovery_question.next)
        return;
    rd_kafka_topic_partition_list_t *list = unknown_ones(s);
    if (!list)
        return;
    if (question_ask(&s->recovery_question, s->rk, list))
        take_answer(s, list);
    rd_kafka_topic_partition_list_destroy(list);
}
