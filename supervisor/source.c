/* source.c - Kafka in: the consumer of one stream task, its queues, its events.
 *
 * Owns: the librdkafka client, one queue for each assigned partition, the waking descriptor.
 * Guarantees: the main queue is served whatever the tasks do, so the group membership is kept.
 * Must not know: workers, frames.
 *
 * DESIGN
 * Each partition's queue is cut off from the consumer's (rd_kafka_queue_forward to NULL) before it is assigned. Its
 * callback, called by librdkafka's threads when the queue stops being empty, sets a flag and writes an eventfd once;
 * the loop then marks the partitions that may have more. source_read.c empties it. */
#include "supervisor/emit.h"
#include "supervisor/source_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/headers.h"
#include "supervisor/refusal.h"

#define POLL_EVERY (500 * NS_PER_MS) /* the main queue, also without a wake-up */

/* ---- the client ---- */

static void
wake(struct source *s)
{
    uint64_t one = 1;
    if (!atomic_exchange(&s->woken, true)) {
        ssize_t ignored = write(s->wake_fd, &one, sizeof one);
        (void)ignored; /* it is full only when it is signalled anyway */
    }
}

static void
main_signalled(rd_kafka_t *rk, void *source)
{
    (void)rk;
    wake(source);
}

static void
fetch_signalled(rd_kafka_t *rk, void *fetch)
{
    struct fetch *f = fetch;
    (void)rk;
    atomic_store(&f->signalled, true);
    wake(f->source);
}

static void serve(void *source);

struct source *
source_open(struct task *t, char **error)
{
    char text[512];
    struct source *s = mem_alloc(sizeof *s);
    expired_init(&s->expired);
    rd_kafka_conf_t *conf = clients_consumer(s, t, error);
    if (!conf) {
        free(s);
        return NULL;
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!rk) {
        rd_kafka_conf_destroy(conf);
        free(s);
        *error = mem_printf("%s", text);
        return NULL;
    }
    s->task = t;
    s->rk = rk;
    fetching_init(s);
    s->headers_known = headers_known();
    rd_kafka_poll_set_consumer(rk);
    s->main = rd_kafka_queue_get_consumer(rk);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0)
        fatal(70, "eventfd: %s", strerror(errno));
    s->watch = (struct loop_watch){.fd = s->wake_fd, .ready = serve, .arg = s};
    loop_must_add(&t->app->loop, &s->watch);
    rd_kafka_queue_cb_event_enable(s->main, main_signalled, s);
    s->unreached_since = clock_mono();
    s->next_complaint = s->unreached_since + 3 * NS_PER_S;
    return s;
}

void
source_start(struct source *s)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    char *names = mem_string(s->task->conf->topic), *rest = names;
    if (names[0] == '^') /* a pattern may hold commas */
        rd_kafka_topic_partition_list_add(topics, names, RD_KAFKA_PARTITION_UA);
    else
        for (char *name; (name = strsep(&rest, ", "));)
            if (name[0])
                rd_kafka_topic_partition_list_add(topics, name, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(s->rk, topics);
    if (err)
        fatal(70, "%s: cannot subscribe to %s: %s", s->task->conf->name, s->task->conf->topic, rd_kafka_err2str(err));
    log_info("joining the group", "task=%s topic=%s group=%s", s->task->conf->name, s->task->conf->topic,
             s->task->conf->group);
    rd_kafka_topic_partition_list_destroy(topics);
    free(names);
}

/* destroy_client: librdkafka up to 2.3 aborts where a client is destroyed between joining its group and its first
 * assignment (cooperative-sticky, its issue 4312). The process ends anyway; such a client is left to it, and with it the
 * source that its threads know. False: left. */
