/* owner.c - as which user a module is looked into (`headrace-worker --describe`).
 *
 * A module runs code when it is loaded, so it is to be loaded as the user that its tasks run as (`run_as`).
 * But which tasks it has is known only when it was loaded.
 *
 * DESIGN
 * The name of a task stands in the file of the module that declares it, as text with a NUL behind it. So a
 * module is first loaded as the user of the first task in the configuration whose name its file holds. Where
 * a task's name is in no module at all (it is put together as the program runs), any module may be the one,
 * and is loaded as that user rather than as root. What the module then declares is held against that: where
 * no task of it has that user, it is loaded again, as the right one.
 * A module with tasks of several users is loaded as the first of them that is not headrace's own.
 *
 * Owns nothing. Must not know: how a module is loaded. */
#include "supervisor/owner.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sections[] = {"tasks", "timers"};
#define N_SECTIONS (sizeof sections / sizeof *sections)

/* holds_name says whether the file holds the name with a NUL behind it. */
static bool
holds_name(const char *path, const char *name)
{
    struct stat status;
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file != MAP_FAILED) {
            found = memmem(file, (size_t)status.st_size, name, strlen(name) + 1) != NULL;
            munmap(file, (size_t)status.st_size);
        }
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static bool
in_some_module(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_modules; i++)
        if (holds_name(c->modules[i], name))
            return true;
    return false;
}

static struct owner
owner_of(const json_t *task)
{
    const json_t *run_as = json_object_get(task, "run_as");
    return (struct owner){json_string_value(json_object_get(run_as, "user")),
                          json_string_value(json_object_get(run_as, "group"))};
}

struct owner
owner_foresee(const struct conf *c, const char *module)
{
    struct owner somebody = {0};
    const char *name;
    json_t *task;
    for (size_t i = 0; i < N_SECTIONS; i++)
        json_object_foreach(json_object_get(c->file, sections[i]), name, task) {
            struct owner o = owner_of(task);
            if (o.user && holds_name(module, name))
                return o;
            if (o.user && !somebody.user && !in_some_module(c, name))
                somebody = o;
        }
    return somebody;
}

static bool
same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool
owner_right(const struct conf *c, const json_t *description, struct owner *o)
{
    struct owner first = {0};
    size_t place;
    json_t *declared;
    for (size_t i = 0; i < N_SECTIONS; i++)
        json_array_foreach(json_object_get(description, sections[i]), place, declared) {
            const char *name = json_string_value(json_object_get(declared, "name"));
            struct owner its =
                owner_of(json_object_get(json_object_get(c->file, sections[i]), name ? name : ""));
            if (its.user && same(its.user, o->user) && same(its.group, o->group))
                return true;
            if (!first.user)
                first = its;
        }
    bool right = !first.user && !o->user;
    *o = first;
    return right;
}
