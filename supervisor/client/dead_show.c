/* dead_show.c - `headrace dead show TOPIC --offset P:O`: letters in full.
 *
 * Guarantees: every header is shown once: in the summary, or as it stands.
 * Must not know: how letters are read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/dead.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/usage.h"

#define FRAME_BETWEEN " < "

static void
show_line(const char *label, const char *text)
{
    printf("%-10s %s\n", label, *text ? text : "-");
}

static void
show_field(const struct letter *l, const char *label, enum letter_field field)
{
    char *text = letter_text(l, field);
    show_line(label, text);
    free(text);
}

/* show_origin shows "logs:3:1234, written 2031-05-01T12:00:00.000Z". */
static void
show_origin(const struct letter *l)
{
    char time[DEAD_TIME_SIZE];
    int64_t ms;
    char *topic = letter_text(l, LETTER_TOPIC), *partition = letter_text(l, LETTER_PARTITION),
         *offset = letter_text(l, LETTER_OFFSET), *text = NULL;
    if (*topic || *partition || *offset)
        text = mem_printf("%s:%s:%s", *topic ? topic : "?", *partition ? partition : "?",
                          *offset ? offset : "?");
    show_line("from", text ? text : "");
    show_line("written", letter_number(l, LETTER_TIMESTAMP, 0, INT64_MAX, &ms) ? dead_time(ms, time) : "");
    free(topic);
    free(partition);
    free(offset);
    free(text);
}

/* show_backtrace shows a frame a line, the innermost first. */
static void
show_backtrace(const struct letter *l)
{
    char *text = letter_text(l, LETTER_BACKTRACE), *frame = text;
    if (*text)
        puts("backtrace");
    while (*frame) {
        char *end = strstr(frame, FRAME_BETWEEN);
        int length = end ? (int)(end - frame) : (int)strlen(frame);
        printf("  %.*s\n", length, frame);
        frame += (size_t)length + (end ? strlen(FRAME_BETWEEN) : 0);
    }
    free(text);
}

static void
show_header(const char *name, struct bytes value)
{
    char *clean = bytes_line((struct bytes){name, strlen(name)});
    if (!value.data) {
        printf("  %s (null)\n", clean);
    } else if (bytes_are_text(value) && !memchr(value.data, '\n', value.size)) {
        printf("  %s: %.*s\n", clean, (int)value.size, value.data);
    } else {
        printf("  %s (%zu bytes)\n", clean, value.size);
        bytes_show(value, stdout, 4);
    }
    free(clean);
}

/* in_summary says whether this very value was shown as a field. A number that is none stands in `from` all
 * the same, except for the timestamp. */
static bool
in_summary(const struct letter *l, const void *data)
{
    int64_t ms;
    for (int field = 0; data && field < LETTER_FIELDS; field++)
        if (l->field[field].data == data)
            return field != LETTER_TIMESTAMP || letter_number(l, LETTER_TIMESTAMP, 0, INT64_MAX, &ms);
    return false;
}

static void
show_headers(const struct letter *l, const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *data;
    size_t size, shown = 0;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &data, &size); i++) {
        if (in_summary(l, data))
            continue;
        if (shown++ == 0)
            puts("headers");
        show_header(name, (struct bytes){data, size});
    }
}

static void
show_bytes(const char *label, struct bytes b)
{
    if (!b.data) {
        printf("%-10s (null)\n", label);
        return;
    }
    printf("%s (%zu byte%s)\n", label, b.size, b.size == 1 ? "" : "s");
    bytes_show(b, stdout, 2);
}

/* print_word prints an argument of a command as a shell takes it. */
static void
print_word(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:,=+@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*word);
    putchar('\'');
}

static void
print_option(const char *option, const char *value)
{
    if (!value)
        return;
    printf(" %s ", option);
    print_word(value);
}

static void
show_commands(const struct dead_wish *w, const struct letter *l, const rd_kafka_message_t *m)
{
    char *task = letter_text(l, LETTER_TASK);
    printf("\ntry it:     headrace try ");
    print_word(w->kafka.app ? w->kafka.app : "APP");
    putchar(' ');
    print_word(*task ? task : "TASK");
    printf(" --record %s:%d:%" PRId64, w->topic, m->partition, m->offset);
    print_option("-b", w->kafka.brokers);
    printf("\nsend back:  headrace dead replay %s --offset %d:%" PRId64, w->topic, m->partition, m->offset);
    print_option("-b", w->kafka.brokers);
    print_option("-a", w->kafka.running.app);
    print_option("--runtime-dir", w->kafka.running.runtime_dir);
    print_option("--app", w->kafka.app);
    putchar('\n');
    free(task);
}

static void
show(const struct dead_wish *w, const rd_kafka_message_t *m)
{
    char time[DEAD_TIME_SIZE];
    struct letter l;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    letter_read(&l, headers);
    printf("%-10s %s:%d:%" PRId64 "\n", "letter", w->topic, m->partition, m->offset);
    show_line("died", dead_time(rd_kafka_message_timestamp(m, NULL), time));
    show_origin(&l);
    show_field(&l, "group", LETTER_GROUP);
    show_field(&l, "task", LETTER_TASK);
    show_field(&l, "attempts", LETTER_ATTEMPTS);
    show_field(&l, "reason", LETTER_REASON);
    show_backtrace(&l);
    show_headers(&l, headers);
    show_bytes("key", (struct bytes){m->key, m->key_len});
    show_bytes("value", (struct bytes){m->payload, m->len});
    show_commands(w, &l, m);
}

int
dead_show(struct dead_wish *w)
{
    struct reader r;
    if (w->n_places == 0)
        return usage_error(w->command, "needs --offset PARTITION:OFFSET; `headrace dead list %s` shows them",
                           w->topic);
    int code = dead_open(w, &r, NULL);
    for (size_t i = 0; code == 0 && i < w->n_places; i++) {
        rd_kafka_message_t *m = reader_fetch(&r, w->places[i]);
        code = r.code;
        if (!m)
            continue;
        if (i > 0)
            putchar('\n');
        show(w, m);
        rd_kafka_message_destroy(m);
    }
    reader_close(&r);
    return code;
}
