/* dead_list.c - `headrace dead list TOPIC`: a line for each letter, the oldest first.
 *
 * With --json, one document a line:
 *   {"partition", "offset", "timestamp", "from": {"topic", "partition", "offset", "timestamp"}, "group",
 * "task", "attempts", "reason", "backtrace", "key" (or "key_hex", where it is no text), "value_bytes"} What a
 * letter does not say is null.
 *
 * Owns: the newest letters, where only so many are wanted; else nothing is kept but the table.
 * Must not know: how letters are read. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/dead.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/table.h"

#define REASON_SHOWN 80 /* characters; `dead show` shows all of it */
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct list {
    const struct dead_wish *w;
    struct table table;
    json_t **kept; /* -n: a ring of that many */
    uint64_t n_letters, n_matching;
    uint64_t n_strange; /* that do not say where they came from */
};

/* ---- a letter as a document ---- */

static json_t *
text_of(const struct letter *l, enum letter_field field)
{
    if (!l->field[field].data)
        return json_null();
    char *text = letter_text(l, field);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *
number_of(const struct letter *l, enum letter_field field)
{
    int64_t n;
    return letter_number(l, field, 0, INT64_MAX, &n) ? json_integer(n) : json_null();
}

static void
add_key(json_t *document, struct bytes key)
{
    bool text = bytes_are_text(key);
    char *hex = text ? NULL : bytes_hex(key);
    json_object_set_new(document, text ? "key" : "key_hex",
                        !key.data ? json_null()
                        : text    ? json_stringn(key.data, key.size)
                                  : json_string(hex));
    free(hex);
}

static json_t *
document_of(const rd_kafka_message_t *m, const struct letter *l)
{
    json_t *from = json_pack("{s:o, s:o, s:o, s:o}", "topic", text_of(l, LETTER_TOPIC), "partition",
                             number_of(l, LETTER_PARTITION), "offset", number_of(l, LETTER_OFFSET),
                             "timestamp", number_of(l, LETTER_TIMESTAMP));
    json_t *document =
        json_pack("{s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "partition", (int)m->partition, "offset",
                  (json_int_t)m->offset, "timestamp", (json_int_t)rd_kafka_message_timestamp(m, NULL), "from",
                  from, "group", text_of(l, LETTER_GROUP), "task", text_of(l, LETTER_TASK), "attempts",
                  number_of(l, LETTER_ATTEMPTS), "reason", text_of(l, LETTER_REASON), "backtrace",
                  text_of(l, LETTER_BACKTRACE));
    add_key(document, (struct bytes){m->key, m->key_len});
    json_object_set_new(document, "value_bytes", m->payload ? json_integer((json_int_t)m->len) : json_null());
    return document;
}

/* ---- and as a row ---- */

static const char *
string_in(json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));
    return text ? text : "";
}

/* cut shortens a text to so many characters. */
static char *
cut(const char *text, size_t characters)
{
    size_t n = 0, end = 0;
    while (text[end] && n <= characters) {
        end++;
        if (((unsigned char)text[end] & 0xc0) != 0x80)
            n++;
        if (n == characters && text[end])
            return mem_printf("%.*s...", (int)end, text);
    }
    return mem_string(text);
}

static void
add_origin(struct table *t, json_t *from)
{
    const char *topic = string_in(from, "topic");
    json_t *partition = json_object_get(from, "partition"), *offset = json_object_get(from, "offset");
    if (json_is_integer(partition) && json_is_integer(offset))
        table_cell(t, "%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT, *topic ? topic : "?",
                   json_integer_value(partition), json_integer_value(offset));
    else
        table_cell(t, "%s", topic);
}

static void
add_row(struct table *t, json_t *document)
{
    char time[DEAD_TIME_SIZE];
    table_cell(t, "%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT,
               json_integer_value(json_object_get(document, "partition")),
               json_integer_value(json_object_get(document, "offset")));
    table_cell(t, "%s", dead_time(json_integer_value(json_object_get(document, "timestamp")), time));
    add_origin(t, json_object_get(document, "from"));
    table_cell(t, "%s", string_in(document, "task"));
    table_json(t, json_object_get(document, "attempts"));
    char *reason = cut(string_in(document, "reason"), REASON_SHOWN);
    table_cell(t, "%s", reason);
    free(reason);
}

/* ---- the list ---- */

static bool
matches(const struct dead_wish *w, const struct letter *l)
{
    char *task = letter_text(l, LETTER_TASK), *reason = letter_text(l, LETTER_REASON);
    bool good = (!w->task || strcmp(task, w->task) == 0) &&
                (!w->reason || strncmp(reason, w->reason, strlen(w->reason)) == 0);
    free(task);
    free(reason);
    return good;
}

static void
put_take(struct list *list, json_t *document)
{
    if (list->w->json) {
        json_dumpf(document, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        add_row(&list->table, document);
    }
    json_decref(document);
}

static void
keep_take(struct list *list, json_t *document)
{
    json_t **place = &list->kept[list->n_matching % (uint64_t)list->w->newest];
    json_decref(*place);
    *place = document;
}

static void
look(struct list *list, rd_kafka_message_t *m)
{
    struct letter l;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    letter_read(&l, headers);
    list->n_letters++;
    list->n_strange += l.field[LETTER_TOPIC].data == NULL;
    if (!matches(list->w, &l))
        return;
    if (list->kept)
        keep_take(list, document_of(m, &l));
    else
        put_take(list, document_of(m, &l));
    list->n_matching++;
}

/* put_kept puts what was kept, the oldest of it first. */
static void
put_kept(struct list *list)
{
    uint64_t newest = (uint64_t)list->w->newest;
    uint64_t first = list->n_matching > newest ? list->n_matching - newest : 0;
    for (uint64_t i = first; i < list->n_matching; i++)
        put_take(list, list->kept[i % newest]);
    free(list->kept);
}

static void
print_count(const struct list *list)
{
    const char *s = list->n_letters == 1 ? "" : "s";
    uint64_t shown = list->n_matching, newest = (uint64_t)list->w->newest;
    if (newest > 0 && shown > newest)
        shown = newest;
    if (shown != list->n_letters)
        printf("%" PRIu64 " of ", shown);
    printf("%" PRIu64 " letter%s in %s\n", list->n_letters, s, list->w->topic);
    if (list->n_strange > 0)
        fprintf(stderr, "headrace %s: %" PRIu64 " of them have no headrace.topic: were they written by headrace?\n",
                list->w->command, list->n_strange);
}

static void
read_all(struct list *list, struct reader *r)
{
    rd_kafka_message_t *m;
    while ((m = reader_next(r))) {
        look(list, m);
        rd_kafka_message_destroy(m);
    }
}

int
dead_list(struct dead_wish *w)
{
    static const char *const titles[] = {"LETTER>", "DIED", "FROM", "TASK", "ATTEMPTS>", "REASON"};
    struct list list = {.w = w, .kept = w->newest ? mem_array((size_t)w->newest, sizeof *list.kept) : NULL};
    struct reader r;
    table_begin(&list.table, titles, COUNT(titles));
    int code = dead_open(w, &r, NULL);
    if (code == 0 && (code = reader_start(&r)) == 0) {
        read_all(&list, &r);
        code = r.code;
    }
    reader_close(&r);
    if (list.kept)
        put_kept(&list);
    if (!w->json && list.n_matching > 0)
        table_print(&list.table, stdout, 0);
    else
        table_free(&list.table);
    if (!w->json && code == 0)
        print_count(&list);
    return code;
}
