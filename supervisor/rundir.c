/* rundir.c - the runtime directory of this run: made, locked, swept, removed.
 *
 * Owns: where it is, who may look into it, and the lock.
 *
 * DESIGN: the lock is an OFD lock on a file in the directory: it ends with the process, however that ends,
 * can be asked about without being taken, and is not inherited over exec. Default directories are made and
 * swept under a second lock on their common folder, so that none is swept between its making and its locking.
 * A given directory has no such folder; there, whoever gets the lock checks that the file it has locked is
 * still the one in the directory, since the one before may have removed it meanwhile.
 *
 * Guarantees: nothing is removed but directories with the names, owner and content that ours have, and in a
 * given directory nothing but sockets beside our own lock file.
 *
 * Must not know: what the sockets are for. rundir_users.c has the folders of other users, rundir_find.c is for those who look for a running app. */
#include "supervisor/rundir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"

#define SOCKET_PATH_MAX 107 /* sun_path of a unix socket, less the NUL */
#define BASE_LOCK ".lock"

/* ---- who may look into it
 * --------------------------------------------------------------------------------------- */

bool
rundir_ours(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* check_private says what is wrong with a directory that should be ours alone, NULL if nothing. That others may pass
 * through it does no harm: the sockets are kept from them by their own modes. */
static char *
check_private(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return mem_printf("%s", strerror(errno));
    if (S_ISLNK(st.st_mode))
        return mem_string("it is a symbolic link: name the directory itself");
    if (!S_ISDIR(st.st_mode))
        return mem_string("it is not a directory");
    if (st.st_uid != geteuid())
        return mem_printf("it belongs to another user (uid %u)", (unsigned)st.st_uid);
    if (st.st_mode & 066)
        return mem_printf("others may look into it (mode %04o): chmod 700 it, or name another one",
                          (unsigned)(st.st_mode & 07777));
    return NULL;
}

char **
rundir_bases(void)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    char **bases = mem_array(4, sizeof *bases);
    size_t n = 0;
    if (xdg && xdg[0] == '/' && rundir_ours(xdg))
        bases[n++] = mem_printf("%s/headrace", xdg);
    if (geteuid() == 0)
        bases[n++] = mem_string("/run/headrace");
    else
        bases[n++] = mem_printf("/tmp/headrace-%u", (unsigned)geteuid());
    return bases;
}

static void
bases_free(char **bases)
{
    for (size_t i = 0; bases[i]; i++)
        free(bases[i]);
    free(bases);
}

/* let_pass lets others through a directory that was found to be ours. */
static int
let_pass(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = fd >= 0 ? fchmod(fd, 0711) : -1;
    if (fd >= 0)
        close(fd);
    return result;
}

/* make_private makes a directory that only we may enter, or takes one that is there; a shared one can then be passed by
 * others. NULL, or what is wrong. */
static char *
make_private(const char *path, bool shared)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return mem_printf("it cannot be made: %s", strerror(errno));
    char *wrong = check_private(path);
    if (!wrong && shared && let_pass(path) < 0)
        wrong = mem_printf("its mode cannot be set: %s", strerror(errno));
    return wrong;
}

/* ---- the lock
 * --------------------------------------------------------------------------------------------------- */

static int
lock_try(int fd, int command)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, command, &whole);
}

static bool
same_file(int fd, const char *path)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && lstat(path, &named) == 0 && open_one.st_ino == named.st_ino &&
           open_one.st_dev == named.st_dev;
}

/* lock_take opens and locks a file, waiting or not; -1 with errno. */
static int
lock_take(const char *path, bool wait)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -1;
        int failed = lock_try(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK) < 0 ? errno : 0;
        if (!failed && same_file(fd, path))
            return fd;
        close(fd);
        if (failed && failed != EINTR) {
            errno = failed;
            return -1;
        } /* else removed by the one before, or interrupted: again */
    }
}

static int
lock_sign(int fd, const char *app)
{
    char line[160];
    int n = snprintf(line, sizeof line, "%s %d\n", app, (int)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)n, 0) == n ? 0 : -1;
}

/* ---- emptying
 * --------------------------------------------------------------------------------------------------- */

/* remove_entries removes the sockets in a directory, or whatever is no directory; the lock file comes last,
 * so that the directory is ours to the end. */
static void
remove_entries(const char *path, bool only_sockets)
{
    DIR *dir = opendir(path);
    if (!dir)
        return;
    struct stat st;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, RUNDIR_LOCK) == 0 ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISSOCK(st.st_mode) || (!only_sockets && !S_ISDIR(st.st_mode)))
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

static void
remove_lock(const char *path)
{
    char *lock = mem_printf("%s/" RUNDIR_LOCK, path);
    unlink(lock);
    free(lock);
}

static bool
has_sockets(const char *path)
{
    DIR *dir = opendir(path);
    struct stat st;
    bool found = false;
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode);
    if (dir)
        closedir(dir);
    return found;
}

/* looks_like_ours: APP.PID, a directory, of this user. */
static bool
looks_like_ours(const char *base, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || dot[1] == '\0')
        return false;
    for (const char *p = dot + 1; *p; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    char *path = mem_printf("%s/%s", base, name);
    bool ours = rundir_ours(path);
    free(path);
    return ours;
}

