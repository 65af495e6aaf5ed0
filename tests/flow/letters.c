/* letters.c - what is in a topic: dead letters, read by a consumer that is in no group.
 *
 * Owns: the messages that were read last, and their consumer. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define ANSWER_MS 20000

static rd_kafka_t *reader;
static struct flow_letter *letters;
static size_t n_letters;

static void
forget(void)
{
    for (size_t i = 0; i < n_letters; i++)
        rd_kafka_message_destroy(letters[i].message);
    free(letters);
    if (reader != NULL)
        rd_kafka_destroy_flags(reader,
                               RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* it is in no group to be left */
    letters = NULL, n_letters = 0, reader = NULL;
}

static void
keep(rd_kafka_message_t *m)
{
    letters = mem_grow(letters, n_letters + 1, sizeof *letters);
    letters[n_letters++] = (struct flow_letter){.message = m,
                                                .partition = m->partition,
                                                .offset = m->offset,
                                                .timestamp = rd_kafka_message_timestamp(m, NULL),
                                                .key = m->key,
                                                .key_size = m->key_len,
                                                .value = m->payload,
                                                .value_size = m->len};
}

static int
partitions_of(rd_kafka_t *rk, const char *name)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    ck_assert_int_eq(rd_kafka_metadata(rk, 0, topic, &md, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    int n = md->topic_cnt > 0 ? md->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(topic);
    return n;
}

static void
read_partition(rd_kafka_t *rk, const char *topic, int partition)
{
    int64_t low, high;
    rd_kafka_resp_err_t error =
        rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, ANSWER_MS);
    ck_assert_msg(error == RD_KAFKA_RESP_ERR_NO_ERROR, "%s [%d]: %s", topic, partition,
                  rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = low;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (int64_t next = low; next < high;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, ANSWER_MS);
        ck_assert_msg(m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR,
                      "%s [%d]: offset %lld does not come: %s", topic, partition, (long long)next,
                      m != NULL ? rd_kafka_message_errstr(m) : "no answer");
        next = m->offset + 1;
        keep(m);
    }
}

size_t
flow_letters(const char *topic, const struct flow_letter **out)
{
    forget();
    reader = scene_observer("flow");
    rd_kafka_poll_set_consumer(reader);
    for (int i = 0, n = partitions_of(reader, topic); i < n; i++)
        read_partition(reader, topic, i);
    *out = letters;
    return n_letters;
}

bool
flow_letter_header(const struct flow_letter *letter, size_t place, struct flow_header *header)
{
    rd_kafka_headers_t *headers;
    return rd_kafka_message_headers(letter->message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_header_get_all(headers, place, &header->name, &header->value, &header->size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR;
}

const char *
flow_letter_text(const struct flow_letter *letter, const char *name)
{
    struct flow_header header;
    for (size_t i = 0; flow_letter_header(letter, i, &header); i++)
        if (strcmp(header.name, name) == 0)
            return flow_text("%.*s", (int)header.size, (const char *)header.value);
    return "";
}

void
scene_end_letters(void)
{
    forget();
}
