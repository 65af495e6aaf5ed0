/* lines.c - the file in which the task of scripts/chaos.sh writes what it does. */
#include "tests/kafka/chaos/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
lines_read(const char *text, struct line *l)
{
    return sscanf(text, "r %d %" SCNd64 " %d %d %7s %d %" SCNd64 " %" SCNd64, &l->partition, &l->offset,
                  &l->pid, &l->owner, l->what, &l->attempt, &l->sequence, &l->at) == 8 &&
           l->partition >= 0 && l->offset >= 0 && l->pid > 0 && l->owner > 0 && l->sequence >= 0 && l->at > 0;
}

void
lines_each(const char *name, void (*take)(const char *))
{
    FILE *file = fopen(name, "r");
    char *line = NULL;
    size_t size = 0;
    if (!file) {
        fprintf(stderr, "chaos_check: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    while (getline(&line, &size, file) > 0)
        take(line);
    free(line);
    fclose(file);
}
