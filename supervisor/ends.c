/* ends.c - where --until-end ends.
 *
 * Owns: the end of each partition as it was at the start.
 * Guarantees: a partition has ended when its fetch position reached that end and everything before it is done and
 *   committed. No particular record need ever arrive: compaction and transactions leave gaps, and the position is also
 *   moved by Kafka's word that there is nothing more.
 * Must not know: workers.
 *
 * DESIGN
 * The ends are asked for before anything runs, so it may block there (a second at a time). Partitions that another member
 * of the group has are judged by the group's committed offsets, asked for once a second when our own have ended. */
#include "supervisor/source_int.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/refusal.h"

#define ASK_MS 1000

/* ---- finding them ---- */

static bool
topic_wanted(const rd_kafka_topic_partition_list_t *topics, const char *topic)
{
    for (int i = 0; i < topics->cnt; i++)
        if (strcmp(topics->elems[i].topic, topic) == 0)
            return true;
    return false;
}

/* topics_of lists the task's topics by name; a pattern is matched by the broker's own list of topics later. */
static rd_kafka_topic_partition_list_t *
topics_of(const struct source *s)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    char *names = mem_string(s->task->conf->topic), *rest = names;
    for (char *name; names[0] != '^' && (name = strsep(&rest, ", "));)
        if (name[0])
            rd_kafka_topic_partition_list_add(topics, name, RD_KAFKA_PARTITION_UA);
    free(names);
    return topics;
}

/* pattern_matches does what librdkafka does with a subscription that starts with ^: a POSIX extended expression. */
static bool
pattern_matches(const char *pattern, const char *topic)
{
    regex_t compiled;
    if (pattern[0] != '^' || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB))
        return false;
    bool matches = regexec(&compiled, topic, 0, NULL, 0) == 0;
    regfree(&compiled);
    return matches;
}

/* not_seen says what is wrong with a topic that is not listed. */
static char *
not_seen(struct source *s, const rd_kafka_topic_partition_list_t *topics, const struct rd_kafka_metadata *md)
{
    for (int i = 0; i < topics->cnt; i++) {
        const char *name = topics->elems[i].topic;
        bool seen = false;
        for (int j = 0; j < md->topic_cnt; j++)
            seen = seen || strcmp(md->topics[j].topic, name) == 0;
        if (seen || !refusal_hidden(s->rk, name, ASK_MS))
            continue;
        source_refused(s, REFUSED_TOPIC, name);
        return mem_string(source_refusal(s));
    }
    return mem_printf("topic does not exist: %s", s->task->conf->topic);
}

/* list_partitions asks for the metadata: all partitions of the task's topics. NULL with a text. */
static rd_kafka_topic_partition_list_t *
list_partitions(struct source *s, char **error)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_partition_list_t *topics = topics_of(s);
    rd_kafka_topic_partition_list_t *found = rd_kafka_topic_partition_list_new(8);
    rd_kafka_resp_err_t err = rd_kafka_metadata(s->rk, 1, NULL, &md, ASK_MS);
    int seen = 0;
    if (err) {
        *error = mem_printf("%s", rd_kafka_err2str(err));
        goto out;
    }
    for (int i = 0; i < md->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &md->topics[i];
        bool wanted = topics->cnt > 0 ? topic_wanted(topics, t->topic) : pattern_matches(s->task->conf->topic, t->topic);
        if (!wanted || t->err)
            continue;
        seen++;
        for (int j = 0; j < t->partition_cnt; j++)
            rd_kafka_topic_partition_list_add(found, t->topic, t->partitions[j].id)->offset = RD_KAFKA_OFFSET_END;
    }
    if (seen < topics->cnt)
        *error = not_seen(s, topics, md);
    rd_kafka_metadata_destroy(md);
out:
    rd_kafka_topic_partition_list_destroy(topics);
    if (*error) {
        rd_kafka_topic_partition_list_destroy(found);
        found = NULL;
    }
    return found;
}

/* ask_offsets fills the offsets of one question (earliest or latest) in; 0, or -1 with a text. */
static int
ask_offsets(struct source *s, rd_kafka_topic_partition_list_t *list, char **error)
{
    rd_kafka_resp_err_t err = list->cnt > 0 ? rd_kafka_offsets_for_times(s->rk, list, ASK_MS) : 0;
    for (int i = 0; i < list->cnt && !err; i++)
        err = list->elems[i].err;
    if (err)
        *error = mem_printf("%s", rd_kafka_err2str(err));
    return err ? -1 : 0;
}

