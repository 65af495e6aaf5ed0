/* symbolize.c - the frames of a dead worker as one line that people can read.
 *
 *   clean (tasks/logs.c:12) < parse (tasks/logs.c:31) < process_logs (tasks/logs.c:58)
 *
 * The innermost function is the first. A function at which no line is known stands alone, an address at which
 * no function is known as file+0xoffset, as addr2line takes it. What recursion repeats stands there once,
 * with how often. The C library's frames at the end (what starts a thread, what loads a module) say nothing
 * and are left out. The body of a task is called as the task is.
 *
 * Owns: the files that were opened. Guarantees: one line without control characters, of at most
 * SYMBOLIZE_ANSWER bytes with its end, cut between two frames. Frames that are malformed are left out. Must
 * not know: who asks. */
#include "worker/symbolize/symbolize.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/utf8.h"
#include "worker/symbolize/symbols.h"

#define REPLACED " (deleted)" /* how the kernel marks the path of a file that was replaced */
#define BETWEEN " < "

struct frame {
    char *path; /* NULL: an address that is in no file */
    uint64_t offset;
    bool replaced;
};

struct answer {
    char *text;
    size_t length;
    char *last; /* the entry before, and how often it came */
    int times;
};

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* two_parts returns the last two parts of a path. */
static const char *
two_parts(const char *path)
{
    const char *part = base_name(path);
    while (part > path && part[-1] == '/')
        part--;
    while (part > path && part[-1] != '/')
        part--;
    return part;
}

/* ---- the answer ------------------------------------------------------------------------------------- */

static void
put(struct answer *a, const char *entry, int times)
{
    char *text = times > 1 ? mem_printf("%s (%d times)", entry, times) : mem_string(entry);
    size_t n = strlen(text), between = a->length ? strlen(BETWEEN) : 0;
    if (a->length + between + n < SYMBOLIZE_ANSWER) {
        memcpy(a->text + a->length, BETWEEN, between);
        memcpy(a->text + a->length + between, text, n + 1);
        a->length += between + n;
    }
    free(text);
}

/* add_take adds an entry, which it takes over; NULL: none more. */
static void
add_take(struct answer *a, char *entry)
{
    if (entry && a->last && strcmp(entry, a->last) == 0) {
        a->times++;
        free(entry);
        return;
    }
    if (a->last)
        put(a, a->last, a->times);
    free(a->last);
    a->last = entry;
    a->times = 1;
}

/* task_name takes off what headrace.h puts before the name of a body. */
static const char *
task_name(const char *function)
{
    static const char *const before[] = {"hr_task_body_", "hr_timer_body_"};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if (strncmp(function, before[i], strlen(before[i])) == 0)
            return function + strlen(before[i]);
    return function;
}

static void
add_function(void *answer, const char *function, const char *file, int line)
{
    function = task_name(function);
    add_take(answer, file ? mem_printf("%s (%s:%d)", function, two_parts(file), line) : mem_string(function));
}

/* ---- the frames ------------------------------------------------------------------------------------- */

/* parse_number reads "0x" and hexadecimal digits up to the end. */
static bool
parse_number(const char *text, uint64_t *value)
{
    char *end;
    if (strncmp(text, "0x", 2) != 0 || strspn(text + 2, "0123456789abcdef") == 0)
        return false;
    *value = strtoull(text, &end, 16);
    return *end == '\0';
}

/* parse_frame takes a line apart, in place. */
static bool
parse_frame(char *line, struct frame *f)
{
    char *plus = strrchr(line, '+');
    *f = (struct frame){0};
    if (!plus)
        return parse_number(line, &f->offset);
    if (!parse_number(plus + 1, &f->offset))
        return false;
    *plus = '\0';
    size_t n = strlen(line), mark = strlen(REPLACED);
    if (n > mark && strcmp(line + n - mark, REPLACED) == 0) {
        f->replaced = true;
        line[n - mark] = '\0';
    }
    f->path = line;
    return true;
}

static size_t
parse(char *text, struct frame frames[SYMBOLIZE_FRAMES])
{
    size_t n = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && n < SYMBOLIZE_FRAMES;
         line = strtok_r(NULL, "\n", &rest))
        if (parse_frame(line, &frames[n]))
            n++;
    return n;
}

static bool
is_c_library(const struct frame *f)
{
    static const char *const names[] = {"libc.so", "libc-", "ld-", "libpthread"};
    for (size_t i = 0; f->path && i < sizeof names / sizeof names[0]; i++)
        if (strncmp(base_name(f->path), names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* without_start returns how many frames there are before those of the C library at the end: all, where
 * there are no others. */
static size_t
without_start(const struct frame *frames, size_t n)
{
    size_t kept = n;
    while (kept > 0 && is_c_library(&frames[kept - 1]))
        kept--;
    return kept > 0 ? kept : n;
}

static char *
unnamed(const struct frame *f)
{
    if (!f->path)
        return mem_printf("0x%llx", (unsigned long long)f->offset);
    return mem_printf("%s+0x%llx%s", base_name(f->path), (unsigned long long)f->offset,
                      f->replaced ? " (file was replaced)" : "");
}

/* Frames of one file mostly come one after the other, but a file that comes again is opened only once, too.
 */
struct opened {
    const char *path;
    struct symbols *symbols; /* NULL: could not be opened */
};

static struct symbols *
look_up(struct opened *files, size_t *n, const struct frame *f)
{
    if (!f->path || f->path[0] != '/' || f->replaced) /* the file that is there now is another one */
        return NULL;
    for (size_t i = 0; i < *n; i++)
        if (strcmp(files[i].path, f->path) == 0)
            return files[i].symbols;
    files[*n] = (struct opened){f->path, symbols_open(f->path)};
    return files[(*n)++].symbols;
}

char *
symbolize(const char *text)
{
    struct frame frames[SYMBOLIZE_FRAMES];
    struct opened files[SYMBOLIZE_FRAMES];
    struct answer a = {.text = mem_alloc(SYMBOLIZE_ANSWER)};
    char *copy = mem_string(text);
    size_t n = without_start(frames, parse(copy, frames)), n_files = 0;
    for (size_t i = 0; i < n; i++) {
        struct symbols *s = look_up(files, &n_files, &frames[i]);
        if (!s || symbols_find(s, frames[i].offset, add_function, &a) == 0)
            add_take(&a, unnamed(&frames[i]));
    }
    add_take(&a, NULL);
    for (size_t i = 0; i < n_files; i++)
        symbols_close(files[i].symbols);
    free(copy);
    return utf8_plain_text(a.text, "");
}
