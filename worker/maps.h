/* maps.h - which files are mapped where in this process, read without allocating. */
#ifndef WORKER_MAPS_H
#define WORKER_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One mapping that holds code. */
struct maps_code {
    uintptr_t start, end;
    uintptr_t base;   /* where the file begins that it belongs to, as the loader has laid it out */
    const char *path; /* "" where there is no file; valid until the next call */
};

struct maps {
    int fd;
    size_t at, have;
    uint64_t device, inode; /* of the file of the last line */
    uintptr_t base;
    char buffer[2 * PATH_MAX];
};

/* The three are async-signal-safe. maps_open gives up stdin where the process is out of descriptors: it is
 * for one that dies, often of just that. */
bool maps_open(struct maps *m);
bool maps_next(struct maps *m, struct maps_code *code); /* false: no more */
void maps_close(struct maps *m);

#endif
