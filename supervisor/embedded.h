/* embedded.h - the embedded broker of a run: librdkafka's mock cluster, in a process of its own. */
#ifndef SUPERVISOR_EMBEDDED_H
#define SUPERVISOR_EMBEDDED_H

#include <sys/types.h>

#include "conf/conf.h"

struct embedded {
    pid_t pid;     /* 0: there is none */
    int pidfd;     /* readable when it has ended */
    char *address; /* "127.0.0.1:PORT" */
};

/* embedded_start starts `headrace broker` with the topics of the app's stream tasks, each with at least 8
 * partitions and at least one for each worker, and waits until it can be talked to. 0, or -1 with *error
 * (free it). */
int embedded_start(struct embedded *e, const struct conf *c, char **error);

/* embedded_stop ends it; what was in its topics is gone. Nothing happens where there is none. */
void embedded_stop(struct embedded *e);

#endif
