/* watch.c - the scoreboards looked at: deadlines, and workers that have served long enough.
 *
 * Owns: how long each worker has been on what it is on.
 * Guarantees: a record or trigger past its deadline costs its worker (SIGABRT first, so that the backtrace shows where
 *   it hangs, then SIGKILL) and counts as an attempt; a worker that is stopped or traced is not killed, its clock stands
 *   still; time in which the supervisor itself did not run is nobody's fault; of one task never more than one worker is
 *   recycled at a time.
 * Must not know: what becomes of the record.
 *
 * DESIGN
 * Workers read no clock for a record. The time on it is added up here from look to look, at most LOOK_COUNTS of a gap: a
 * longer one means that we were stopped ourselves. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "supervisor/supervisor.h"

#define LOOKS_PER_DEADLINE 20
#define LOOK_MIN (5 * NS_PER_MS)
#define LOOK_MAX (500 * NS_PER_MS)
#define LOOK_COUNTS 4 /* a gap counts as so many looks at most */
#define ABORT_TIME (2 * NS_PER_S)
#define AGE_EVERY NS_PER_S

static mono_ns
look_every(mono_ns deadline)
{
    mono_ns every = deadline / LOOKS_PER_DEADLINE;
    return every < LOOK_MIN ? LOOK_MIN : every > LOOK_MAX ? LOOK_MAX : every;
}

/* stands_still: the process is stopped or traced. */
static bool
stands_still(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *name_end = strrchr(text, ')'); /* the name may hold anything */
    return name_end && name_end[1] && (name_end[2] == 'T' || name_end[2] == 't');
}

/* doing says what the worker is on, as a number that changes with each record or trigger; false: nothing. */
static bool
doing(const struct worker *w, uint64_t *what)
{
    struct partition *p;
    uint64_t pos;
    if (w->task->conf->kind == CONF_TIMER) {
        *what = w->trigger;
        return w->running;
    }
    *what = atomic_load_explicit(&w->sb->taken, memory_order_relaxed);
    return holding_on(&w->holding, &p, &pos);
}

static void
exceeded(struct worker *w, mono_ns now)
{
    struct watch *watch = &w->watch;
    if (watch->aborted_at == 0) {
        watch->aborted_at = now;
        w->past_deadline = true;
        child_kill(&w->child, SIGABRT);
    } else if (now - watch->aborted_at >= ABORT_TIME) {
        child_kill(&w->child, SIGKILL);
    }
}

static mono_ns
watch_deadline(struct worker *w, mono_ns now)
{
    struct watch *watch = &w->watch;
    mono_ns deadline = w->task->conf->deadline, every = look_every(deadline);
    uint64_t what;
    if (now < watch->look_at)
        return watch->look_at;
    mono_ns gap = now - watch->looked_at;
    watch->looked_at = now;
    watch->look_at = now + every;
    if (!doing(w, &what)) {
        watch->on_for = 0;
        return w->holding.n_frames > 0 || w->running ? watch->look_at : MONO_NEVER;
    }
    if (what != watch->what)
        watch->on_for = 0;
    else if (!w->held_back && !stands_still(w->child.pid))
        watch->on_for += mono_earlier(gap, every * LOOK_COUNTS);
    watch->what = what;
    if (watch->on_for >= deadline)
        exceeded(w, now);
    return watch->look_at;
}

/* ---- recycling ---- */

int64_t
worker_rss(const struct worker *w)
{
    char path[64];
    long pages = 0;
    if (w->child.state != CHILD_ALIVE)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)w->child.pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static bool
others_are_up(const struct worker *w)
{
    for (int i = 0; i < w->task->n_workers; i++)
        if (&w->task->workers[i] != w && w->task->workers[i].state != WORKER_UP)
            return false;
    return true;
}

static const char *
served_long_enough(const struct worker *w, mono_ns now)
{
    const struct conf_task *c = w->task->conf;
    if (c->recycle_records > 0 && w->finished_life >= (uint64_t)c->recycle_records)
        return "records";
    if (c->recycle_age > 0 && now - w->born_at >= c->recycle_age)
        return "age";
    if (c->recycle_rss > 0 && worker_rss(w) >= c->recycle_rss)
        return "rss";
    return NULL;
}

static mono_ns
watch_age(struct worker *w, mono_ns now)
{
    if (w->watch.age_at == 0) /* a life that is too large from its birth on must not make us fork all the time */
        w->watch.age_at = w->born_at + AGE_EVERY;
    if (w->task->conf->recycle_records > 0 && w->finished_life >= (uint64_t)w->task->conf->recycle_records)
        w->watch.age_at = now;
    if (now < w->watch.age_at)
        return w->watch.age_at;
    w->watch.age_at = now + AGE_EVERY;
    const char *why = served_long_enough(w, now);
    if (!why || !others_are_up(w))
        return w->watch.age_at;
    log_info("worker recycled", "task=%s instance=%d pid=%d why=%s finished=%" PRIu64, w->task->conf->name, w->instance,
             (int)w->child.pid, why, w->finished_life);
    worker_stop(w);
    return MONO_NEVER;
}

mono_ns
watch_worker(struct worker *w, mono_ns now)
{
    const struct conf_task *c = w->task->conf;
    mono_ns next = MONO_NEVER;
    if (!w->sb || w->child.state != CHILD_ALIVE)
        return next;
    if (c->deadline > 0)
        next = watch_deadline(w, now);
    if (w->state == WORKER_UP && (c->recycle_records > 0 || c->recycle_age > 0 || c->recycle_rss > 0))
        next = mono_earlier(next, watch_age(w, now));
    return next;
}
