/* lines.h - the file in which the task of scripts/chaos.sh writes what it does. */
#ifndef TESTS_KAFKA_CHAOS_LINES_H
#define TESTS_KAFKA_CHAOS_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* "r PARTITION OFFSET PID OWNER begin|end ATTEMPT SEQUENCE MS" */
struct line {
    int partition, pid, owner, attempt; /* owner: the supervisor */
    int64_t offset, sequence, at;       /* at: when, in ms */
    char what[8];
};

/* false where it is no such line; no number in it is negative, and no pid 0. */
bool lines_read(const char *text, struct line *l);

/* Gives every line of the file to `take`; one that cannot be read ends the program. */
void lines_each(const char *name, void (*take)(const char *));
#endif
