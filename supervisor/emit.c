/* emit.c - records into Kafka: the producer of one task, and its reports.
 *
 * Owns: the producer, the waking descriptor. Guarantees: what was handed in is reported to its file exactly
 * once for each time it was produced, but where the producer failed for good: then all of it is produced
 * again. Must not know: what a report means for a record.
 *
 * DESIGN
 * The producer is idempotent, so that its own retries write nothing twice and keep their order. Should it
 * fail for good (old librdkafkas call errors fatal that are none; that a user may write to no topic at all is
 * one), it is made anew, and what was not confirmed is sent again: better twice than not at all. A report's
 * opaque pointer is a letter or a message; both begin with their kind. */
#include "supervisor/emit_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/letter_topic.h"
#include "supervisor/refusal.h"
#include "supervisor/source_int.h"

#define COMPLAIN_EVERY (10 * NS_PER_S)

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
    if (e->batch_limit > 0) {
        char bytes[24];
        snprintf(bytes, sizeof bytes, "%" PRId64, e->batch_limit);
        rd_kafka_conf_set(conf, "batch.size", bytes, text, sizeof text);
    }
    topics_open(e, conf);
    e->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!e->rk) {
        rd_kafka_conf_destroy(conf);
        *error = mem_printf("%s", text);
        return -1;
    }
    e->queue = rd_kafka_queue_get_main(e->rk);
    rd_kafka_queue_cb_event_enable(e->queue, wake, e);
    wake(e->rk, e); /* only what comes into an empty queue wakes: a client may have had something to say before */
    return 0;
}

static void
close_producer(struct emitter *e)
{
    if (!e->rk)
        return;
    topics_renew(e);
    rd_kafka_queue_cb_event_enable(e->queue, NULL, NULL);
    rd_kafka_purge(e->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(e->queue);
    rd_kafka_destroy(e->rk);
    e->rk = NULL;
}

bool
emit_has_letters(const struct emitter *e)
{
    const struct conf_task *c = e->task->conf;
    return c->kind == CONF_STREAM && c->on_failure == CONF_DEAD_LETTER;
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
    loop_must_add(&t->app->loop, &e->watch);
    if (emit_has_letters(e))
        letters_ask_for_topic(e);
    return e;
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
    letters_free(e);
    sends_free(e);
    topics_free(e);
    free(e);
    *ep = NULL;
}

void
emit_complain(struct emitter *e, const char *what, const char *first, uint64_t waiting, const char *why)
{
    mono_ns now = clock_mono();
    if (why != e->trouble)
        snprintf(e->trouble, sizeof e->trouble, "%s", why);
    if (now < e->next_complaint)
        return;
    e->next_complaint = now + COMPLAIN_EVERY;
    log_error(what, "task=%s %s waiting=%" PRIu64 " error=\"%s\"", e->task->conf->name, first, waiting, why);
}

void
emit_forget(struct emitter *e, const struct partition *p)
{
    letters_forget(e, p);
    sends_forget(e, p);
}

/* ---- events ---- */

static void
take_reports(struct emitter *e, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *m;
    while ((m = rd_kafka_event_message_next(event))) {
        if (!m->err)
            e->trouble[0] = '\0';
        if (!m->_private)
            letter_topic_probed(e->rk, m->err, e->task->conf);
        else if (*(enum mail_kind *)m->_private == MAIL_LETTER)
            letters_report(e, m);
        else
            sends_report(e, m->_private, m->err);
    }
}

/* complain_failed: who may write nowhere and has nothing to write, but dead letters some day, is told so. */
static void
complain_failed(struct emitter *e, const char *text)
{
    mono_ns now = clock_mono();
    const char *topic = emit_has_letters(e) ? e->task->conf->dead_letter_topic
                        : e->topics         ? e->topics->name
                                            : NULL;
    char *right = e->not_allowed && topic ? refusal_right(e->rk, "Write", "topic", topic) : NULL;
    bool wanted = emit_has_letters(e) || e->n_messages > 0;
    if (wanted)
        snprintf(e->trouble, sizeof e->trouble, "%s", right ? right : text);
    if (wanted && (!e->not_allowed || now >= e->next_complaint)) {
        e->next_complaint = now + COMPLAIN_EVERY;
        log_event(e->not_allowed ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
                  e->not_allowed
                      ? "nothing can be written"
                      : "the producer failed for good and is made anew, what is not confirmed is sent again",
                  "task=%s letters=%" PRIu64 " messages=%" PRIu64 " error=\"%s\"", e->task->conf->name,
                  e->n_letters, e->n_messages, e->trouble);
    }
    free(right);
    if (e->not_allowed && e->n_letters + e->n_messages > 0)
        app_refused(e->task->app);
}

/* producer_failed: it can do nothing more. One that fails again and again is not made anew all the time. */
static void
producer_failed(struct emitter *e, rd_kafka_resp_err_t err, const char *text)
{
    e->failed = true;
    e->not_allowed = refusal_of_right(err); /* to have a producer's number */
    e->renew_at = e->renewed_at ? e->renewed_at + (e->not_allowed ? COMPLAIN_EVERY : EMIT_AGAIN) : 0;
    complain_failed(e, text);
}

/* start_again makes a new producer where the old one failed for good. */
static void
start_again(struct emitter *e)
{
    char *error = NULL;
    close_producer(e);
    e->failed = false;
    e->renewed_at = clock_mono();
    if (open_producer(e, &error) < 0)
        fatal(70, "%s: the producer cannot be made anew: %s", e->task->conf->name, error);
    letters_renew(e);
    sends_renew(e);
}

static void
take_event(struct emitter *e, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        take_reports(e, event);
        break;
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
        letters_topic_answered(e, event);
        break;
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
        topics_answered(e, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (rd_kafka_event_error_is_fatal(event)) /* made anew when this queue is not in use */
            producer_failed(e, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
        log_debug("kafka", "task=%s producer error=\"%s\"", e->task->conf->name,
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
    if (!e->failed)
        sends_produce(e);
}

mono_ns
emit_tick(struct emitter *e, mono_ns now)
{
    if (e->failed && now >= e->renew_at)
        start_again(e);
    if (e->failed)
        return e->renew_at;
    return mono_earlier(letters_tick(e, now), mono_earlier(topics_tick(e, now), sends_tick(e, now)));
}

uint64_t
emit_letters_waiting(const struct emitter *e)
{
    return e->n_letters;
}

uint64_t
emit_sends_waiting(const struct emitter *e)
{
    return e->n_messages;
}

uint64_t
emit_bytes(const struct emitter *e)
{
    return e->bytes;
}

uint64_t
emit_sent(const struct emitter *e)
{
    return e->sent;
}

const char *
emit_trouble(const struct emitter *e)
{
    return e->trouble[0] ? e->trouble : NULL;
}
