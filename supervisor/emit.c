/* emit.c - records into Kafka: dead letters.
 *
 * Owns: the producer, and each letter until the broker has confirmed it.
 * Guarantees: a letter is never dropped while its partition is ours: what the broker refuses is sent again, a letter that
 *   is too large first without its backtrace. Key, value and headers are those of the record, byte for byte.
 * Must not know: why a record was given up on, what becomes of its partition.
 *
 * DESIGN
 * The producer is idempotent, so that its own retries write nothing twice. Should it fail for good (old librdkafkas call
 * errors fatal that are none), it is made anew, and what was not confirmed is sent again: better twice than not at all.
 * A letter points into the frame that its record came in, and holds a reference to it. */
#include "supervisor/emit.h"

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire.h"
#include "supervisor/letter.h"
#include "supervisor/source_int.h"

#define AGAIN_AFTER (2 * NS_PER_S)
#define LOOK_AGAIN (10 * NS_PER_MS) /* whether the backtrace is there */
#define COMPLAIN_EVERY (10 * NS_PER_S)

struct emitter {
    struct task *task;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int wake_fd;
    struct loop_watch watch;
    struct letter *letters;
    uint64_t n_letters;
    char trouble[256];
    mono_ns next_complaint;
    mono_ns ask_again; /* for the topic; 0: it was answered */
    bool failed;       /* the producer, for good */
};

/* ---- the producer ---- */

static void
wake(rd_kafka_t *rk, void *emitter)
{
    struct emitter *e = emitter;
    uint64_t one = 1;
    (void)rk;
    ssize_t ignored = write(e->wake_fd, &one, sizeof one);
    (void)ignored;
}

static int
open_producer(struct emitter *e, char **error)
{
    char text[512];
    rd_kafka_conf_t *conf = clients_producer(e->task, error);
    if (!conf)
        return -1;
    e->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!e->rk) {
        rd_kafka_conf_destroy(conf);
        *error = mem_printf("%s", text);
        return -1;
    }
    e->queue = rd_kafka_queue_get_main(e->rk);
    rd_kafka_queue_cb_event_enable(e->queue, wake, e);
    return 0;
}

static void
close_producer(struct emitter *e)
{
    if (!e->rk)
        return;
    rd_kafka_queue_cb_event_enable(e->queue, NULL, NULL);
    rd_kafka_purge(e->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(e->queue);
    rd_kafka_destroy(e->rk);
    e->rk = NULL;
}

/* ask_for_topic has the dead-letter topic created, with as many partitions as the broker likes. */
static void
ask_for_topic(struct emitter *e)
{
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(e->task->conf->dead_letter_topic, -1, -1, text, sizeof text);
    if (!topic)
        return;
    rd_kafka_CreateTopics(e->rk, &topic, 1, NULL, e->queue);
    rd_kafka_NewTopic_destroy(topic);
}

static void serve(void *emitter);

struct emitter *
emit_open(struct task *t, char **error)
{
    struct emitter *e = mem_alloc(sizeof *e);
    e->task = t;
    e->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->wake_fd < 0)
        fatal(70, "eventfd: %s", strerror(errno));
    if (open_producer(e, error) < 0) {
        close(e->wake_fd);
        free(e);
        return NULL;
    }
    e->watch = (struct loop_watch){.fd = e->wake_fd, .ready = serve, .arg = e};
    loop_add(&t->app->loop, &e->watch);
    ask_for_topic(e);
    return e;
}

/* ---- letters ---- */

static void
free_letter(struct emitter *e, struct letter *l)
{
    for (struct letter **at = &e->letters; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    e->n_letters--;
    letter_free(l);
}

void
emit_free(struct emitter **ep)
{
    struct emitter *e = *ep;
    if (!e)
        return;
    close_producer(e);
    loop_remove(&e->task->app->loop, &e->watch);
    close(e->wake_fd);
    while (e->letters)
        free_letter(e, e->letters);
    free(e);
    *ep = NULL;
}

static void
trouble(struct emitter *e, const struct letter *l, const char *why)
{
    mono_ns now = clock_mono();
    snprintf(e->trouble, sizeof e->trouble, "%s", why);
    if (now < e->next_complaint)
        return;
    e->next_complaint = now + COMPLAIN_EVERY;
    log_error("dead letters cannot be written, their records wait",
              "task=%s topic=%s waiting=%" PRIu64 " first=%s:%d error=\"%s\"", e->task->conf->name,
              e->task->conf->dead_letter_topic, e->n_letters, l->topic, l->number, why);
}

static void
send_later(struct letter *l)
{
    l->state = LETTER_TO_SEND;
    l->due = clock_mono() + AGAIN_AFTER;
}

/* refused deals with an error of one letter, whether at once or in its delivery report. */
static void
refused(struct emitter *e, struct letter *l, rd_kafka_resp_err_t err)
{
    bool too_large = err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    send_later(l);
    if (too_large && l->backtrace) {
        free(l->backtrace);
        l->backtrace = NULL;
        l->due = 0;
        return;
    }
    trouble(e, l, too_large ? "too large for the dead-letter topic: raise its max.message.bytes" : rd_kafka_err2str(err));
}

static void
send_letter(struct emitter *e, struct letter *l)
{
    struct wire_view view;
    if (!letter_ready(l)) {
        l->due = clock_mono() + LOOK_AGAIN;
        return;
    }
    if (wire_view_record(l->body->data + l->at, &view))
        panic("a frame of our own cannot be read");
    rd_kafka_headers_t *headers = letter_headers(l, &view, e->task->conf);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        e->rk, RD_KAFKA_V_TOPIC(e->task->conf->dead_letter_topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(view.key, view.key ? (size_t)view.r.key_length : 0),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)view.value, view.value ? (size_t)view.r.value_length : 0),
        RD_KAFKA_V_TIMESTAMP(clock_wall()), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(l), RD_KAFKA_V_END);
    if (!err) {
        l->state = LETTER_SENT;
        return;
    }
    rd_kafka_headers_destroy(headers); /* it is the producer's only where the call succeeds */
    refused(e, l, err);
}

