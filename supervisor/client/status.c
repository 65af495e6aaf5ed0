/* status.c - `headrace status`: a running app, once.
 *
 * Owns: what people see of it; --json prints what the app said as it is.
 * Must not know: where the numbers come from. A key that is missing is shown as "-", so an app of another
 * version can be looked at too. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/utf8.h"
#include "supervisor/client/ask.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/table.h"
#include "supervisor/client/usage.h"

#define COMMAND "status"
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { OPTION_RUNTIME_DIR = 0x100, OPTION_JSON }; /* without a short form */

struct wish {
    struct ask_target target;
    bool json, verbose;
};

static const char *
text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

/* duration_text: "3d 4h", "2h 5m", "1m 12s", "9s". */
static void
duration_text(char *text, size_t size, double seconds)
{
    int64_t s = seconds > 0 && seconds < 1e15 ? (int64_t)seconds : 0;
    if (s >= 86400)
        snprintf(text, size, "%" PRId64 "d %" PRId64 "h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(text, size, "%" PRId64 "h %" PRId64 "m", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(text, size, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    else
        snprintf(text, size, "%" PRId64 "s", s);
}

/* print_safe prints a text of the app's, and nothing that a terminal would take for an order. */
static void
print_safe(const char *text)
{
    char *plain = utf8_plain_text(mem_string(text), "");
    fputs(plain, stdout);
    free(plain);
}

static void
print_head(json_t *status)
{
    char up[64];
    duration_text(up, sizeof up, json_number_value(json_object_get(status, "uptime_s")));
    print_safe(text_of(status, "app"));
    printf("  pid %" JSON_INTEGER_FORMAT "  ", json_integer_value(json_object_get(status, "pid")));
    print_safe(text_of(status, "state"));
    printf("  up %s", up);
    if (json_object_get(status, "brokers")) {
        printf("  brokers ");
        print_safe(text_of(status, "brokers"));
    }
    putchar('\n');
}

/* workers_cell: how many there are of how many there should be. */
static void
workers_cell(struct table *t, json_t *task)
{
    json_t *workers = json_object_get(task, "workers"), *w;
    size_t i, alive = 0;
    json_array_foreach(workers, i, w)
        alive += json_integer_value(json_object_get(w, "pid")) > 0;
    if (json_is_array(workers))
        table_cell(t, "%zu/%" JSON_INTEGER_FORMAT, alive,
                   json_integer_value(json_object_get(task, "concurrency")));
    else
        table_cell(t, "-");
}

/* number_cell: a number that is below zero is not known yet. */
static void
number_cell(struct table *t, json_t *number)
{
    table_json(t, json_number_value(number) < 0 ? NULL : number);
}

static void
print_tasks(json_t *tasks)
{
    static const char *const titles[] = {"TASK",     "KIND",  "STATE",    "WORKERS>", "PROCESSED>", "FAILED>",
                                         "RETRIED>", "DEAD>", "SKIPPED>", "LAG>",     "RATE/S>"};
    static const char *const keys[] = {"processed", "failed", "retried", "dead_lettered",
                                       "skipped",   "lag",    "rate"};
    struct table t;
    json_t *task;
    size_t i;
    if (json_array_size(tasks) == 0)
        return;
    table_begin(&t, titles, COUNT(titles));
    json_array_foreach(tasks, i, task) {
        bool stream = strcmp(text_of(task, "kind"), "stream") == 0;
        table_json(&t, json_object_get(task, "name"));
        table_json(&t, json_object_get(task, "kind"));
        table_json(&t, json_object_get(task, "state"));
        workers_cell(&t, task);
        for (size_t k = 0; k < COUNT(keys); k++)
            number_cell(&t, stream ? json_object_get(task, keys[k]) : NULL);
    }
    putchar('\n');
    table_print(&t, stdout, 0);
}

/* print_troubles says for each task what holds it up. */
static void
print_troubles(json_t *tasks)
{
    json_t *task;
    size_t i;
    json_array_foreach(tasks, i, task) {
        json_int_t letters = json_integer_value(json_object_get(task, "waiting_letters"));
        const char *trouble = json_string_value(json_object_get(task, "trouble"));
        if (!trouble && letters == 0)
            continue;
        putchar('\n');
        print_safe(text_of(task, "name"));
        printf(": ");
        if (letters > 0)
            printf("%" JSON_INTEGER_FORMAT " dead letter%s not confirmed yet%s", letters,
                   letters == 1 ? "" : "s", trouble ? ": " : "");
        print_safe(trouble ? trouble : "");
        putchar('\n');
    }
}

static void
print_timers(json_t *timers)
{
    static const char *const titles[] = {"TIMER", "SCHEDULE", "FIRED>", "SKIPPED>", "LATE/S>"};
    struct table t;
    json_t *timer;
    size_t i;
    if (json_array_size(timers) == 0)
        return;
    table_begin(&t, titles, COUNT(titles));
    json_array_foreach(timers, i, timer) {
        table_json(&t, json_object_get(timer, "name"));
        table_json(&t, json_object_get(timer, "schedule"));
        table_json(&t, json_object_get(timer, "fired"));
        table_json(&t, json_object_get(timer, "skipped"));
        json_t *late = json_object_get(timer, "lateness_s");
        if (json_is_number(late))
            table_cell(&t, "%.3f", json_number_value(late));
        else
            table_cell(&t, "-");
    }
    putchar('\n');
    table_print(&t, stdout, 0);
}

static void
print_counters(json_t *counters)
{
    static const char *const titles[] = {"COUNTER", "TOTAL>"};
    struct table t;
    const char *name;
    json_t *total;
    if (json_object_size(counters) == 0)
        return;
    table_begin(&t, titles, COUNT(titles));
    json_object_foreach(counters, name, total) {
        table_cell(&t, "%s", name);
        table_json(&t, total);
    }
    putchar('\n');
    table_print(&t, stdout, 0);
}

/* record_cell: the record that a worker is on. */
static void
record_cell(struct table *t, json_t *record)
{
    if (!json_is_object(record)) {
        table_cell(t, "-");
        return;
    }
    table_cell(t, "%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT " for %.1f s", text_of(record, "topic"),
               json_integer_value(json_object_get(record, "partition")),
               json_integer_value(json_object_get(record, "offset")),
               json_number_value(json_object_get(record, "seconds")));
}

static void
print_workers(json_t *workers)
{
    static const char *const titles[] = {"WORKER>",   "PID>",    "STATE", "PROCESSED>",
                                         "RESTARTS>", "RSS/MB>", "RECORD"};
    static const char *const keys[] = {"instance", "pid", "state", "processed", "restarts"};
    struct table t;
    json_t *w;
    size_t i;
    if (json_array_size(workers) == 0)
        return;
    table_begin(&t, titles, COUNT(titles));
    json_array_foreach(workers, i, w) {
        for (size_t k = 0; k < COUNT(keys); k++)
            table_json(&t, json_object_get(w, keys[k]));
        json_t *rss = json_object_get(w, "rss_bytes");
        if (json_is_number(rss))
            table_cell(&t, "%.1f", json_number_value(rss) / (1 << 20));
        else
            table_cell(&t, "-");
        record_cell(&t, json_object_get(w, "record"));
    }
    table_print(&t, stdout, 2);
}

static void
print_partitions(json_t *partitions)
{
    static const char *const titles[] = {"TOPIC", "PARTITION>", "COMMITTED>", "END>", "IN FLIGHT>"};
    static const char *const keys[] = {"topic", "partition", "committed", "end", "in_flight"};
    struct table t;
    json_t *p;
    size_t i;
    if (json_array_size(partitions) == 0)
        return;
    table_begin(&t, titles, COUNT(titles));
    json_array_foreach(partitions, i, p)
        for (size_t k = 0; k < COUNT(keys); k++)
            number_cell(&t, json_object_get(p, keys[k]));
    table_print(&t, stdout, 2);
}

static void
print_details(json_t *tasks)
{
    json_t *task;
    size_t i;
    json_array_foreach(tasks, i, task) {
        putchar('\n');
        print_safe(text_of(task, "name"));
        printf(":\n");
        print_workers(json_object_get(task, "workers"));
        print_partitions(json_object_get(task, "partitions"));
    }
}

static int
parse(struct wish *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'a'},
        {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
        {"json", no_argument, NULL, OPTION_JSON},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    while ((opt = getopt_long(argc, argv, ":a:v", options, NULL)) != -1) {
        switch (opt) {
        case 'a':
            w->target.app = optarg;
            break;
        case OPTION_RUNTIME_DIR:
            w->target.runtime_dir = optarg;
            break;
        case OPTION_JSON:
            w->json = true;
            break;
        case 'v':
            w->verbose = true;
            break;
        default:
            return usage_option(COMMAND, argv, options, opt);
        }
    }
    if (optind < argc)
        return usage_error(COMMAND, "takes no argument, but there is '%s'; an app is chosen by -a NAME",
                           argv[optind]);
    return 0;
}

/* print_json: in ASCII, since it may be a terminal that reads it; the library leaves U+007F as it is. */
static void
print_json(json_t *status)
{
    char *text = json_dumps(status, JSON_INDENT(2) | JSON_REAL_PRECISION(12) | JSON_ENSURE_ASCII);
    for (const char *p = text ? text : ""; *p; p++)
        fputs(*p == 0x7f ? "\\u007f" : (char[2]){*p}, stdout);
    putchar('\n');
    free(text);
}

static void
print_status(const struct wish *w, json_t *status)
{
    json_t *tasks = json_object_get(status, "tasks");
    if (w->json) {
        print_json(status);
        return;
    }
    print_head(status);
    print_tasks(tasks);
    print_troubles(tasks);
    print_timers(json_object_get(status, "timers"));
    print_counters(json_object_get(status, "counters"));
    if (w->verbose)
        print_details(tasks);
}

int
status_main(int argc, char **argv)
{
    struct wish w = {0};
    int code = parse(&w, argc, argv);
    json_t *status = code ? NULL : ask_status(&w.target, COMMAND, &code);
    if (status)
        print_status(&w, status);
    json_decref(status);
    free(w.target.path);
    return code;
}
