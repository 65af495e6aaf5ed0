/* dead_replay.c - `headrace dead replay TOPIC`: letters sent back to the topics they came from.
 *
 * Owns: how far each partition was replayed.
 * Guarantees: what is committed, as group TOPIC.replay, is behind a letter only when that letter was
 * confirmed, or was reported as one that cannot be sent. Letters are sent in the order of their deaths, those
 * of one partition one after the other. Must not know: how a letter is sent (dead_send.c).
 *
 * DESIGN: every so often all that was sent is waited for and committed; in between nobody would know what is
 * confirmed. Trouble that ends a replay leaves the commit in front of the letter that met it, so the next
 * replay begins there. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "supervisor/client/dead_send.h"
#include "supervisor/client/usage.h"
#include "supervisor/refusal.h"

#define SETTLE_AFTER 1000     /* letters */
#define SETTLE_EVERY NS_PER_S /* or so much time */
#define COMMITTED_MS 10000

/* How far a partition of the dead-letter topic is. */
struct mark {
    int64_t next; /* behind the newest letter that was looked at */
    int64_t committed;
};

struct replay {
    struct dead_wish *w;
    struct reader reader;
    struct dead_sender sender;
    struct mark *marks;
    uint64_t looked_at, unsettled; /* letters; and those since the last settling */
    mono_ns settle_at;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* watch_signals: the first INT or TERM ends the reading, and what was sent is waited for and committed; the
 * second one kills. */
static void
watch_signals(void)
{
    struct sigaction end = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    interrupted = 0;
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
}

/* ---- how far it is ---- */

/* commit_points lists the partitions that can be committed further than they are. */
static rd_kafka_topic_partition_list_t *
commit_points(const struct replay *y)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(y->reader.n_partitions);
    for (int32_t i = 0; i < y->reader.n_partitions; i++) {
        int64_t failed = y->sender.failed[i], point = failed < y->marks[i].next ? failed : y->marks[i].next;
        if (point > y->marks[i].committed)
            rd_kafka_topic_partition_list_add(list, y->w->topic, i)->offset = point;
    }
    return list;
}

static char *
group_error(const struct replay *y, rd_kafka_resp_err_t err)
{
    char *group = mem_printf("%s.replay", y->w->topic);
    if (err == RD_KAFKA_RESP_ERR__TIMED_OUT && refusal_group(y->reader.rk, group, y->w->topic, COMMITTED_MS))
        err = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    char *text = refusal_error(y->reader.rk, err, "Read", "group", group);
    free(group);
    return text;
}

static void
commit(struct replay *y)
{
    rd_kafka_topic_partition_list_t *list = commit_points(y);
    rd_kafka_resp_err_t err = list->cnt > 0 ? rd_kafka_commit(y->reader.rk, list, 0) : 0;
    for (int i = 0; !err && i < list->cnt; i++)
        y->marks[list->elems[i].partition].committed = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (!err)
        return;
    char *cause = group_error(y, err);
    char *why = mem_printf(
        "%s: what was sent cannot be committed as group %s.replay, the next replay sends it again: %s",
        y->reader.brokers, y->w->topic, cause);
    dead_sender_stop(&y->sender, EX_UNAVAILABLE, why);
    free(cause);
    free(why);
}

static void
settle(struct replay *y)
{
    dead_sender_settle(&y->sender);
    if (y->w->n_places == 0)
        commit(y);
    y->unsettled = 0;
    y->settle_at = clock_mono() + SETTLE_EVERY;
}

static void
start_behind(const struct replay *y, struct reader_partition *p, int64_t committed)
{
    if (committed > p->end) /* the topic was made anew */
        fprintf(stderr,
                "headrace %s: %s:%d: the last replay ended at %" PRId64 ", but the partition ends at %" PRId64
                ": all of it is sent\n",
                y->w->command, y->w->topic, p->number, committed, p->end);
    else if (committed > p->low)
        p->from = committed;
}

