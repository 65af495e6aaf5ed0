/* maps.c - which files are mapped where in this process.
 *
 * /proc/self/maps, a line for each mapping: "start-end rwxp offset major:minor inode   path". The loader puts
 * the segments of one file side by side, the one with its first byte first, so the first line of a run of
 * lines with one inode says where the file begins.
 *
 * Owns: one descriptor, from maps_open to maps_close.
 * Guarantees: open, read and close are all that is called, memory is fixed, so it may be used in a signal
 * handler. A line longer than any path can be ends the reading. Must not know: what is looked for. */
#include "worker/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool
maps_open(struct maps *m)
{
    m->at = m->have = 0;
    m->device = m->inode = m->base = 0;
    m->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (m->fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        close(STDIN_FILENO);
        m->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    }
    return m->fd >= 0;
}

void
maps_close(struct maps *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

static bool
fill(struct maps *m)
{
    memmove(m->buffer, m->buffer + m->at, m->have - m->at);
    m->have -= m->at;
    m->at = 0;
    ssize_t n;
    do
        n = read(m->fd, m->buffer + m->have, sizeof m->buffer - m->have);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        m->have += (size_t)n;
    return n > 0;
}

/* next_line returns the next line with a NUL for its newline, NULL at the end. */
static char *
next_line(struct maps *m)
{
    char *end;
    while (!(end = memchr(m->buffer + m->at, '\n', m->have - m->at)))
        if (!fill(m))
            return NULL;
    char *line = m->buffer + m->at;
    *end = '\0';
    m->at = (size_t)(end - m->buffer) + 1;
    return line;
}

/* number reads digits and passes over the one character behind them. */
static uint64_t
number(char **text, unsigned radix)
{
    uint64_t value = 0;
    for (;; (*text)++) {
        unsigned c = (unsigned char)**text;
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : radix;
        if (digit >= radix)
            break;
        value = value * radix + digit;
    }
    if (**text)
        (*text)++;
    return value;
}

/* take_line says whether the line is a mapping with code, and which. */
static bool
take_line(struct maps *m, char *line, struct maps_code *code)
{
    code->start = number(&line, 16);
    code->end = number(&line, 16);
    if (strlen(line) < sizeof "rwxp" - 1)
        return false;
    bool executable = line[2] == 'x';
    line += strcspn(line, " ");
    line += strspn(line, " ");
    uint64_t offset = number(&line, 16), device = number(&line, 16) << 32;
    device |= number(&line, 16);
    uint64_t inode = number(&line, 10);
    code->path = line + strspn(line, " ");
    if (inode == 0) {
        code->base = code->start;
    } else {
        if (inode != m->inode || device != m->device)
            m->base = code->start - offset;
        m->inode = inode;
        m->device = device;
        code->base = m->base;
    }
    return executable;
}

bool
maps_next(struct maps *m, struct maps_code *code)
{
    char *line;
    while ((line = next_line(m)))
        if (take_line(m, line, code))
            return true;
    return false;
}
