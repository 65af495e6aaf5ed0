/* rundir_find.c - the runtime directory of an app that runs already, for those who want to talk to it.
 *
 * Owns: the search, by name, by directory, or for the only one there is.
 *
 * DESIGN: a directory whose lock is held belongs to a running app. The lock is asked about and never taken,
 * so that a search can disturb no start. All folders that could hold a default directory are searched: an app
 * that a service manager has started does not have the environment of a login.
 *
 * Must not know: how directories are made and removed (rundir.c). */
#include "supervisor/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "shared/mem.h"

#define ELSEWHERE "--runtime-dir DIR finds one that has its own, or that is another user's"

struct found {
    char *path;
    struct rundir_owner owner;
};

struct search {
    const char *app;     /* NULL: any */
    struct found *found; /* those that match */
    size_t n;
    char *others; /* names of running apps that do not match, separated by commas; NULL: none */
};

/* read_owner reads the line in the lock file; while there is none yet, the directory's name has to do. */
static void
read_owner(int fd, const char *path, struct rundir_owner *owner)
{
    char line[160] = "", end;
    const char *name = strrchr(path, '/');
    *owner = (struct rundir_owner){.app = "", .pid = 0};
    if (pread(fd, line, sizeof line - 1, 0) > 0 &&
        sscanf(line, "%127s %d%c", owner->app, &owner->pid, &end) == 3)
        return;
    owner->pid = 0;
    snprintf(owner->app, sizeof owner->app, "%s", name ? name + 1 : path);
    char *dot = strrchr(owner->app, '.');
    if (dot && dot[1] != '\0' && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        owner->pid = atoi(dot + 1);
        *dot = '\0';
    }
}

bool
rundir_used(const char *path, struct rundir_owner *owner)
{
    char *lock = mem_printf("%s/" RUNDIR_LOCK, path);
    int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct flock asked = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool used = fd >= 0 && fcntl(fd, F_OFD_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
    if (used)
        read_owner(fd, path, owner);
    if (fd >= 0)
        close(fd);
    free(lock);
    return used;
}

static void
note_other(struct search *s, const char *app)
{
    char *longer = s->others ? mem_printf("%s, %s", s->others, app) : mem_string(app);
    free(s->others);
    s->others = longer;
}

static void
look_at(struct search *s, const char *path)
{
    struct found f;
    if (!rundir_used(path, &f.owner))
        return;
    if (s->app && strcmp(s->app, f.owner.app) != 0) {
        note_other(s, f.owner.app);
        return;
    }
    f.path = mem_string(path);
    s->found = mem_grow(s->found, s->n + 1, sizeof *s->found);
    s->found[s->n++] = f;
}

static void
look_into(struct search *s, const char *base)
{
    DIR *dir = rundir_ours(base) ? opendir(base) : NULL;
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        char *path = mem_printf("%s/%s", base, e->d_name);
        if (e->d_name[0] != '.' && rundir_ours(path))
            look_at(s, path);
        free(path);
    }
    closedir(dir);
}

static char *
describe_none(const struct search *s, const char *given)
{
    if (given && s->others)
        return mem_printf("the app that runs in %s is %s", given, s->others);
    if (given)
        return mem_printf("no app is running in %s", given);
    if (!s->app)
        return mem_string("no app is running (" ELSEWHERE ")");
    if (s->others)
        return mem_printf("no app named %s is running (there is: %s)", s->app, s->others);
    return mem_printf("no app named %s is running (" ELSEWHERE ")", s->app);
}

static int
by_name(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    int order = strcmp(left->owner.app, right->owner.app);
    return order ? order : (left->owner.pid > right->owner.pid) - (left->owner.pid < right->owner.pid);
}

static char *
describe_several(struct search *s)
{
    qsort(s->found, s->n, sizeof *s->found, by_name);
    char *text = mem_printf("%zu apps are running; choose one with %s--runtime-dir DIR:", s->n,
                            s->app ? "" : "-a NAME or ");
    for (size_t i = 0; i < s->n; i++) {
        struct found *f = &s->found[i];
        char *longer = mem_printf("%s\n  %s  pid %d  %s", text, f->owner.app, (int)f->owner.pid, f->path);
        free(text);
        text = longer;
    }
    return text;
}

static void
search_all(struct search *s)
{
    char **bases = rundir_bases();
    for (size_t i = 0; bases[i]; i++) {
        look_into(s, bases[i]);
        free(bases[i]);
    }
    free(bases);
}

int
rundir_find(const char *app, const char *given, char **path, struct rundir_owner *owner, char **error)
{
    struct search s = {.app = app};
    int code = 0;
    *path = NULL;
    *error = NULL;
    if (given)
        look_at(&s, given);
    else
        search_all(&s);
    if (s.n == 1) {
        *path = s.found[0].path;
        *owner = s.found[0].owner;
        s.found[0].path = NULL;
    } else if (s.n == 0) {
        code = EX_UNAVAILABLE;
        *error = describe_none(&s, given);
    } else {
        code = EX_USAGE;
        *error = describe_several(&s);
    }
    for (size_t i = 0; i < s.n; i++)
        free(s.found[i].path);
    free(s.found);
    free(s.others);
    return code;
}
