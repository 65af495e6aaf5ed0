/* letter.c - one dead letter: a record that was given up on, and why.
 *
 * Owns: its texts, one reference to the record's bytes. Guarantees: the record's own headers come first and unchanged.
 * Must not know: how letters are sent. */
#include "supervisor/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/mem.h"

struct letter *
letter_new(struct partition *p, uint64_t pos, const char *reason, struct autopsy *autopsy)
{
    const struct entry *entry = ledger_entry(&p->led, pos);
    struct letter *l = mem_alloc(sizeof *l);
    l->kind = MAIL_LETTER;
    l->part = p;
    l->pos = pos;
    l->body = batch_ref(entry->body);
    l->at = entry->at;
    l->attempts = entry->attempt;
    l->number = p->number;
    snprintf(l->topic, sizeof l->topic, "%s", p->topic);
    l->reason = mem_string(reason);
    l->autopsy = autopsy_hold(autopsy);
    return l;
}

void
letter_free(struct letter *l)
{
    batch_unref(l->body);
    autopsy_drop(l->autopsy);
    free(l->reason);
    free(l->backtrace);
    free(l);
}

bool
letter_ready(struct letter *l)
{
    if (!l->autopsy)
        return true;
    if (!autopsy_ended(l->autopsy))
        return false;
    l->backtrace = mem_string(autopsy_line(l->autopsy));
    autopsy_drop(l->autopsy);
    l->autopsy = NULL;
    return true;
}

static void
add_text(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, -1);
}

static void
add_number(rd_kafka_headers_t *headers, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(headers, name, text);
}

rd_kafka_headers_t *
letter_headers(const struct letter *l, const struct wire_view *view, const struct conf_task *c)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(16);
    const unsigned char *at = NULL;
    const char *name, *value;
    size_t length;
    while ((name = wire_header_next(view, &at, &value, &length)))
        rd_kafka_header_add(headers, name, -1, value, value ? (ssize_t)length : -1);
    add_text(headers, "headrace.topic", l->topic);
    add_number(headers, "headrace.partition", l->number);
    add_number(headers, "headrace.offset", view->r.offset);
    add_number(headers, "headrace.timestamp", view->r.timestamp);
    add_text(headers, "headrace.group", c->group);
    add_text(headers, "headrace.task", c->name);
    add_text(headers, "headrace.reason", l->reason);
    add_number(headers, "headrace.attempts", l->attempts);
    if (l->backtrace)
        add_text(headers, "headrace.backtrace", l->backtrace);
    return headers;
}