static bool
destroy_client(struct source *s)
{
    if (!s->assigned_once && atomic_load(&s->join_answered) && rd_kafka_version() < 0x020400ff)
        return false;
    rd_kafka_destroy_flags(s->rk, rd_kafka_consumer_closed(s->rk) ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return true;
}

void
source_free(struct source **sp)
{
    struct source *s = *sp;
    if (!s)
        return;
    loop_remove(&s->task->app->loop, &s->watch);
    rd_kafka_queue_cb_event_enable(s->main, NULL, NULL);
    while (s->n_fetches > 0) {
        s->fetches[0]->part.led.held = 0; /* a forced end: what is held is not waited for */
        source_fetch_remove(s, s->fetches[0]);
    }
    if (s->revoking) { /* a close that the broker never answered still waits for this */
        rebalance_unassign(s);
        rd_kafka_topic_partition_list_destroy(s->revoking);
    }
    rd_kafka_queue_destroy(s->main);
    static struct source *left; /* to be found by who looks for leaks */
    bool destroyed = destroy_client(s);
    close(s->wake_fd);
    ends_free(s);
    free(s->fetches);
    left = destroyed ? left : s;
    if (s != left)
        free(s);
    *sp = NULL;
}

/* ---- partitions ---- */

struct fetch *
source_fetch(const struct source *s, const char *topic, int32_t number)
{
    for (uint32_t i = 0; i < s->n_fetches; i++) {
        struct fetch *f = s->fetches[i];
        if (!f->lost && f->part.number == number && strcmp(f->part.topic, topic) == 0)
            return f;
    }
    return NULL;
}

struct fetch *
source_fetch_add(struct source *s, const char *topic, int32_t number)
{
    struct fetch *f = mem_alloc(sizeof *f);
    f->source = s;
    f->part.topic = mem_string(topic);
    f->part.number = number;
    f->committed = f->start_point = f->marked_point = f->reset_from = -1;
    f->part.confirms = true;
    f->first_attempt = 1;
    dispatch_add(&s->task->dispatch, &f->part, batch_unref);
    f->queue = rd_kafka_queue_get_partition(s->rk, topic, number);
    rd_kafka_queue_forward(f->queue, NULL);
    rd_kafka_queue_cb_event_enable(f->queue, fetch_signalled, f);
    f->part.more = true; /* a queue that still holds records of an earlier assignment is not signalled again */
    s->fetches = mem_grow(s->fetches, s->n_fetches + 1, sizeof(struct fetch *));
    s->fetches[s->n_fetches++] = f;
    return f;
}

void
source_fetch_cut(struct fetch *f)
{
    if (!f->queue)
        return;
    rd_kafka_queue_cb_event_enable(f->queue, NULL, NULL);
    rd_kafka_queue_destroy(f->queue);
    f->queue = NULL;
}

void
source_fetch_remove(struct source *s, struct fetch *f)
{
    if (s->state != SOURCE_RUNNING && commit_differs(f))
        s->left_uncommitted = true;
    source_fetch_cut(f);
    if (s->task->emitter)
        emit_forget(s->task->emitter, &f->part);
    dispatch_remove(&s->task->dispatch, &f->part);
    if (s->active == f)
        s->active = NULL;
    if (s->sleeper == f)
        s->sleeper = NULL;
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (s->fetches[i] == f) {
            s->fetches[i] = s->fetches[--s->n_fetches];
            break;
        }
    free(f->part.topic);
    free(f);
}

/* ---- events ---- */

/* refused_topic: librdkafka names it only in its text, "Subscribed topic not available: NAME: ...". */
static void
refused_topic(struct source *s, const char *text)
{
    const char *name = strstr(text, "not available: ");
    char topic[256];
    snprintf(topic, sizeof topic, "%s", name ? name + strlen("not available: ") : s->task->conf->topic);
    topic[strcspn(topic, ":")] = '\0';
    source_refused(s, REFUSED_TOPIC, topic);
}

static void
error_event(struct source *s, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error_is_fatal(event))
        fatal(70, "%s: fatal error of Kafka: %s", s->task->conf->name, text);
    switch (err) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (!s->last_error[0])
            reach_note(s, err, text);
        reach_lost(s);
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        reach_note(s, err, text);
        reach_doubt(s);
        log_debug("kafka", "task=%s error=\"%s\"", s->task->conf->name, text);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        if (s->refusal[REFUSED_TOPIC][0]) /* what may not be seen is not listed either */
            break;
        snprintf(s->missing, sizeof s->missing, "%s", text);
        source_complain(s, "topic does not exist, it is waited for", text);
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        refused_topic(s, text);
        break;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        source_refused(s, REFUSED_GROUP, s->task->conf->group);
        break;
    default:
        source_complain(s, "kafka reports an error", text);
    }
}

static void
take_event(struct source *s, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        rebalance_event(s, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        commit_event(s, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        error_event(s, event);
        break;
    case RD_KAFKA_EVENT_FETCH: /* every partition was cut off from this queue before it was assigned */
        panic("a record came past its partition's queue");
    default:
        break;
    }
}

void
source_serve_for(struct source *s, int ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(s->main, ms);
    if (event) {
        take_event(s, event);
        rd_kafka_event_destroy(event);
    }
}

static void
serve(void *source)
{
    struct source *s = source;
    uint64_t count;
    ssize_t ignored = read(s->wake_fd, &count, sizeof count);
    (void)ignored;
    atomic_store(&s->woken, false); /* before looking, so that what comes from now on wakes again */
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(s->main, 0))) {
        take_event(s, event);
        rd_kafka_event_destroy(event);
    }
    source_take_resets(s);
    for (uint32_t i = 0; i < s->n_fetches; i++)
        if (atomic_exchange(&s->fetches[i]->signalled, false))
            s->fetches[i]->part.more = true;
    s->task->hungry = true;
}

/* ---- the tick ---- */

mono_ns
source_tick(struct source *s, mono_ns now)
{
    mono_ns next = now + POLL_EVERY;
    if (s->state == SOURCE_CLOSED)
        return MONO_NEVER;
    if (now >= s->next_poll) {
        serve(s);
        s->next_poll = now + POLL_EVERY;
    }
    next = mono_earlier(next, rebalance_tick(s, now));
    next = mono_earlier(next, commit_tick(s, now));
    next = mono_earlier(next, fetching_tick(s, now));
    ends_tick(s, now);
    reach_tick(s, now);
    leave_tick(s, now);
    return s->state >= SOURCE_DRAINING ? mono_earlier(next, now + 5 * NS_PER_MS) : next;
}