void
emit_letter(struct emitter *e, struct partition *p, uint64_t pos, const char *reason, struct autopsy *autopsy)
{
    struct letter *l = letter_new(p, pos, reason, autopsy);
    l->next = e->letters;
    e->letters = l;
    e->n_letters++;
    send_letter(e, l);
}

static void
confirmed(struct emitter *e, struct letter *l)
{
    struct task *t = e->task;
    e->trouble[0] = '\0';
    if (l->part) {
        char quoted[2 * REASON_MAX];
        t->dead_lettered++;
        t->hungry = true;
        log_error("record dead-lettered", "task=%s record=%s:%d:%" PRId64 " to=%s attempts=%u reason=\"%s\"",
                  t->conf->name, l->topic, l->number, ledger_entry(&l->part->led, l->pos)->offset,
                  t->conf->dead_letter_topic, l->attempts, log_quote(l->reason, quoted, sizeof quoted));
        dispatch_done(&t->dispatch, l->part, l->pos);
    }
    free_letter(e, l);
}

void
emit_forget(struct emitter *e, const struct partition *p)
{
    struct letter *next;
    for (struct letter *l = e->letters; l; l = next) {
        next = l->next;
        if (l->part != p)
            continue;
        l->part = NULL;
        if (l->state == LETTER_TO_SEND)
            free_letter(e, l);
    }
}

/* ---- events ---- */

static void
take_reports(struct emitter *e, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *m;
    while ((m = rd_kafka_event_message_next(event))) {
        struct letter *l = m->_private;
        if (!m->err)
            confirmed(e, l);
        else if (l->part)
            refused(e, l, m->err);
        else
            free_letter(e, l);
    }
}

/* start_again makes a new producer where the old one failed for good. */
static void
start_again(struct emitter *e, const char *why)
{
    char *error = NULL;
    log_warn("the producer of dead letters failed and is made anew", "task=%s error=\"%s\"", e->task->conf->name, why);
    close_producer(e);
    if (open_producer(e, &error) < 0)
        fatal(70, "%s: the producer of dead letters cannot be made anew: %s", e->task->conf->name, error);
    for (struct letter *next, *l = e->letters; l; l = next) {
        next = l->next;
        if (l->part)
            send_later(l);
        else
            free_letter(e, l);
    }
}

static void
take_topic(struct emitter *e, rd_kafka_event_t *event)
{
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    if (!err && n > 0)
        err = rd_kafka_topic_result_error(topics[0]);
    if (!err)
        log_info("dead-letter topic created", "task=%s topic=%s", e->task->conf->name, e->task->conf->dead_letter_topic);
    else if (err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__TRANSPORT)
        e->ask_again = clock_mono() + AGAIN_AFTER;
    else if (err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && err != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        log_warn("the dead-letter topic cannot be created: create it by hand if it is not there",
                 "task=%s topic=%s error=\"%s\"", e->task->conf->name, e->task->conf->dead_letter_topic,
                 rd_kafka_err2str(err));
}

static void
take_event(struct emitter *e, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        take_reports(e, event);
        break;
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
        take_topic(e, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL)
            e->failed = true; /* made anew when this queue is not in use */
        log_debug("kafka", "task=%s producer=dead-letters error=\"%s\"", e->task->conf->name,
                  rd_kafka_event_error_string(event));
        break;
    default:
        break;
    }
}

static void
serve(void *emitter)
{
    struct emitter *e = emitter;
    uint64_t count;
    rd_kafka_event_t *event;
    ssize_t ignored = read(e->wake_fd, &count, sizeof count);
    (void)ignored;
    while ((event = rd_kafka_queue_poll(e->queue, 0))) {
        take_event(e, event);
        rd_kafka_event_destroy(event);
    }
    if (e->failed)
        start_again(e, "fatal error of the idempotent producer");
    e->failed = false;
}

mono_ns
emit_tick(struct emitter *e, mono_ns now)
{
    mono_ns next = MONO_NEVER;
    if (e->ask_again && now >= e->ask_again) {
        e->ask_again = 0;
        ask_for_topic(e);
    }
    for (struct letter *l = e->letters; l; l = l->next) {
        if (l->state == LETTER_TO_SEND && now >= l->due)
            send_letter(e, l);
        if (l->state == LETTER_TO_SEND)
            next = mono_earlier(next, l->due);
    }
    return e->ask_again ? mono_earlier(next, e->ask_again) : next;
}

uint64_t
emit_waiting(const struct emitter *e)
{
    return e->n_letters;
}

const char *
emit_trouble(const struct emitter *e)
{
    return e->trouble[0] ? e->trouble : NULL;
}
