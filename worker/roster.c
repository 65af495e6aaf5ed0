/* roster.c - what a module registered, said to people. Owns nothing; knows the registry only. */
#include "worker/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/nearest.h"
#include "worker/registry.h"

void
roster_lacks(const char *module, const char *task)
{
    size_t n = registry_n_entries();
    const char **names = mem_array(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = registry_entry(i)->name;
    nearest_sort(names, n, task);
    fprintf(stderr, "%s has no task or timer %s; it has: ", module, task);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%s%s", i ? ", " : "", names[i]);
    fputs(n ? "\n" : "none\n", stderr);
    free(names);
}

void
roster_problems(const char *module)
{
    for (size_t i = 0; i < registry_n_problems(); i++)
        fprintf(stderr, "%s: %s\n", module, registry_problem_text(i));
}

void
roster_counters(void)
{
    for (size_t i = 0; i < registry_n_counters(); i++) {
        bool shown = false;
        for (size_t j = 0; j < i && !shown; j++)
            shown = strcmp(registry_counter(j)->name, registry_counter(i)->name) == 0;
        if (!shown)
            fprintf(stderr, "%s %lld\n", registry_counter(i)->name, hr_total(registry_counter(i)));
    }
}
