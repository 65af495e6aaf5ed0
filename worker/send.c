/* send.c - hr_send and hr_send_message: what the body wants to be produced.
 *
 * Owns: nothing: messages are collected by outbox.c's builder. Guarantees: what is accepted can be produced
 * as far as can be known here; what is refused leaves nothing behind; only the body's own thread, which no lock
 * keeps from the others, adds anything. Must not know: when messages leave,
 * Kafka. */
#include <errno.h>
#include <string.h>

#include "worker/caller.h"
#include "worker/self.h"

#define TOPIC_MAX 249 /* Kafka's own limit */

static bool
topic_good(const char *topic)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = topic ? strlen(topic) : 0;
    return length > 0 && length <= TOPIC_MAX && strspn(topic, allowed) == length && strcmp(topic, ".") != 0 &&
           strcmp(topic, "..") != 0;
}

static bool
headers_good(const hr_message *m)
{
    if (m->n_headers > 0 && !m->headers)
        return false;
    for (size_t i = 0; i < m->n_headers; i++)
        if (!m->headers[i].name || (!m->headers[i].value && m->headers[i].value_length > 0))
            return false;
    return true;
}

static bool
good(const hr_message *m)
{
    return m && topic_good(m->topic) && (m->key || m->key_length == 0) &&
           (m->value || m->value_length == 0) && (!m->has_partition || m->partition >= 0) &&
           m->timestamp >= 0 && headers_good(m);
}

/* fits says whether the record may send this, too. Each length is looked at by itself, so that the sum cannot
 * wrap. */
static bool
fits(const struct wire_sends_builder *b, const hr_message *m)
{
    if (m->key_length > WIRE_GROUP_MAX || m->value_length > WIRE_GROUP_MAX)
        return false;
    size_t size = wire_sends_size(strlen(m->topic), m->key_length, m->value_length);
    for (size_t i = 0; i < m->n_headers; i++) {
        const hr_message_header *h = &m->headers[i];
        size_t name = strlen(h->name);
        if (name > WIRE_GROUP_MAX || h->value_length > WIRE_GROUP_MAX)
            return false;
        size += wire_sends_header_size(name, h->value_length);
        if (size > WIRE_GROUP_MAX)
            return false;
    }
    return wire_sends_fits(b, size);
}

static void
add(struct wire_sends_builder *b, const hr_message *m)
{
    struct wire_message head = {.partition = m->has_partition ? m->partition : WIRE_ANY_PARTITION,
                                .timestamp = m->timestamp};
    size_t at = wire_sends_message(b, &head, m->topic, (struct wire_bytes){m->key, m->key_length},
                                   (struct wire_bytes){m->value, m->value_length});
    for (size_t i = 0; i < m->n_headers; i++)
        wire_sends_header(b, at, m->headers[i].name,
                          (struct wire_bytes){m->headers[i].value, m->headers[i].value_length});
    wire_sends_end(b, at);
}

int
hr_send_message(hr_task *self, const hr_message *message)
{
    if (!caller_may("hr_send"))
        return -1;
    if (!self || !good(message)) {
        errno = EINVAL;
        return -1;
    }
    if (self->batch.on) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (!fits(&self->outbox.sends, message)) {
        errno = EMSGSIZE;
        return -1;
    }
    add(&self->outbox.sends, message);
    return 0;
}

int
hr_send(hr_task *self, const char *topic, const void *key, size_t key_length, const void *value,
        size_t value_length)
{
    return hr_send_message(self, &(hr_message){.topic = topic,
                                               .key = key,
                                               .key_length = key_length,
                                               .value = value,
                                               .value_length = value_length});
}
