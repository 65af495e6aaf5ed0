/* totals.c - the counters of the app, summed over all processes and over all lives.
 *
 * Owns: the segment of totals, which workers map read-only, and what dead lives added.
 * Guarantees: what a life counted stays when it ends, however it ends; a task that writes over its segment spoils no
 *   counter of another module.
 * Must not know: what the counters mean. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/log.h"
#include "supervisor/supervisor.h"

void
totals_open(struct app *a)
{
    a->totals_fd = memfd_create("headrace-totals", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (a->totals_fd < 0 || ftruncate(a->totals_fd, sizeof *a->totals) < 0)
        fatal(70, "cannot make the segment of totals: %s", strerror(errno));
    a->totals = mmap(NULL, sizeof *a->totals, PROT_READ | PROT_WRITE, MAP_SHARED, a->totals_fd, 0);
    if (a->totals == MAP_FAILED)
        fatal(70, "cannot map the segment of totals: %s", strerror(errno));
    /* From now on nobody can write to it, or map it for that: workers inherit the same descriptor, and could open it anew. */
    if (fcntl(a->totals_fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        fatal(70, "cannot seal the segment of totals (Linux 5.1 is needed): %s", strerror(errno));
}

void
totals_close(struct app *a)
{
    if (a->totals_fd < 0)
        return;
    munmap(a->totals, sizeof *a->totals);
    close(a->totals_fd);
}

/* sum wraps around: what a worker's segment holds may be anything. */
static int64_t
sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void
totals_of_task(struct app *a, struct task *t)
{
    json_t *name, *names = json_object_get(a->conf->counters_of, t->conf->module);
    size_t at;
    for (size_t i = 0; i < a->conf->n_counters; i++)
        json_array_foreach(names, at, name)
            t->counts[i] = t->counts[i] || strcmp(json_string_value(name), a->conf->counters[i]) == 0;
}

/* take_count reads what a life has counted. Where its segment was written over meanwhile, what it had counted before
 * stands; and no task can count what its module does not have. */
static void
take_count(const struct app *a, struct worker *w)
{
    int64_t now[SCOREBOARD_COUNTERS];
    for (size_t i = 0; i < a->conf->n_counters; i++)
        now[i] = w->task->counts[i] ? atomic_load(&w->sb->counters[i]) : 0;
    if (holding_intact(&w->holding))
        memcpy(w->counted, now, a->conf->n_counters * sizeof *now);
}

void
totals_fold(struct app *a, struct worker *w)
{
    take_count(a, w);
    for (size_t i = 0; i < a->conf->n_counters; i++)
        a->counters_base[i] = sum(a->counters_base[i], w->counted[i]);
    memset(w->counted, 0, sizeof w->counted);
}

static void
take_all(struct app *a)
{
    for (size_t i = 0; i < a->n_tasks; i++)
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            if (a->tasks[i].workers[j].sb)
                take_count(a, &a->tasks[i].workers[j]);
}

static int64_t
total_of(const struct app *a, size_t counter)
{
    int64_t total = a->counters_base[counter];
    for (size_t i = 0; i < a->n_tasks; i++)
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            total = sum(total, a->tasks[i].workers[j].counted[counter]);
    return total;
}

void
totals_publish(struct app *a)
{
    take_all(a);
    for (size_t i = 0; i < a->conf->n_counters; i++)
        atomic_store_explicit(&a->totals->counters[i], total_of(a, i), memory_order_relaxed);
}

int64_t
totals_of(const struct app *a, size_t counter)
{
    return atomic_load(&a->totals->counters[counter]);
}