/* find_start sets where each partition begins: behind what an earlier replay has committed. */
static int
find_start(struct replay *y)
{
    struct reader *r = &y->reader;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->n_partitions);
    for (int32_t i = 0; i < r->n_partitions; i++)
        rd_kafka_topic_partition_list_add(list, y->w->topic, i);
    rd_kafka_resp_err_t err = rd_kafka_committed(r->rk, list, COMMITTED_MS);
    for (int i = 0; i < list->cnt && !err; i++) {
        err = list->elems[i].err;
        start_behind(y, &r->partitions[list->elems[i].partition], list->elems[i].offset);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (!err)
        return 0;
    char *cause = group_error(y, err);
    int code =
        command_error(y->w->command, EX_UNAVAILABLE, "%s: cannot ask what group %s.replay has committed: %s",
                      r->brokers, y->w->topic, cause);
    free(cause);
    return code;
}

static void
begin_marks(struct replay *y)
{
    y->marks = mem_array((size_t)y->reader.n_partitions, sizeof *y->marks);
    for (int32_t i = 0; i < y->reader.n_partitions; i++)
        y->marks[i].next = y->marks[i].committed = y->reader.partitions[i].from;
    y->settle_at = clock_mono() + SETTLE_EVERY;
}

/* ---- the replay ---- */

static void
send_letter(struct replay *y, const rd_kafka_message_t *m)
{
    dead_send(&y->sender, m);
    y->marks[m->partition].next = m->offset + 1;
    y->looked_at++;
    y->unsettled++;
}

/* replay_new sends all that no replay has sent yet. */
static int
replay_new(struct replay *y)
{
    rd_kafka_message_t *m;
    int code = find_start(y);
    if (code)
        return code;
    begin_marks(y);
    if ((code = reader_start(&y->reader)))
        return code;
    while (!y->sender.stop && (m = reader_next(&y->reader))) {
        send_letter(y, m);
        rd_kafka_message_destroy(m);
        if (y->unsettled >= SETTLE_AFTER || clock_mono() >= y->settle_at)
            settle(y);
    }
    settle(y);
    return y->reader.code;
}

/* replay_places sends the letters that were named: all of them are there, or none is sent. */
static int
replay_places(struct replay *y)
{
    const struct dead_wish *w = y->w;
    rd_kafka_message_t **letters = mem_array(w->n_places, sizeof *letters);
    begin_marks(y);
    for (size_t i = 0; i < w->n_places && y->reader.code == 0; i++)
        letters[i] = reader_fetch(&y->reader, w->places[i]);
    for (size_t i = 0; i < w->n_places && y->reader.code == 0 && !y->sender.stop && !interrupted; i++)
        send_letter(y, letters[i]);
    settle(y);
    for (size_t i = 0; i < w->n_places; i++)
        if (letters[i])
            rd_kafka_message_destroy(letters[i]);
    free(letters);
    return y->reader.code;
}

/* report prints what was done and returns the exit code. */
static int
report(const struct replay *y, int code)
{
    dead_sender_report(&y->sender);
    if (code == 0)
        code = y->sender.code;
    if (interrupted)
        printf("interrupted%s\n", y->w->n_places ? "" : "; the next replay goes on from here");
    else if (y->looked_at == 0 && code == 0)
        printf("no letters in %s since the last replay\n", y->w->topic);
    if (code)
        return code;
    return y->sender.left > 0 || interrupted ? 1 : 0;
}

static int
check_target(const struct replay *y)
{
    if (!y->w->to || reader_partitions(&y->reader, y->w->to) > 0)
        return 0;
    return reader_no_topic(&y->reader, y->w->to, "Write");
}

int
dead_replay(struct dead_wish *w)
{
    struct replay y = {.w = w, .sender = {.w = w, .reader = &y.reader}};
    char *group = mem_printf("%s.replay", w->topic);
    int code = dead_open(w, &y.reader, group);
    if (code == 0 && (code = check_target(&y)) == 0 && (code = dead_sender_open(&y.sender)) == 0) {
        y.reader.interrupted = &interrupted;
        watch_signals();
        code = report(&y, w->n_places > 0 ? replay_places(&y) : replay_new(&y));
    }
    dead_sender_close(&y.sender);
    reader_close(&y.reader);
    free(y.marks);
    free(group);
    return code;
}
