/* rundir_world.c - what the tests of the runtime directory stand on. */
#include "tests/unit/rundir_world.h"

#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"

char rundir_folder[64];
char *rundir_error;

void
rundir_set_up(void)
{
    strcpy(rundir_folder, "/tmp/rundir-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rundir_folder));
    setenv("XDG_RUNTIME_DIR", rundir_folder, 1);
    umask(022);
    rundir_error = NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void
rundir_tear_down(void)
{
    nftw(rundir_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(rundir_error);
}

void
rundir_must_open(struct rundir *r, const char *app, const char *given)
{
    free(rundir_error);
    int code = rundir_open(r, app, given, false, &rundir_error);
    ck_assert_pstr_eq(rundir_error, NULL);
    ck_assert_int_eq(code, 0);
}

/* rundir_must_refuse: the error holds this text. */
void
rundir_must_refuse(const char *app, const char *given, int code, const char *text)
{
    struct rundir r;
    free(rundir_error);
    ck_assert_int_eq(rundir_open(&r, app, given, false, &rundir_error), code);
    ck_assert_ptr_nonnull(rundir_error);
    ck_assert_msg(strstr(rundir_error, text), "'%s' is not in '%s'", text, rundir_error);
    ck_assert_int_eq(r.lock, -1);
    rundir_close(&r); /* does nothing */
}

char *
rundir_inside(const char *name)
{
    return mem_printf("%s/%s", rundir_folder, name);
}

void
rundir_make_socket(const char *dir, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
}

bool
rundir_holds(const char *dir, const char *name)
{
    struct stat st;
    char *path = mem_printf("%s/%s", dir, name);
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

/* rundir_child starts a process that opens a directory, and waits until it has. */
pid_t
rundir_child(const char *app, const char *given)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct rundir r;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char failed = (char)(rundir_open(&r, app, given, false, &rundir_error) != 0);
        if (!failed)
            rundir_make_socket(r.path, "control");
        if (write(fds[1], &failed, 1) == 1)
            pause();
        _exit(1);
    }
    char failed = 1;
    ck_assert_int_eq(read(fds[0], &failed, 1), 1);
    ck_assert_int_eq(failed, 0);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

void
rundir_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
