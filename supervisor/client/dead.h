/* dead.h - `headrace dead`: what was asked, and the three commands that do it. */
#ifndef SUPERVISOR_CLIENT_DEAD_H
#define SUPERVISOR_CLIENT_DEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/client/kafka_options.h"
#include "supervisor/client/reader.h"

struct dead_wish {
    const char *command; /* "dead list": whose errors these are */
    struct kafka_options kafka;
    const char *topic;
    struct reader_place *places; /* --offset, in the order given */
    size_t n_places;
    int64_t newest;            /* -n; 0: all */
    const char *task, *reason; /* NULL: any */
    const char *to;            /* NULL: where each letter came from */
    bool json;
};

/* dead_open opens the dead-letter topic: 0, or an exit code; what is wrong was then printed. Close it either
 * way. */
int dead_open(struct dead_wish *w, struct reader *r, const char *group);

/* Each returns the exit code. */
int dead_list(struct dead_wish *w);
int dead_show(struct dead_wish *w);
int dead_replay(struct dead_wish *w);

#define DEAD_TIME_SIZE 32
/* dead_time writes a timestamp of Kafka (ms, UTC), "-" where there is none. */
const char *dead_time(int64_t ms, char text[DEAD_TIME_SIZE]);

#endif
