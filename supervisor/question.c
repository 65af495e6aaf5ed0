/* question.c - the group's committed offsets and their metadata, asked of the consumer.
 *
 * Owns: how long an answer is waited for, and when it is asked again.
 * Guarantees: returns within ANSWER_MOST_MS; where nobody answers, the loop stands still for less than a fifth of its time.
 * Must not know: what an answer is for.
 *
 * DESIGN
 * librdkafka can also be asked without waiting, by an administrator's question (ListConsumerGroupOffsets). Up to 2.14 that
 * ends the process by an assertion (`eonce->refcnt > 0`; its issues 3663 and 4605) where the coordinator is reached after
 * the time for the answer is over; and it asks the same coordinator for ever, also when the group has moved. The consumer
 * knows its coordinator, but can only be asked with waiting: for one round trip where all is well. Brokers may be further
 * away than that, so the next answer is waited for twice as long, and the rest before it is longer, too. */
#include "supervisor/source_int.h"

#define ANSWER_MS 100
#define ANSWER_MOST_MS 800
#define REST 5 /* times as long as was waited for an answer */

bool
question_ask(struct question *q, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
    int wait = q->wait_ms > 0 ? q->wait_ms : ANSWER_MS;
    bool answered = rd_kafka_committed(rk, list, wait) == RD_KAFKA_RESP_ERR_NO_ERROR;
    q->wait_ms = answered ? 0 : wait * 2 < ANSWER_MOST_MS ? wait * 2 : ANSWER_MOST_MS;
    q->next = clock_mono() + (answered ? NS_PER_S : wait * REST * NS_PER_MS);
    return answered;
}
