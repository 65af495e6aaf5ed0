/* reach.c - whether the broker can be reached and lets us do our work, said in one line now and then.
 *
 * Owns: when it was last reached, and what was last said about it. Guarantees: a broker that is away costs one clear line,
 *   then one every 10 s, and so does a right that is missing; the same error of Kafka is not repeated within 10 s. Must
 *   not know: partitions.
 *
 * librdkafka says when every broker is down, not when one is up again: any answer says that. Where nothing would be asked,
 * the commit points are committed once more (source.probe). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/refusal.h"
#include "supervisor/source_int.h"

#define COMPLAIN_EVERY (10 * NS_PER_S)
#define DOUBT (3 * NS_PER_S) /* an error of a connection with no success after it means that the broker is away */
#define REMIND_EVERY (60 * NS_PER_S)
#define LOOK_EVERY (5 * NS_PER_S)

#define RIGHT_MISSING "the broker does not allow it"
#define LOGIN_REFUSED "the broker refuses the login"
#define AGAIN ", trying again"

static bool
until_end(const struct source *s)
{
    return s->task->app->options->until_end;
}

/* reach_note keeps what the client says of a broker. With --until-end, a login that is refused at the start is no reason to
 * wait; later, it may be a broker that is only just back. */
void
reach_note(struct source *s, rd_kafka_resp_err_t err, const char *why)
{
    char *words = refusal_words(s->rk, err, why);
    snprintf(s->last_error, sizeof s->last_error, "%s", words);
    free(words);
    s->login_refused = refusal_of_login(err);
    if (!s->login_refused || s->ends_known || !until_end(s))
        return;
    if (s->task->app->state != APP_STOPPING)
        log_error(LOGIN_REFUSED, "task=%s error=\"%s\"", s->task->conf->name, s->last_error);
    app_refused(s->task->app);
}

void
reach_doubt(struct source *s)
{
    s->probe = s->n_fetches > 0;
    if (s->doubted_at == 0)
        s->doubted_at = clock_mono();
}

void
reach_lost(struct source *s)
{
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
    struct complaint *oldest = &s->complaints[0];
    for (size_t i = 0; i < COMPLAINTS; i++) {
        struct complaint *c = &s->complaints[i];
        if (c->at && now < c->at + COMPLAIN_EVERY && strncmp(text, c->text, sizeof c->text - 1) == 0)
            return;
        if (c->at < oldest->at)
            oldest = c;
    }
    snprintf(oldest->text, sizeof oldest->text, "%s", text);
    oldest->at = s->last_complaint_at = now;
    log_error(event, "task=%s error=\"%s\"", s->task->conf->name, text);
}

/* ---- rights ---- */

void
source_refused(struct source *s, enum refused what, const char *name)
{
    char *text = refusal_right(s->rk, "Read", what == REFUSED_GROUP ? "group" : "topic", name);
    snprintf(s->refusal[what], sizeof s->refusal[what], "%s", text);
    free(text);
    source_complain(s, until_end(s) ? RIGHT_MISSING : RIGHT_MISSING AGAIN, s->refusal[what]);
    app_refused(s->task->app);
}

void
source_allowed(struct source *s, enum refused what)
{
    s->refusal[what][0] = '\0';
}

const char *
source_refusal(const struct source *s)
{
    const char *text = s->refusal[s->refusal[REFUSED_GROUP][0] ? REFUSED_GROUP : REFUSED_TOPIC];
    return text[0] ? text : NULL;
}

/* look_for_topic has librdkafka look whether the topic is there now; by itself it does so every five minutes. It does not
 * wait: the answer goes to the group's state, not to us. */
static void
look_for_topic(struct source *s, mono_ns now)
{
    const struct rd_kafka_metadata *md;
    if (now < s->next_look)
        return;
    s->next_look = now + LOOK_EVERY;
    if (rd_kafka_metadata(s->rk, 1, NULL, &md, 0) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(md);
}

void
reach_tick(struct source *s, mono_ns now)
{
    if ((s->missing[0] || s->refusal[REFUSED_TOPIC][0]) && s->n_fetches == 0 && s->state == SOURCE_RUNNING)
        look_for_topic(s, now);
    if (s->reached && s->doubted_at != 0 && now - s->doubted_at > DOUBT)
        reach_lost(s);
    if (source_refusal(s) && s->state == SOURCE_RUNNING) /* librdkafka says it once only */
        source_complain(s, RIGHT_MISSING AGAIN, source_refusal(s));
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
    log_warn(s->login_refused ? LOGIN_REFUSED AGAIN : "cannot reach the broker" AGAIN,
             "task=%s brokers=%s for=%" PRId64 "s error=\"%s\"", s->task->conf->name, brokers ? brokers : "", (now - s->unreached_since) / NS_PER_S, s->last_error);
}
