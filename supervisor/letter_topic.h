/* letter_topic.h - whether the topic for dead letters is there: made where that is allowed, else said. */
#ifndef SUPERVISOR_LETTER_TOPIC_H
#define SUPERVISOR_LETTER_TOPIC_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct conf_task;

/* letter_topic_ask has the topic created; the answer is an event on the queue. */
void letter_topic_ask(rd_kafka_t *rk, rd_kafka_queue_t *queue, const struct conf_task *c);

/* letter_topic_answer takes that answer: false where it has to be asked again later. */
bool letter_topic_answer(rd_kafka_t *rk, rd_kafka_event_t *event, const struct conf_task *c);

/* letter_topic_probed takes the delivery report of a record without an opaque, by which the topic was looked
 * for. */
void letter_topic_probed(rd_kafka_t *rk, rd_kafka_resp_err_t err, const struct conf_task *c);

#endif
