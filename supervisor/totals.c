/* totals.c - the counters of the app, summed over all processes and over all lives.
 *
 * Owns: the segment of totals, which workers map read-only, and what dead lives added.
 * Guarantees: what a life counted stays when it ends, however it ends.
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
    /* From now on nobody can map it for writing: workers inherit the same descriptor. */
    fcntl(a->totals_fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
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
totals_fold(struct app *a, const struct worker *w)
{
    for (size_t i = 0; i < a->conf->n_counters; i++)
        a->counters_base[i] = sum(a->counters_base[i], atomic_load(&w->sb->counters[i]));
}

int64_t
totals_of(const struct app *a, size_t counter)
{
    int64_t total = a->counters_base[counter];
    for (size_t i = 0; i < a->n_tasks; i++)
        for (int j = 0; j < a->tasks[i].n_workers; j++)
            if (a->tasks[i].workers[j].sb)
                total = sum(total, atomic_load(&a->tasks[i].workers[j].sb->counters[counter]));
    return total;
}

void
totals_publish(struct app *a)
{
    for (size_t i = 0; i < a->conf->n_counters; i++)
        atomic_store_explicit(&a->totals->counters[i], totals_of(a, i), memory_order_relaxed);
}
