/* letter_topic.c - whether the topic for dead letters is there: made where that is allowed, else said.
 *
 * Owns: nothing. Guarantees: never waits; a topic that is there is not complained about. Must not know:
 * letters.
 *
 * A user that may not create topics is told so whether or not the topic is there, and librdkafka has no
 * question about a topic that does not block. So a record is sent to a partition that no topic has: it is
 * never written, and the reason why not says whether the topic is there. */
#include "supervisor/letter_topic.h"

#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "shared/log.h"
#include "supervisor/refusal.h"

void
letter_topic_ask(rd_kafka_t *rk, rd_kafka_queue_t *queue, const struct conf_task *c)
{
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(c->dead_letter_topic, -1, -1, text, sizeof text);
    if (!topic)
        return;
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue); /* with as many partitions as the broker likes */
    rd_kafka_NewTopic_destroy(topic);
}

static void
missing(const struct conf_task *c, const char *why)
{
    log_warn("the dead-letter topic cannot be created: create it by hand if it is not there",
             "task=%s topic=%s error=\"%s\"", c->name, c->dead_letter_topic, why);
}

static void
look(rd_kafka_t *rk, const struct conf_task *c)
{
    rd_kafka_resp_err_t err =
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(c->dead_letter_topic), RD_KAFKA_V_PARTITION(INT32_MAX),
                          RD_KAFKA_V_VALUE(NULL, 0), RD_KAFKA_V_OPAQUE(NULL), RD_KAFKA_V_END);
    if (err)
        letter_topic_probed(rk, err, c);
}

void
letter_topic_probed(rd_kafka_t *rk, rd_kafka_resp_err_t err, const struct conf_task *c)
{
    if (refusal_of_right(err)) {
        char *right = refusal_right(rk, "Write", "topic", c->dead_letter_topic);
        missing(c, right);
        free(right);
    } else if (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        missing(c, "it is not there, and the user has no right to Create it");
    } /* an unknown partition is that of a known topic; what befalls the producer itself is said elsewhere */
}

bool
letter_topic_answer(rd_kafka_t *rk, rd_kafka_event_t *event, const struct conf_task *c)
{
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    if (!err && n > 0)
        err = rd_kafka_topic_result_error(topics[0]);
    if (!err)
        log_info("dead-letter topic created", "task=%s topic=%s", c->name, c->dead_letter_topic);
    else if (err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__TRANSPORT)
        return false;
    else if (refusal_of_right(err))
        look(rk, c);
    else if (err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && err != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        missing(c, rd_kafka_err2str(err));
    return true;
}
