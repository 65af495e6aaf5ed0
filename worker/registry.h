/* registry.h - what the module declared: tasks, timers, counters, and what is wrong in it. */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include "worker/headrace.h"

struct entry {
    bool timer;
    char *name;
    char *topic;     /* NULL: a background task, or a timer */
    int concurrency; /* 0: not given */
    enum hr_order order;
    double interval; /* seconds; 0: not given, or no timer */
    hr_task_function *function;
    char *file;
    int line;
};

/* registry_settle is called when everything is registered: it puts the entries in the order of file and line
 * (constructors run in another one under link-time optimisation) and looks for names that are given twice. */
void registry_settle(void);

size_t registry_n_entries(void);
const struct entry *registry_entry(size_t i);
/* registry_find returns NULL where there is none. */
const struct entry *registry_find(const char *name);

size_t registry_n_counters(void);
hr_counter *registry_counter(size_t i); /* one for each declaration, so names may repeat */

/* What was wrong, in words for the user. */
void registry_problem(const char *format, ...) HR_PRINTF(1, 2);
size_t registry_n_problems(void);
const char *registry_problem_text(size_t i);

/* registry_clear forgets everything (for tests). */
void registry_clear(void);

#endif
