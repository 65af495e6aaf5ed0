/* boot.c - what a worker is told at its birth.
 *
 * Owns: the boot document and the mappings; both stay until the process ends.
 * Guarantees: what is read is checked for shape and size, so a supervisor of another version is met with a
 * text and not with a crash; a child that a body forks gets neither the descriptors (where it execs) nor the
 * scoreboard. Must not know: what is done with it. */
#include "worker/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/document.h"
#include "shared/mem.h"

static int
kind_of(const char *name)
{
    static const char *const names[] = {
        [SELF_STREAM] = "stream", [SELF_BACKGROUND] = "background", [SELF_TIMER] = "timer"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static char *
read_counters(struct boot *boot, const json_t *names)
{
    size_t i;
    json_t *name;
    if (json_array_size(names) > SCOREBOARD_COUNTERS)
        return mem_printf("%zu counters, there is room for %d", json_array_size(names), SCOREBOARD_COUNTERS);
    boot->counters = mem_array(json_array_size(names), sizeof *boot->counters);
    json_array_foreach(names, i, name)
    {
        if (!json_is_string(name))
            return mem_printf("counters[%zu] is not a string", i);
        boot->counters[boot->n_counters++] = json_string_value(name);
    }
    return NULL;
}

static char *
read_document(struct boot *boot)
{
    const char *kind, *level;
    json_t *counters;
    json_int_t generation;
    json_error_t error;
    char *problem = NULL;
    boot->document = document_read(CHILD_FD_BOOT, &problem);
    if (!boot->document)
        return problem;
    if (json_unpack_ex(boot->document, &error, 0, "{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:o}", "task",
                       &boot->task, "kind", &kind, "module", &boot->module, "endpoint", &boot->endpoint,
                       "log_level", &level, "instance", &boot->instance, "concurrency", &boot->concurrency,
                       "generation", &generation, "counters", &counters) < 0)
        return mem_printf("boot document: %s", error.text);
    if (kind_of(kind) < 0 || log_level_of(level) < 0)
        return mem_printf("boot document: kind %s, log_level %s", kind, level);
    boot->kind = (enum self_kind)kind_of(kind);
    boot->level = (enum log_level)log_level_of(level);
    boot->generation = (uint32_t)generation;
    return read_counters(boot, counters);
}

/* map maps the whole of a memfd and closes it; NULL where it cannot be, or is smaller than `least`. */
static void *
map(int fd, int protection, size_t least, size_t *size)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || (size_t)status.st_size < least)
        return NULL;
    *size = (size_t)status.st_size;
    void *memory = mmap(NULL, *size, protection, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

static char *
map_memory(struct boot *boot)
{
    size_t size;
    boot->totals = map(CHILD_FD_TOTALS, PROT_READ, sizeof *boot->totals, &size);
    if (!boot->totals)
        return mem_printf("descriptor %d: no totals", CHILD_FD_TOTALS);
    boot->sb = map(CHILD_FD_SCOREBOARD, PROT_READ | PROT_WRITE, sizeof *boot->sb, &size);
    if (!boot->sb)
        return mem_printf("descriptor %d: no scoreboard", CHILD_FD_SCOREBOARD);
    uint32_t slots = boot->sb->slots;
    if (slots == 0 || (slots & (slots - 1)) != 0 || size < scoreboard_size(slots))
        return mem_printf("scoreboard of %u slots in %zu bytes", slots, size);
    madvise(boot->sb, size, MADV_DONTFORK);
    return NULL;
}

char *
boot_read(struct boot *boot)
{
    memset(boot, 0, sizeof *boot);
    if (fcntl(CHILD_FD_LIFELINE, F_SETFD, FD_CLOEXEC) < 0)
        return mem_printf("descriptor %d: %s", CHILD_FD_LIFELINE, strerror(errno));
    char *problem = read_document(boot);
    close(CHILD_FD_BOOT);
    return problem ? problem : map_memory(boot);
}