/* sweep removes the directories in `base` that nobody has locked. The caller has the lock of `base`. */
static void
sweep(const char *base)
{
    DIR *dir = opendir(base);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        struct rundir_owner owner;
        if (!looks_like_ours(base, e->d_name))
            continue;
        char *path = mem_printf("%s/%s", base, e->d_name);
        if (!rundir_used(path, &owner)) {
            remove_entries(path, false);
            rundir_clear_users(path);
            remove_lock(path);
            if (rmdir(path) == 0)
                log_debug("swept a runtime directory left behind:", "path=\"%s\"", path);
        }
        free(path);
    }
    closedir(dir);
}

/* ---- opening and closing
 * ---------------------------------------------------------------------------------------- */

static int
open_default(struct rundir *r, const char *base, const char *app, char **error)
{
    char *wrong = make_private(base, r->shared);
    if (wrong) {
        *error = mem_printf("runtime directory %s: %s (or use --runtime-dir DIR)", base, wrong);
        free(wrong);
        return EX_SOFTWARE;
    }
    char *base_lock = mem_printf("%s/" BASE_LOCK, base);
    char *lock = mem_printf("%s/" RUNDIR_LOCK, r->path);
    int held = lock_take(base_lock, true);
    sweep(base);
    if (held >= 0 && mkdir(r->path, 0700) == 0 && (!r->shared || let_pass(r->path) == 0))
        r->lock = lock_take(lock, false);
    if (r->lock < 0 || lock_sign(r->lock, app) < 0)
        *error = mem_printf("runtime directory %s: it cannot be made: %s (or use --runtime-dir DIR)", r->path,
                            strerror(errno));
    if (held >= 0)
        close(held);
    free(base_lock);
    free(lock);
    return *error ? EX_SOFTWARE : 0;
}

/* lock_given locks a given directory; NULL, or what is wrong with it. */
static char *
lock_given(struct rundir *r, const char *app, int *code)
{
    char *wrong = make_private(r->path, r->shared);
    if (wrong)
        return wrong;
    char *lock = mem_printf("%s/" RUNDIR_LOCK, r->path);
    struct rundir_owner owner;
    if (access(lock, F_OK) < 0 && has_sockets(r->path)) {
        wrong = mem_string("it holds sockets of another program: name an empty or a new directory");
    } else if ((r->lock = lock_take(lock, false)) >= 0) {
        remove_entries(r->path, true); /* what a run that was killed has left */
        rundir_clear_users(r->path);
    }
    int failed = errno;
    if (!wrong && r->lock < 0 && rundir_used(r->path, &owner)) {
        wrong = mem_printf("it is in use by the running app %s, pid %d", owner.app, (int)owner.pid);
        *code = EX_UNAVAILABLE;
    } else if (!wrong && (r->lock < 0 || lock_sign(r->lock, app) < 0)) {
        wrong = mem_printf("it cannot be locked: %s", strerror(r->lock < 0 ? failed : errno));
    }
    free(lock);
    return wrong;
}

static int
open_given(struct rundir *r, const char *app, char **error)
{
    int code = EX_USAGE;
    char *wrong = lock_given(r, app, &code);
    if (!wrong)
        return 0;
    *error = mem_printf("--runtime-dir %s: %s", r->path, wrong);
    free(wrong);
    return code;
}

static char *
absolute(const char *path)
{
    char *whole = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *result = whole ? mem_printf("%s/%s", whole, path) : mem_string(path);
    free(whole);
    for (size_t n = strlen(result); n > 1 && result[n - 1] == '/'; n--)
        result[n - 1] = '\0';
    return result;
}

/* check_path: the paths of the sockets must be possible. */
static char *
check_path(const struct rundir *r, const char *given)
{
    if (given && *given == '\0')
        return mem_string("--runtime-dir: the name is empty");
    size_t most = SOCKET_PATH_MAX - 1 - RUNDIR_NAME_MAX - (r->shared ? RUNDIR_USER_MAX : 0);
    size_t length = strlen(r->path);
    if (length <= most)
        return NULL;
    return mem_printf(
        "runtime directory %s: its name has %zu bytes; more than %zu are too many, since the path of a "
        "unix socket ends at %d: use --runtime-dir DIR with a shorter one",
        r->path, length, most, SOCKET_PATH_MAX);
}

int
rundir_open(struct rundir *r, const char *app, const char *given, bool shared, char **error)
{
    int code = EX_USAGE;
    *error = NULL;
    *r = (struct rundir){.lock = -1, .given = given != NULL, .shared = shared};
    char **bases = rundir_bases();
    const char *base = shared && bases[1] ? bases[1] : bases[0];
    r->path = given ? absolute(given) : mem_printf("%s/%s.%d", base, app, (int)getpid());
    *error = check_path(r, given);
    if (!*error)
        code = given ? open_given(r, app, error) : open_default(r, base, app, error);
    bases_free(bases);
    if (*error) {
        if (r->lock >= 0)
            close(r->lock);
        r->lock = -1;
        free(r->path);
        r->path = NULL;
    }
    return code;
}

void
rundir_close(struct rundir *r)
{
    if (r->lock < 0)
        return;
    remove_entries(r->path, r->given);
    rundir_clear_users(r->path);
    remove_lock(r->path); /* last: the directory is ours to the end */
    if (!r->given && rmdir(r->path) < 0)
        log_warn("runtime directory not removed:", "path=\"%s\" reason=\"%s\"", r->path, strerror(errno));
    close(r->lock);
    free(r->path);
    *r = (struct rundir){.lock = -1};
}

char *
rundir_endpoint(const struct rundir *r, const char *name)
{
    if (strlen(name) > RUNDIR_NAME_MAX)
        panic("the name of a socket is too long: %s", name);
    return mem_printf("ipc://%s/%s", r->path, name);
}