static int
find_once(struct source *s, char **error)
{
    rd_kafka_topic_partition_list_t *high = list_partitions(s, error);
    if (!high)
        return -1;
    rd_kafka_topic_partition_list_t *low = rd_kafka_topic_partition_list_copy(high);
    for (int i = 0; i < low->cnt; i++)
        low->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    int result = ask_offsets(s, high, error) < 0 || ask_offsets(s, low, error) < 0 ? -1 : 0;
    if (result == 0) {
        s->ends = mem_array((size_t)high->cnt, sizeof *s->ends);
        s->n_ends = (uint32_t)high->cnt;
        for (int i = 0; i < high->cnt; i++)
            s->ends[i] = (struct end){mem_string(high->elems[i].topic), high->elems[i].partition,
                                      low->elems[i].offset, high->elems[i].offset,
                                      high->elems[i].offset <= low->elems[i].offset};
        s->ends_known = true;
    }
    rd_kafka_topic_partition_list_destroy(high);
    rd_kafka_topic_partition_list_destroy(low);
    return result;
}

int
source_find_ends(struct source *s, mono_ns patience, bool (*keep_on)(void *arg), void *arg, char **error)
{
    mono_ns give_up = clock_mono() + patience;
    mono_ns next_line = clock_mono() + 2 * NS_PER_S;
    while (keep_on(arg)) {
        free(*error);
        *error = NULL;
        if (find_once(s, error) == 0)
            return 0;
        if (clock_mono() >= give_up) {
            char *last = s->last_error[0] ? mem_printf("%s: %s", *error, s->last_error) : *error;
            if (last != *error)
                free(*error);
            *error = last;
            return -1;
        }
        if (clock_mono() >= next_line) {
            const char *brokers = json_string_value(json_object_get(s->task->conf->kafka, "bootstrap.servers"));
            log_warn("cannot learn where the topics end, trying again",
                     "task=%s topic=%s brokers=%s error=\"%s\" last=\"%s\"", s->task->conf->name,
                     s->task->conf->topic, brokers ? brokers : "", *error, s->last_error);
            next_line = clock_mono() + 10 * NS_PER_S;
        }
        source_serve_for(s, 200);
    }
    return -1;
}

void
ends_free(struct source *s)
{
    for (uint32_t i = 0; i < s->n_ends; i++)
        free(s->ends[i].topic);
    free(s->ends);
}

/* ---- getting there ---- */

static void
look_at(struct source *s, struct end *e)
{
    const struct fetch *f = source_fetch(s, e->topic, e->number);
    if (!f)
        return;
    if (f->committed >= e->end)
        e->reached = true;
    else if (ledger_commit_point(&f->part.led) >= e->end && !s->commit_in_flight)
        s->next_commit = 0; /* nobody should wait for the interval at the end */
}

static bool
all_ours_reached(const struct source *s)
{
    for (uint32_t i = 0; i < s->n_ends; i++)
        if (!s->ends[i].reached && source_fetch(s, s->ends[i].topic, s->ends[i].number))
            return false;
    return true;
}

/* ask_group asks for the committed offsets of what others of the group have. */
static void
ask_group(struct source *s, mono_ns now)
{
    if (now < s->group_question.next)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (uint32_t i = 0; i < s->n_ends; i++)
        if (!s->ends[i].reached)
            rd_kafka_topic_partition_list_add(list, s->ends[i].topic, s->ends[i].number);
    bool answered = question_ask(&s->group_question, s->rk, list);
    for (int i = 0; answered && i < list->cnt; i++)
        for (uint32_t j = 0; j < s->n_ends; j++)
            if (s->ends[j].number == list->elems[i].partition && !list->elems[i].err &&
                strcmp(s->ends[j].topic, list->elems[i].topic) == 0 && list->elems[i].offset >= s->ends[j].end)
                s->ends[j].reached = true;
    rd_kafka_topic_partition_list_destroy(list);
}

void
ends_tick(struct source *s, mono_ns now)
{
    if (!s->ends_known || s->state != SOURCE_RUNNING)
        return;
    for (uint32_t i = 0; i < s->n_ends; i++)
        if (!s->ends[i].reached)
            look_at(s, &s->ends[i]);
    if (s->rebalances > 0 && all_ours_reached(s) && !source_ended(s))
        ask_group(s, now);
}

bool
source_ended(const struct source *s)
{
    if (!s->ends_known)
        return false;
    for (uint32_t i = 0; i < s->n_ends; i++)
        if (!s->ends[i].reached)
            return false;
    return true;
}

void
source_progress(const struct source *s, int64_t *done, int64_t *all)
{
    for (uint32_t i = 0; i < s->n_ends; i++) {
        const struct end *e = &s->ends[i];
        const struct fetch *f = source_fetch(s, e->topic, e->number);
        int64_t point = e->reached ? e->end : f ? ledger_commit_point(&f->part.led) : -1;
        *all += e->end - e->low;
        *done += point < e->low ? 0 : (point > e->end ? e->end : point) - e->low;
    }
}
