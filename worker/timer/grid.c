/* grid.c - the timers of the app and where each stands.
 *
 * Owns: the last step fired, of each timer.
 * Guarantees: the grid of a timer never moves: a process that is started again goes on after the step that
 * the boot document names. Must not know: the clock, sockets. */
#include "worker/timer/grid.h"

#include "shared/mem.h"
#include "shared/schedule.h"

static char *
read_timer(struct grid_timer *t, json_t *from, size_t i)
{
    json_int_t start, interval, after;
    json_error_t error;
    if (json_unpack_ex(from, &error, 0, "{s:s, s:I, s:I, s:I}", "name", &t->name, "start", &start, "interval",
                       &interval, "after", &after) < 0)
        return mem_printf("timers[%zu]: %s", i, error.text);
    if (interval <= 0 || after < 0)
        return mem_printf("timers[%zu]: interval %lld, after %lld", i, (long long)interval, (long long)after);
    t->start = start;
    t->interval = interval;
    t->after = (uint64_t)after;
    return NULL;
}

char *
grid_read(struct grid *g, const json_t *timers)
{
    *g = (struct grid){mem_array(json_array_size(timers), sizeof *g->timers),
                       (uint32_t)json_array_size(timers)};
    char *problem = json_is_array(timers) ? NULL : mem_string("no timers");
    for (uint32_t i = 0; i < g->n && !problem; i++)
        problem = read_timer(&g->timers[i], json_array_get(timers, i), i);
    return problem;
}

mono_ns
grid_next(const struct grid *g)
{
    mono_ns next = MONO_NEVER;
    for (uint32_t i = 0; i < g->n; i++)
        next =
            mono_earlier(next, schedule_next(g->timers[i].start, g->timers[i].interval, g->timers[i].after));
    return next;
}

bool
grid_due(struct grid *g, mono_ns now, struct grid_fire *fire)
{
    for (uint32_t i = 0; i < g->n; i++) {
        struct grid_timer *t = &g->timers[i];
        if (!schedule_due(t->start, t->interval, t->after, now, &fire->step, &fire->missed))
            continue;
        fire->timer = i;
        fire->lateness = now - schedule_at(t->start, t->interval, fire->step);
        t->after = fire->step;
        return true;
    }
    return false;
}
