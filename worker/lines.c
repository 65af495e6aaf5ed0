/* lines.c - the lines of a file, a pipe or a terminal.
 *
 * Owns: the descriptor and a buffer that grows to the longest line.
 * Guarantees: a line is given out as soon as it is there, byte for byte; a wait ends when this process is
 * told to stop (stdio would go on reading). Must not know: what lines mean. */
#include "worker/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"
#include "worker/told.h"

#define LINES_READ ((size_t)64 << 10)
#define LINE_LONGEST ((size_t)1 << 30) /* Kafka takes no more */

bool
lines_open(struct lines *l, const char *path)
{
    *l = (struct lines){.fd = STDIN_FILENO};
    if (path && strcmp(path, "-") != 0)
        l->fd = open(path, O_RDONLY | O_CLOEXEC);
    return l->fd >= 0;
}

static void
make_room(struct lines *l)
{
    if (l->start > 0) {
        memmove(l->data, l->data + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->capacity - l->end < LINES_READ) {
        l->capacity = l->capacity * 2 + LINES_READ;
        l->data = mem_grow(l->data, l->capacity, 1);
    }
}

/* fill waits for more and reads it. LINES_LINE: there is more, or the end was reached. */
static enum lines_got
fill(struct lines *l)
{
    struct pollfd fds[] = {{.fd = l->fd, .events = POLLIN}, {.fd = told_fd(), .events = POLLIN}};
    if (l->end - l->start > LINE_LONGEST) {
        errno = EFBIG;
        return LINES_ERROR;
    }
    make_room(l);
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    if (told())
        return LINES_TOLD;
    ssize_t n = read(l->fd, l->data + l->end, l->capacity - l->end);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? LINES_LINE : LINES_ERROR;
    l->end += (size_t)n;
    l->ended = n == 0;
    return LINES_LINE;
}

static enum lines_got
give(struct lines *l, size_t length, size_t skip, const char **line, size_t *its_length)
{
    *line = l->data + l->start;
    *its_length = length;
    l->start += length + skip;
    l->seen = 0;
    return LINES_LINE;
}

enum lines_got
lines_next(struct lines *l, const char **line, size_t *length)
{
    for (;;) {
        size_t n = l->end - l->start;
        char *newline = n > l->seen ? memchr(l->data + l->start + l->seen, '\n', n - l->seen) : NULL;
        if (newline)
            return give(l, (size_t)(newline - l->data) - l->start, 1, line, length);
        if (l->ended)
            return n > 0 ? give(l, n, 0, line, length) : LINES_END;
        l->seen = n;
        enum lines_got got = fill(l);
        if (got != LINES_LINE)
            return got;
    }
}

void
lines_close(struct lines *l)
{
    if (l->fd > STDERR_FILENO)
        close(l->fd);
    free(l->data);
    l->data = NULL;
}
