/* debug.c - a worker under gdb, stopped where the body of its task begins.
 *
 * DESIGN: HR_TASK and HR_TIMER name the body's function after the task, so where the module's symbols have
 * that name, gdb breaks there, behind the function's beginning. A body that was registered by hand can have
 * any name (and a stripped module has none): then the place is where the worker calls it.
 *
 * Owns nothing. Must not know: what the worker does. */
#include "supervisor/client/debug.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"
#include "supervisor/client/usage.h"

#define DEBUGGER "gdb"

/* has_symbol says whether the file has a symbol of this name: a string that stands between two NULs in it. */
static bool
has_symbol(const char *path, const char *name)
{
    struct stat status;
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        char *whole = mem_printf("_%s_", name);
        size_t length = strlen(whole);
        whole[0] = whole[length - 1] = '\0';
        found = file != MAP_FAILED && memmem(file, (size_t)status.st_size, whole, length);
        free(whole);
        if (file != MAP_FAILED)
            munmap(file, (size_t)status.st_size);
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* Words of the command line that is put together. */
struct words {
    char **word;
    size_t n;
    char break_at[320];
};

static void
add(struct words *w, const char *word)
{
    w->word = mem_grow(w->word, w->n + 1, sizeof *w->word);
    w->word[w->n++] = (char *)(uintptr_t)word;
}

static void
add_order(struct words *w, const char *order)
{
    add(w, "-ex");
    add(w, order);
}

static void
add_orders(struct words *w, const struct conf_task *t)
{
    char *function = mem_printf("hr_%s_body_%s", t->kind == CONF_TIMER ? "timer" : "task", t->name);
    if (has_symbol(t->module, function)) {
        add_order(w, "set breakpoint pending on"); /* the module is not loaded yet */
        snprintf(w->break_at, sizeof w->break_at, "break %s", function);
        add_order(w, w->break_at);
        add_order(w, "run");
    } else {
        add_order(w, "tbreak body_run");
        add_order(w, "run");
        add_order(w, "tbreak *body");
        add_order(w, "continue");
    }
    free(function);
}

int
debug_become(const char *command, const struct conf_task *t, const char *program, char *const argv[])
{
    struct words w = {0};
    add(&w, DEBUGGER);
    add(&w, "-q");
    add_orders(&w, t);
    add(&w, "--args");
    add(&w, program);
    for (size_t i = 1; argv[i]; i++)
        add(&w, argv[i]);
    add(&w, NULL);
    execvp(DEBUGGER, w.word);
    int why = errno;
    free(w.word);
    if (why == ENOENT)
        return command_error(command, EX_UNAVAILABLE,
                             "--debug needs " DEBUGGER
                             ", which is not installed: apt install gdb, or as your "
                             "distribution has it");
    return command_error(command, EX_SOFTWARE, DEBUGGER ": %s", strerror(why));
}
