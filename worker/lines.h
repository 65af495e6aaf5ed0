/* lines.h - the lines of a file, a pipe or a terminal, one after the other. */
#ifndef WORKER_LINES_H
#define WORKER_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum lines_got { LINES_LINE, LINES_END, LINES_TOLD, LINES_ERROR };

struct lines {
    int fd;
    char *data;
    size_t start, end, capacity; /* what was read and not given out yet: data[start] to data[end - 1] */
    size_t seen;                 /* of that, looked through for a newline */
    bool ended;
};

/* lines_open opens a file; NULL or "-" is stdin. false: errno says why. */
bool lines_open(struct lines *l, const char *path);

/* lines_next gives the next line, without its newline, valid until the next call. The last one need not end
 * with a newline. LINES_TOLD: this process was told to stop while it waited. LINES_ERROR: errno says why. */
enum lines_got lines_next(struct lines *l, const char **line, size_t *length);

void lines_close(struct lines *l);

#endif
