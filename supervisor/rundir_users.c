/* rundir_users.c - the folders of other users in the runtime directory, for tasks with run_as.
 *
 * Owns: their names, their modes, their end.
 *
 * DESIGN
 * A folder belongs to its user and is closed to all others (0700), so who may reach a socket in it is settled
 * by the folder. It stands in a directory that only we can write to: the user cannot put another one, or a
 * link, in its place. What is in it the user can change at will; so nothing in it is ever opened, followed or
 * given away by us: sockets are bound there, which takes no link, and names are unlinked.
 *
 * Whether a user can get there at all is asked of the kernel, by a child that becomes the user: no reading of
 * modes would know of access lists and mounts.
 *
 * Must not know: what the sockets are for. */
#include "supervisor/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/spawn.h"

static char *
folder_of(const struct rundir *r, const struct conf_user *user)
{
    return mem_printf("%s/u%u", r->path, (unsigned)user->uid);
}

/* give makes a folder that was just made the user's own. */
static int
give(const char *folder, const struct conf_user *user)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = fd >= 0 && fchmod(fd, 0700) == 0 ? fchown(fd, user->uid, user->gid) : -1;
    if (fd >= 0)
        close(fd);
    return result;
}

/* is_of says whether what is there already is a folder as we make them. */
static bool
is_of(const char *folder, const struct conf_user *user)
{
    struct stat st;
    errno = EEXIST;
    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == user->uid &&
           (st.st_mode & 077) == 0;
}

/* can_enter has a child become the user and try; errno is the child's. */
static bool
can_enter(const char *folder, const struct conf_user *user)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) { /* only what may be called between fork and exec */
        _exit(spawn_become(user) == 0 && access(folder, R_OK | W_OK | X_OK) == 0 ? 0 : errno);
    }
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    return errno == 0;
}

int
rundir_admit(struct rundir *r, const struct conf_user *user, char **error)
{
    char *folder = folder_of(r, user);
    *error = NULL;
    if (mkdir(folder, 0700) == 0 ? give(folder, user) < 0 : errno != EEXIST || !is_of(folder, user))
        *error = mem_printf("runtime directory %s: it cannot be made for user %s: %s", folder, user->name,
                            strerror(errno));
    else if (!can_enter(folder, user))
        *error = mem_printf(
            "runtime directory %s: user %s cannot get there: %s; let others pass through the folders "
            "above it (chmod o+x), or use --runtime-dir DIR with another one",
            r->path, user->name, strerror(errno));
    free(folder);
    return *error ? EX_SOFTWARE : 0;
}

char *
rundir_endpoint_of(const struct rundir *r, const struct conf_user *user, const char *name)
{
    char within[RUNDIR_USER_MAX + RUNDIR_NAME_MAX + 1];
    if (!user)
        return rundir_endpoint(r, name);
    int n = snprintf(within, sizeof within, "u%u/%s", (unsigned)user->uid, name);
    if ((size_t)n >= sizeof within)
        panic("the name of a socket is too long: %s", name);
    return mem_printf("ipc://%s/%s", r->path, within);
}

/* uid_named reads the uid in the name of a user's folder. */
static bool
uid_named(const char *name, uid_t *uid)
{
    size_t n = strspn(name + (name[0] == 'u'), "0123456789");
    if (name[0] != 'u' || n == 0 || n > 10 || name[1 + n])
        return false;
    *uid = (uid_t)strtoul(name + 1, NULL, 10);
    return true;
}

/* clear empties a folder; folders in it are left, and what holds them. */
static void
clear(int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));)
        unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

void
rundir_clear_users(const char *path)
{
    DIR *dir = opendir(path);
    struct stat st;
    uid_t uid;
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        int fd = uid_named(e->d_name, &uid)
                     ? openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                     : -1;
        if (fd < 0)
            continue;
        if (fstat(fd, &st) < 0 || st.st_uid != uid) {
            close(fd);
            continue;
        }
        clear(fd);
        unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}
