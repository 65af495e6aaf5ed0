/* sent.h - the topic that the task of scripts/chaos.sh sends to: one message for each healthy record. */
#ifndef TESTS_KAFKA_CHAOS_SENT_H
#define TESTS_KAFKA_CHAOS_SENT_H

#include <librdkafka/rdkafka.h>

#include "tests/kafka/chaos/lanes.h"

struct sent {
    struct part *parts;
    int n_parts;
    long missing, strange, of_failed, order; /* what is wrong */
    long messages, repeats, unended;         /* unended: more messages of a record than it ended */
};

/* sent_message takes the messages in the order of their partition. sent_end comes when it is known how often
 * each record ended. */
void sent_message(struct sent *sent, const rd_kafka_message_t *m);
void sent_end(struct sent *sent);

#endif
