/* bench.c - the tasks of the benchmark: those that BENCH_TASKS names, as in "noop" or "noop1 noop2". Each worker leaves a file BENCH_DIR/TASK.PID when it is told to stop:
 *
 *   RECORDS FIRST LAST    how many it saw, and when the first and (to a thousand) the last came, in ns (CLOCK_MONOTONIC)
 *   latency: the same, and then the percentiles in ms */
#include <headrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_RECORD(FIELD)        \
    FIELD(HR_STRING, severity)   \
    FIELD(HR_STRING, message)
HR_RECORD(log_record, LOG_RECORD);

HR_COUNTER(logs_received);

struct span {
    long long records, first, last;
};

static long long
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* count is called for each record; the clock is read for one in a thousand. */
static inline void
count(struct span *s)
{
    if (s->records++ % 1000 == 0) {
        s->last = now();
        if (s->records == 1)
            s->first = s->last;
    }
}

static int
leave(const hr_task *self, const struct span *s, const char *more)
{
    char path[512];
    const char *dir = getenv("BENCH_DIR");
    snprintf(path, sizeof path, "%s/%s.%d", dir ? dir : ".", hr_name(self), (int)getpid());
    FILE *f = fopen(path, "w");
    if (!f)
        return 1;
    fprintf(f, "%lld %lld %lld%s\n", s->records, s->first, s->last, more);
    return fclose(f) != 0;
}

static int
noop(hr_task *self)
{
    struct span s = {0};
    while (hr_next(self))
        count(&s);
    return leave(self, &s, "");
}

static int
logs(hr_task *self)
{
    struct span s = {0};
    const log_record *log;
    while (hr_next_as(self, log_record, &log)) {
        count(&s);
        hr_count(logs_received, 1);
        if (strcmp(log->severity, "ERROR") == 0)
            printf("ERROR: %s\n", log->message);
    }
    return leave(self, &s, "");
}

static int
sleeps(hr_task *self)
{
    struct span s = {0};
    const char *given = getenv("BENCH_SLEEP_MS");
    long milliseconds = given ? atol(given) : 10;
    while (hr_next(self)) {
        struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
        s.last = now();
        s.first = s.records++ == 0 ? s.last : s.first;
        nanosleep(&rest, NULL);
    }
    return leave(self, &s, "");
}

static int
batches(hr_task *self)
{
    struct span s = {0};
    const hr_batch *batch;
    while ((batch = hr_next_batch(self, 500, 0.1)))
        for (size_t i = 0; i < batch->n; i++)
            count(&s);
    return leave(self, &s, "");
}

static int
less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int
latency(hr_task *self)
{
    static double took[1000000];
    struct span s = {0};
    char more[64];
    hr_record *record;
    long seen = 0;
    while ((record = hr_next(self)))
        if (++seen > 2000 && s.records < 1000000)
            took[s.records++] = (double)(now() - atoll(hr_value(record, NULL))) / 1e6;
    qsort(took, (size_t)s.records, sizeof *took, less);
    snprintf(more, sizeof more, " %.3f %.3f", s.records ? took[s.records / 2] : 0, s.records ? took[s.records * 99 / 100] : 0);
    return leave(self, &s, more);
}

static int
stuck(hr_task *self)
{
    while (hr_next(self))
        while (hr_sleep(self, 1000))
            ;
    return 0;
}

/* relay sends each record on as it is, to the topic of BENCH_TO. */
static int
relay(hr_task *self)
{
    struct span s = {0};
    const char *to = getenv("BENCH_TO");
    for (hr_record *record; (record = hr_next(self)); count(&s)) {
        size_t key_length, length;
        const char *key = hr_key(record, &key_length), *value = hr_value(record, &length);
        if (hr_send(self, to ? to : "relayed", key, key_length, value, length) != 0)
            hr_reject(record, "cannot be sent on");
    }
    return leave(self, &s, "");
}

static int
idle(hr_task *self)
{
    while (hr_next(self))
        ;
    return 0;
}

int
hr_setup(hr_app *app)
{
    static const struct {
        const char *name;
        hr_task_function *function;
    } kinds[] = {{"noop", noop}, {"logs", logs}, {"sleeps", sleeps}, {"batches", batches}, {"latency", latency}, {"stuck", stuck}, {"relay", relay},
                 {"idle", idle}};
    char names[512], *rest = names;
    const char *given = getenv("BENCH_TASKS");
    snprintf(names, sizeof names, "%s", given ? given : "noop");
    for (char *name; (name = strtok_r(rest, " ", &rest));)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (strncmp(name, kinds[i].name, strlen(kinds[i].name)) == 0)
                hr_add_task(app, &(hr_task_options){.name = name, .topic = "bench"}, kinds[i].function);
    return 0;
}
