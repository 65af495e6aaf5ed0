/* progress.c - how far --until-end has come, as a bar on a terminal.
 *
 * Owns: when it was last drawn. Guarantees: nothing is drawn where stderr is no terminal. Must not know: what a stop is. */
#include "supervisor/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/source.h"
#include "supervisor/supervisor.h"

#define DRAW_EVERY (200 * NS_PER_MS)
#define WIDTH 30

void
progress_show(struct app *a, mono_ns now)
{
    int64_t done = 0, all = 0;
    char bar[WIDTH + 1];
    if (!a->options->until_end || now < a->progress_at || !isatty(STDERR_FILENO))
        return;
    a->progress_at = now + DRAW_EVERY;
    for (size_t i = 0; i < a->n_tasks; i++)
        if (a->tasks[i].source)
            source_progress(a->tasks[i].source, &done, &all);
    int filled = all > 0 ? (int)(done * WIDTH / all) : WIDTH;
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[WIDTH] = '\0';
    dprintf(STDERR_FILENO, "\r[%s] %" PRId64 " of %" PRId64 " ", bar, done, all);
    a->progress_drawn = true;
}

void
progress_end(struct app *a)
{
    if (a->progress_drawn)
        dprintf(STDERR_FILENO, "\n");
}
