/* refusal.c - what a broker does not allow, in words that say what is missing and what to do about it.
 *
 * Owns: the words. Guarantees: no text holds a password. Must not know: who asked, what follows.
 *
 * A broker does not say which right is missing, nor for whom: the operation is what the caller was at, the
 * user is the one of the client's configuration. What a user may not see is not listed; only a question by
 * name tells it apart from what is not there. */
#include "supervisor/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define SCRAM_MENDED                                                                                         \
    0x020601ff /* librdkafka's issue 4895: before, it sends its own nonce twice; Kafka 4 looks at it */

bool
refusal_of_right(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

bool
refusal_of_login(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

/* property reads one of the client's; an empty text where there is none. */
static const char *
property(rd_kafka_t *rk, const char *name, char *text, size_t size)
{
    text[0] = '\0';
    if (rd_kafka_conf_get(rd_kafka_conf(rk), name, text, &size) != RD_KAFKA_CONF_OK)
        text[0] = '\0';
    return text;
}

/* user_of is the broker's name for the client, where the configuration tells it: not with a certificate or
 * Kerberos. */
static const char *
user_of(rd_kafka_t *rk, char *text, size_t size)
{
    char protocol[32];
    property(rk, "security.protocol", protocol, sizeof protocol);
    if (strcmp(protocol, "plaintext") == 0)
        return "ANONYMOUS";
    return strncmp(protocol, "sasl", 4) == 0 ? property(rk, "sasl.username", text, size) : "";
}

char *
refusal_right(rd_kafka_t *rk, const char *operation, const char *resource, const char *name)
{
    char text[128];
    const char *user = user_of(rk, text, sizeof text);
    return mem_printf(
        "the user %s%shas no right to %s on %s %s; give it: kafka-acls --add --allow-principal User:%s"
        " --operation %s --%s %s",
        user, user[0] ? " " : "", operation, resource, name, user[0] ? user : "NAME", operation, resource,
        name);
}

char *
refusal_error(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *operation, const char *resource,
              const char *name)
{
    return refusal_of_right(err) ? refusal_right(rk, operation, resource, name)
                                 : mem_string(rd_kafka_err2str(err));
}

static char *
login_words(rd_kafka_t *rk, const char *text)
{
    char user[128], mechanism[32];
    property(rk, "sasl.username", user, sizeof user);
    property(rk, "sasl.mechanisms", mechanism, sizeof mechanism);
    bool old = strncmp(mechanism, "SCRAM", 5) == 0 && rd_kafka_version() < SCRAM_MENDED;
    return mem_printf("%s; look at sasl.username (%s), sasl.password and sasl.mechanism (%s)%s%s", text, user,
                      mechanism, old ? "; Kafka 4 takes SCRAM only from librdkafka 2.6.1 on, this is " : "",
                      old ? rd_kafka_version_str() : "");
}

/* certificate_words: librdkafka names ssl.ca.location alone, also where the name in the certificate is
 * another one. */
static char *
certificate_words(const char *text)
{
    const char *end = strstr(text, ": "); /* of the broker's name, mostly */
    int length = end && memchr(text, '/', (size_t)(end - text)) ? (int)(end - text) : 0;
    return mem_printf(
        "%.*s%sthe broker's certificate is not accepted: it has expired, is by an authority that is not in"
        " ssl.ca.location, or is not for the host name that bootstrap.servers, or the broker itself, gives",
        length, text, length ? ": " : "");
}

/* down_words: of a broker that hangs up at the first request, a newer librdkafka (seen with 2.16) says no more than this;
 * 2.0.2 names security.protocol. */
static char *
down_words(const char *text)
{
    return mem_printf("%s, or hang up at once: is security.protocol what they speak?", text);
}

char *
refusal_words(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *text)
{
    char *words = mem_string(text);
    char *tail = strstr(words, " (after "); /* milliseconds, suppressed errors */
    if (tail)
        *tail = '\0';
    char *better = refusal_of_login(err)                        ? login_words(rk, words)
                   : strstr(words, "certificate verify failed") ? certificate_words(words)
                   : err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? down_words(words)
                                                                : NULL;
    if (!better)
        return words;
    free(words);
    return better;
}

bool
refusal_hidden(rd_kafka_t *rk, const char *topic, int ms)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    bool hidden = false;
    if (rkt && rd_kafka_metadata(rk, 0, rkt, &md, ms) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        hidden = md->topic_cnt == 1 && refusal_of_right(md->topics[0].err);
        rd_kafka_metadata_destroy(md);
    }
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    return hidden;
}

static rd_kafka_resp_err_t
group_error(rd_kafka_event_t *event)
{
    size_t n = 0;
    if (rd_kafka_event_error(event))
        return rd_kafka_event_error(event);
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &n);
    const rd_kafka_error_t *error = n > 0 ? rd_kafka_group_result_error(groups[0]) : NULL;
    return error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool
refusal_group(rd_kafka_t *rk, const char *group, const char *topic, int ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0);
    rd_kafka_ListConsumerGroupOffsets_t *question = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(rk, &question, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ms);
    bool refused = event && refusal_of_right(group_error(event));
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    return refused;
}
