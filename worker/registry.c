/* registry.c - what the module declared.
 *
 * Owns: the entries, the counters and the problems; copies of every string, since options may stand on a
 * stack. Guarantees: an entry that is kept is good; one that is not has become a problem that says where and
 * what to do. Structs that an older header declared shorter are filled up with zeros. Must not know: how a
 * module is loaded, what a task does. */
#include "worker/registry.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

static struct entry *entries;
static size_t n_entries;
static hr_counter **counters;
static size_t n_counters;
static char **problems;
static size_t n_problems;

void
registry_problem(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problems = mem_grow(problems, n_problems + 1, sizeof *problems);
    problems[n_problems++] = mem_string(text);
}

static bool
version_is_known(int api, const char *what, const char *file, int line)
{
    if (api >= 1 && api <= HR_API_VERSION)
        return true;
    registry_problem(
        "%s:%d: %s was built with version %d of headrace.h, this headrace has version %d: install a newer "
        "headrace, or build the module with this one's headrace.h",
        file, line, what, api, HR_API_VERSION);
    return false;
}

static bool
name_is_good(const char *name)
{
    size_t n = name ? strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
    return n >= 1 && n <= 64 && name[n] == '\0';
}

/* check_common checks what tasks and timers share. */
static bool
check_common(const char *what, const struct entry *e)
{
    if (!name_is_good(e->name))
        registry_problem("%s:%d: %s \"%s\": a name is 1 to 64 of the characters A-Z a-z 0-9 _ -", e->file,
                         e->line, what, e->name ? e->name : "");
    else if (!e->function)
        registry_problem("%s:%d: %s %s: it has no function", e->file, e->line, what, e->name);
    else
        return true;
    return false;
}

static int
keep(const struct entry *e)
{
    entries = mem_grow(entries, n_entries + 1, sizeof *entries);
    entries[n_entries] = *e;
    entries[n_entries].name = mem_string(e->name);
    entries[n_entries].topic = mem_string(e->topic);
    entries[n_entries++].file = mem_string(e->file);
    return 0;
}

/* unpack copies options of an older or this version of the header. */
static void
unpack(void *to, size_t size, const void *options, size_t given)
{
    memset(to, 0, size);
    memcpy(to, options, given < size ? given : size);
}

static int
add_task(size_t size, const hr_task_options *given, hr_task_function *function, const char *file, int line)
{
    hr_task_options o;
    unpack(&o, sizeof o, given, size);
    struct entry e = {false, (char *)o.name, (char *)o.topic, o.concurrency, o.order,
                      0.0,   function,       (char *)file,    line};
    size_t before = n_problems;
    if (!check_common("task", &e))
        return -1;
    if (o.concurrency < 0 || o.concurrency > 4096)
        registry_problem("%s:%d: task %s: concurrency must be 1 to 4096, is %d", file, line, o.name,
                         o.concurrency);
    if (o.topic && *o.topic == '\0')
        registry_problem("%s:%d: task %s: the topic is empty; leave it out for a background task", file, line,
                         o.name);
    if ((unsigned)o.order > HR_ORDER_NONE)
        registry_problem("%s:%d: task %s: unknown order %d; use HR_ORDER_PARTITION, HR_ORDER_KEY or HR_ORDER_NONE", file,
                         line, o.name, (int)o.order);
    return n_problems > before ? -1 : keep(&e);
}

static int
add_timer(size_t size, const hr_timer_options *given, hr_task_function *function, const char *file, int line)
{
    hr_timer_options o;
    unpack(&o, sizeof o, given, size);
    struct entry e = {true,       (char *)o.name, NULL,         0,   HR_ORDER_DEFAULT,
                      o.interval, function,       (char *)file, line};
    if (!check_common("timer", &e))
        return -1;
    if (!isfinite(o.interval) || o.interval < 0) {
        registry_problem("%s:%d: timer %s: interval must be a positive number of seconds, is %g", file, line,
                         o.name, o.interval);
        return -1;
    }
    return keep(&e);
}

void
hr_register_task_(int api, size_t size, const hr_task_options *options, hr_task_function *function,
                  const char *file, int line)
{
    hr_add_task_(api, size, file, line, NULL, options, function);
}

void
hr_register_timer_(int api, size_t size, const hr_timer_options *options, hr_task_function *function,
                   const char *file, int line)
{
    hr_add_timer_(api, size, file, line, NULL, options, function);
}

/* There is one app in a process, so the handle is not looked at. */
int
hr_add_task_(int api, size_t size, const char *file, int line, hr_app *app, const hr_task_options *options,
             hr_task_function *function)
{
    (void)app;
    return version_is_known(api, "a task", file, line) ? add_task(size, options, function, file, line) : -1;
}

int
hr_add_timer_(int api, size_t size, const char *file, int line, hr_app *app, const hr_timer_options *options,
              hr_task_function *function)
{
    (void)app;
    return version_is_known(api, "a timer", file, line) ? add_timer(size, options, function, file, line) : -1;
}

void
hr_register_counter_(int api, hr_counter *counter)
{
    if (!version_is_known(api, counter->name, "counter", 0))
        return;
    counters = mem_grow(counters, n_counters + 1, sizeof *counters);
    counters[n_counters++] = counter;
}

static int
by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->file, y->file);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

void
registry_settle(void)
{
    if (n_entries > 0)
        qsort(entries, n_entries, sizeof *entries, by_place);
    for (size_t i = 0; i < n_entries; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(entries[i].name, entries[j].name) == 0) {
                registry_problem("two tasks are named %s: %s:%d and %s:%d; rename one of them",
                                 entries[i].name, entries[j].file, entries[j].line, entries[i].file,
                                 entries[i].line);
                break;
            }
}

size_t
registry_n_entries(void)
{
    return n_entries;
}

const struct entry *
registry_entry(size_t i)
{
    return &entries[i];
}

const struct entry *
registry_find(const char *name)
{
    for (size_t i = 0; i < n_entries; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

size_t
registry_n_counters(void)
{
    return n_counters;
}

hr_counter *
registry_counter(size_t i)
{
    return counters[i];
}

size_t
registry_n_problems(void)
{
    return n_problems;
}

const char *
registry_problem_text(size_t i)
{
    return problems[i];
}

void
registry_clear(void)
{
    for (size_t i = 0; i < n_entries; i++) {
        free(entries[i].name);
        free(entries[i].topic);
        free(entries[i].file);
    }
    for (size_t i = 0; i < n_problems; i++)
        free(problems[i]);
    free(entries);
    free(counters);
    free(problems);
    entries = NULL;
    counters = NULL;
    problems = NULL;
    n_entries = n_counters = n_problems = 0;
}
