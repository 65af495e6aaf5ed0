/* frames.c - fuzzing of what headrace-symbolize reads: the frames of a dead worker, and what files name.
 *
 * symbols.c is imitated: no file is opened, and names come from the input, too, since they come from files
 * that are not to be trusted. The text is what autopsy.c would take from the scoreboard, and what it would
 * not. */
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/autopsy.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"
#include "worker/symbolize/symbolize.h"
#include "worker/symbolize/symbols.h"

struct symbols {
    char *name;
};

static struct input names;

struct symbols *
symbols_open(const char *path)
{
    size_t n;
    const uint8_t *text = input_part(&names, '\n', &n);
    MUST(path[0] == '/', "%s is opened", path);
    if (n == 0)
        return NULL;
    struct symbols *s = mem_alloc(sizeof *s);
    s->name = strndup((const char *)text, n);
    return s;
}

void
symbols_close(struct symbols *s)
{
    if (s)
        free(s->name);
    free(s);
}

int
symbols_find(struct symbols *s, uint64_t offset, symbols_found *found, void *arg)
{
    int n = (int)(offset % 4);
    for (int i = 0; i < n; i++)
        found(arg, s->name, i % 2 ? s->name : NULL, (int)offset);
    return n;
}

static void
read_frames(const char *text)
{
    char *line = symbolize(text);
    MUST(strlen(line) < SYMBOLIZE_ANSWER, "%zu bytes", strlen(line));
    terminal_must_be_plain("the line", line, strlen(line), 0);
    free(line);
}

/* from_scoreboard leaves the text as a dead worker would, with any length. */
static void
from_scoreboard(struct scoreboard *sb, const char *text, uint32_t length)
{
    atomic_store(&sb->backtrace_length, length);
    memcpy(sb->backtrace, text, strlen(text) < SCOREBOARD_BACKTRACE ? strlen(text) : SCOREBOARD_BACKTRACE);
    char *frames = autopsy_frames(sb);
    if (!frames)
        return;
    for (const char *p = frames; *p; p++) /* a path may be of any bytes, but for these */
        MUST(*p == '\n' || ((unsigned char)*p >= ' ' && *p != 0x7f), "%02x", *p);
    MUST(frames[strlen(frames) - 1] == '\n', "the last frame is cut off");
    read_frames(frames);
    free(frames);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    uint32_t length = (uint32_t)input_number(&in, 2);
    if (input_byte(&in) == 1)
        length *= 0x10001;
    size_t n;
    const uint8_t *part = input_part(&in, '\0', &n);
    char *text = strndup((const char *)part, n);
    struct scoreboard *sb = mem_alloc(sizeof *sb);
    names = in;
    read_frames(text);
    names = in;
    from_scoreboard(sb, text, length);
    free(sb);
    free(text);
    return 0;
}
