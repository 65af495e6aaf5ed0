/* reach.c - whether the broker can be reached, said in one line now and then.
 *
 * Owns: when it was last reached, and what was last said about it. Guarantees: a broker that is away costs one clear line,
 *   then one every 10 s; the same error of Kafka is not repeated within 10 s. Must not know: partitions.
 *
 * librdkafka says when every broker is down, not when one is up again: any answer says that. Where nothing would be asked,
 * the commit points are committed once more (source.probe). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/log.h"
#include "supervisor/source_int.h"

#define COMPLAIN_EVERY (10 * NS_PER_S)
#define DOUBT (3 * NS_PER_S) /* an error of a connection with no success after it means that the broker is away */
#define REMIND_EVERY (60 * NS_PER_S)

/* reach_note keeps what the client says of a broker, less its tail about milliseconds and suppressed errors. */
void
reach_note(struct source *s, const char *why)
{
    char text[sizeof s->last_error];
    snprintf(text, sizeof text, "%s", why);
    char *tail = strstr(text, " (after ");
    if (tail)
        *tail = '\0';
    memcpy(s->last_error, text, sizeof text);
}

void
reach_doubt(struct source *s, const char *why)
{
    reach_note(s, why);
    s->probe = s->n_fetches > 0;
    if (s->doubted_at == 0)
        s->doubted_at = clock_mono();
}

void
reach_lost(struct source *s, const char *why)
{
    reach_note(s, why);
    if (!s->reached)
        return;
    s->reached = false;
    s->unreached_since = clock_mono();
    s->next_complaint = s->unreached_since;
}

void
source_reached(struct source *s)
{
    if (s->complained)
        log_info("broker reached", "task=%s", s->task->conf->name);
    s->reached = true;
    s->probe = s->complained = false;
    s->doubted_at = 0;
}

void
source_complain(struct source *s, const char *event, const char *text)
{
    mono_ns now = clock_mono();
    if (now < s->last_complaint_at + COMPLAIN_EVERY && strcmp(text, s->last_complaint) == 0)
        return;
    snprintf(s->last_complaint, sizeof s->last_complaint, "%s", text);
    s->last_complaint_at = now;
    log_error(event, "task=%s error=\"%s\"", s->task->conf->name, text);
}

void
reach_tick(struct source *s, mono_ns now)
{
    if (s->reached && s->doubted_at != 0 && now - s->doubted_at > DOUBT)
        reach_lost(s, s->last_error);
    if (s->missing[0] && s->n_fetches == 0 && now >= s->last_complaint_at + REMIND_EVERY)
        source_complain(s, "topic does not exist, it is waited for", s->missing);
    if (s->reached || now < s->next_complaint || s->state != SOURCE_RUNNING)
        return;
    s->next_complaint = now + COMPLAIN_EVERY;
    s->probe = s->n_fetches > 0;
    if (!s->last_error[0]) /* connected, but not yet assigned: the group is still forming */
        return;
    s->complained = true;
    const char *brokers = json_string_value(json_object_get(s->task->conf->kafka, "bootstrap.servers"));
    log_warn("cannot reach the broker, trying again", "task=%s brokers=%s for=%" PRId64 "s error=\"%s\"",
             s->task->conf->name, brokers ? brokers : "", (now - s->unreached_since) / NS_PER_S, s->last_error);
}
