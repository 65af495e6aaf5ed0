/* test_rundir.c - the runtime directory: made, found, refused, swept. Each test has a folder of its own in
 * place of XDG_RUNTIME_DIR; apps of other people may run on the machine meanwhile. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
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
#include "supervisor/rundir.h"

static char folder[64];
static char *error;

static void
setup(void)
{
    strcpy(folder, "/tmp/rundir-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_RUNTIME_DIR", folder, 1);
    umask(022);
    error = NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void
teardown(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(error);
}

static void
must_open(struct rundir *r, const char *app, const char *given)
{
    free(error);
    int code = rundir_open(r, app, given, false, &error);
    ck_assert_pstr_eq(error, NULL);
    ck_assert_int_eq(code, 0);
}

/* must_refuse: the error holds this text. */
static void
must_refuse(const char *app, const char *given, int code, const char *text)
{
    struct rundir r;
    free(error);
    ck_assert_int_eq(rundir_open(&r, app, given, false, &error), code);
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, text), "'%s' is not in '%s'", text, error);
    ck_assert_int_eq(r.lock, -1);
    rundir_close(&r); /* does nothing */
}

static char *
inside(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static void
make_socket(const char *dir, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
}

static bool
exists(const char *dir, const char *name)
{
    struct stat st;
    char *path = mem_printf("%s/%s", dir, name);
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

START_TEST(test_rundir_default)
{
    struct rundir r;
    struct stat st;
    must_open(&r, "logs", NULL);
    char *want = mem_printf("%s/headrace/logs.%d", folder, (int)getpid());
    ck_assert_str_eq(r.path, want);
    ck_assert_int_eq(stat(want, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(fcntl(r.lock, F_GETFD), FD_CLOEXEC);

    char *endpoint = rundir_endpoint(&r, "control");
    char *want_endpoint = mem_printf("ipc://%s/control", want);
    ck_assert_str_eq(endpoint, want_endpoint);
    make_socket(r.path, "control");
    rundir_close(&r);
    ck_assert_int_eq(stat(want, &st), -1);
    rundir_close(&r); /* once more does nothing */
    free(want);
    free(endpoint);
    free(want_endpoint);
}
END_TEST

START_TEST(test_rundir_found)
{
    struct rundir r;
    struct rundir_owner owner;
    char *path;
    must_open(&r, "findme", NULL);
    ck_assert_int_eq(rundir_find("findme", NULL, &path, &owner, &error), 0);
    ck_assert_str_eq(path, r.path);
    ck_assert_str_eq(owner.app, "findme");
    ck_assert_int_eq(owner.pid, getpid());
    free(path);

    int code = rundir_find(NULL, NULL, &path, &owner, &error); /* the only one, unless a real one runs */
    if (code == 0)
        ck_assert_str_eq(path, r.path);
    else
        ck_assert_ptr_nonnull(strstr(error, r.path));
    free(path);
    free(error);

    ck_assert_int_eq(rundir_find("findyou", NULL, &path, &owner, &error), 69);
    ck_assert_ptr_nonnull(strstr(error, "no app named findyou is running (there is: "));
    ck_assert_ptr_null(path);
    rundir_close(&r);
    free(error);
    ck_assert_int_eq(rundir_find("findme", NULL, &path, &owner, &error), 69);
    ck_assert_ptr_nonnull(strstr(error, "no app named findme is running"));
}
END_TEST

/* child_with_rundir starts a process that opens a directory, and waits until it has. */
static pid_t
child_with_rundir(const char *app, const char *given)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct rundir r;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char failed = (char)(rundir_open(&r, app, given, false, &error) != 0);
        if (!failed)
            make_socket(r.path, "control");
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

static void
kill_child(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(test_rundir_several)
{
    struct rundir r;
    struct rundir_owner owner;
    char *path, *list;
    must_open(&r, "twice", NULL);
    pid_t pid = child_with_rundir("twice", NULL);
    ck_assert_int_eq(rundir_find("twice", NULL, &path, &owner, &error), 64);
    list = mem_printf(
        "2 apps are running; choose one with --runtime-dir DIR:\n  twice  pid %d  %s/headrace/twice.%d\n",
        (int)getpid(), folder, (int)getpid());
    ck_assert_ptr_nonnull(strstr(error, list));
    free(error);
    ck_assert_int_eq(rundir_find(NULL, r.path, &path, &owner, &error), 0);
    ck_assert_int_eq(owner.pid, getpid());
    free(path);
    ck_assert_int_eq(rundir_find("other", r.path, &path, &owner, &error), 69);
    ck_assert_ptr_nonnull(strstr(error, "is twice"));
    rundir_close(&r);
    kill_child(pid);
    free(list);
}
END_TEST

/* What a killed app leaves behind is swept at the next start; what is in use, or is not ours in form, stays.
 */
START_TEST(test_rundir_swept)
{
    struct rundir r;
    pid_t killed = child_with_rundir("killed", NULL), alive = child_with_rundir("alive", NULL);
    kill_child(killed);
    char *base = inside("headrace"), *keep = inside("headrace/no-number"), *file = inside("headrace/file.12");
    char *left = mem_printf("killed.%d", (int)killed), *used = mem_printf("alive.%d", (int)alive);
    ck_assert_int_eq(mkdir(keep, 0700), 0);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    ck_assert(exists(base, left));
    must_open(&r, "next", NULL);
    ck_assert(!exists(base, left));
    ck_assert(exists(base, used));
    ck_assert(exists(base, "no-number"));
    ck_assert(exists(base, "file.12"));
    kill_child(alive);
    rundir_close(&r);
    free(base), free(keep), free(file), free(left), free(used);
}
END_TEST

START_TEST(test_rundir_given)
{
    struct rundir r;
    struct rundir_owner owner;
    char *dir = inside("mine"), *notes = inside("mine/notes"), *path;
    must_open(&r, "logs", dir);
    ck_assert_str_eq(r.path, dir);
    make_socket(dir, "control");
    close(open(notes, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(rundir_find(NULL, dir, &path, &owner, &error), 0);
    ck_assert_str_eq(owner.app, "logs");
    free(path);
    rundir_close(&r);
    ck_assert(exists(dir, "notes")); /* not ours */
    ck_assert(!exists(dir, "control"));
    ck_assert(!exists(dir, RUNDIR_LOCK));
    ck_assert_int_eq(rundir_find(NULL, dir, &path, &owner, &error), 69);
    must_open(&r, "logs", dir); /* may be used again */
    rundir_close(&r);
    free(dir);
    free(notes);
}
END_TEST

START_TEST(test_rundir_given_in_use)
{
    struct rundir r;
    char *dir = inside("mine");
    pid_t pid = child_with_rundir("logs", dir);
    char *text = mem_printf("%s: it is in use by the running app logs, pid %d", dir, (int)pid);
    must_refuse("feeds", dir, 69, text);
    ck_assert(exists(dir, "control"));
    kill_child(pid);
    ck_assert(exists(dir, "control")); /* left behind */
    must_open(&r, "feeds", dir);
    ck_assert(!exists(dir, "control")); /* fresh */
    rundir_close(&r);
    free(dir);
    free(text);
}
END_TEST

START_TEST(test_rundir_given_refused)
{
    char *open_dir = inside("open"), *file = inside("file"), *strange = inside("strange"),
         *deep = inside("no/where"), *link_to = inside("link"), *writable = inside("writable");
    mkdir(open_dir, 0755);
    mkdir(strange, 0700);
    make_socket(strange, "bus");
    close(open(file, O_CREAT | O_WRONLY, 0600));
    must_refuse("logs", open_dir, 64, "others may look into it (mode 0755): chmod 700 it");
    must_refuse("logs", file, 64, "it is not a directory");
    must_refuse("logs", strange, 64, "it holds sockets of another program");
    must_refuse("logs", deep, 64, "it cannot be made: No such file or directory");
    must_refuse("logs", "", 64, "the name is empty");
    ck_assert_int_eq(symlink(strange, link_to), 0);
    must_refuse("logs", link_to, 64, "it is a symbolic link: name the directory itself");
    mkdir(writable, 0700);
    ck_assert_int_eq(chmod(writable, 0722), 0);
    must_refuse("logs", writable, 64, "others may look into it (mode 0722)");
    ck_assert(exists(strange, "bus"));
    if (geteuid() == 0) {
        char *foreign = inside("foreign");
        mkdir(foreign, 0700);
        ck_assert_int_eq(chown(foreign, 12345, -1), 0);
        must_refuse("logs", foreign, 64, "it belongs to another user (uid 12345)");
        free(foreign);
    }
    free(open_dir), free(file), free(strange), free(deep), free(link_to), free(writable);
}
END_TEST

START_TEST(test_rundir_too_long)
{
    char name[120];
    memset(name, 'x', sizeof name);
    name[94 - strlen(folder) - 1] = '\0'; /* the longest that is possible */
    struct rundir r;
    char *longest = inside(name);
    must_open(&r, "logs", longest);
    char *endpoint = rundir_endpoint(&r, "123456789012");
    ck_assert_uint_eq(strlen(endpoint), strlen("ipc://") + 107);
    make_socket(r.path, "123456789012");
    rundir_close(&r);

    char *too_long = mem_printf("%sy", longest);
    must_refuse("logs", too_long, 64, "95 bytes; more than 94 are too many");
    ck_assert_ptr_nonnull(strstr(error, "use --runtime-dir DIR with a shorter one"));
    ck_assert_int_eq(access(too_long, F_OK), -1);
    free(endpoint), free(longest), free(too_long);
}
END_TEST

/* A default directory whose common folder is a link, somebody else's or open is refused as well. */
START_TEST(test_rundir_default_refused)
{
    char *base = inside("headrace"), *other = inside("other");
    mkdir(other, 0700);
    ck_assert_int_eq(symlink(other, base), 0);
    must_refuse("logs", NULL, 70, "it is a symbolic link");
    unlink(base);
    mkdir(base, 0755);
    must_refuse("logs", NULL, 70, "others may look into it (mode 0755)");
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(base, 0700), 0);
        ck_assert_int_eq(chown(base, 12345, -1), 0);
        must_refuse("logs", NULL, 70, "it belongs to another user (uid 12345)");
    }
    free(base), free(other);
}
END_TEST

/* ---- other users ---- */

static struct conf_user *
nobody(void)
{
    char *wrong = NULL;
    if (geteuid() == 0 && chmod(folder, 0711) == 0)
        return conf_user_find("nobody", NULL, &wrong);
    fprintf(stderr, "rundir: skipped, needs root: folders of other users\n");
    return NULL;
}

static mode_t
mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

START_TEST(test_rundir_admits)
{
    struct rundir r;
    struct stat st;
    struct conf_user *user = nobody();
    if (!user)
        return;
    char *dir = inside("mine");
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 0); /* of another task */
    ck_assert_uint_eq(mode_of(dir), 0711);
    char *endpoint = rundir_endpoint_of(&r, user, "p1"), *want = mem_printf("ipc://%s/u%u/p1", dir, user->uid);
    ck_assert_str_eq(endpoint, want);
    char *own = mem_printf("%s/u%u", dir, user->uid);
    ck_assert_int_eq(lstat(own, &st), 0);
    ck_assert_uint_eq(st.st_uid, user->uid);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    make_socket(own, "p1");
    rundir_close(&r);
    ck_assert(!exists(dir, "u65534"));
    free(endpoint), free(want), free(own), free(dir);
    conf_user_free(&user);
}
END_TEST

/* What a killed run has left of them is swept; a folder that is not as we make them is not taken. */
START_TEST(test_rundir_admits_after_a_kill)
{
    struct rundir r;
    struct conf_user *user = nobody();
    if (!user)
        return;
    char *dir = inside("mine"), *own = mem_printf("%s/u%u", dir, user->uid);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 0);
    make_socket(own, "p1");
    close(r.lock); /* as a kill does */
    free(r.path);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &error), 0);
    ck_assert_int_eq(access(own, F_OK), -1);
    ck_assert_int_eq(mkdir(own, 0777), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 70);
    ck_assert_ptr_nonnull(strstr(error, "cannot be made for user nobody"));
    free(error);
    ck_assert_int_eq(rmdir(own), 0);
    ck_assert_int_eq(symlink(folder, own), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 70);
    rundir_close(&r);
    free(dir), free(own);
    conf_user_free(&user);
}
END_TEST

START_TEST(test_rundir_out_of_reach)
{
    struct rundir r;
    struct conf_user *user = nobody();
    if (!user)
        return;
    char *dir = inside("mine");
    ck_assert_int_eq(chmod(folder, 0700), 0);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &error), 70);
    ck_assert_ptr_nonnull(strstr(error, "user nobody cannot get there: Permission denied"));
    ck_assert_ptr_nonnull(strstr(error, "use --runtime-dir DIR"));
    rundir_close(&r);
    free(dir);
    conf_user_free(&user);
}
END_TEST

/* Several start at once in one given directory: exactly one gets it. */
START_TEST(test_rundir_race)
{
    enum { STARTERS = 8, ROUNDS = 20 };
    char *dir = inside("mine");
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], answers[2];
        ck_assert_int_eq(pipe(go), 0);
        ck_assert_int_eq(pipe(answers), 0);
        pid_t pids[STARTERS];
        for (int i = 0; i < STARTERS; i++) {
            if ((pids[i] = fork()) != 0)
                continue;
            struct rundir r;
            char c;
            close(go[1]);
            if (read(go[0], &c, 1) == 0) /* all are let go by the end of the pipe */
                c = (char)(rundir_open(&r, "logs", dir, false, &error) == 0);
            if (write(answers[1], &c, 1) == 1)
                pause();
            _exit(1);
        }
        close(go[0]);
        close(go[1]);
        int winners = 0;
        for (int i = 0; i < STARTERS; i++) {
            char c = 9;
            ck_assert_int_eq(read(answers[0], &c, 1), 1);
            winners += c;
        }
        ck_assert_int_eq(winners, 1);
        for (int i = 0; i < STARTERS; i++)
            kill_child(pids[i]);
        close(answers[0]);
        close(answers[1]);
    }
    free(dir);
}
END_TEST

Suite *
rundir_suite(void)
{
    Suite *s = suite_create("rundir");
    TCase *t = tcase_create("rundir");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_rundir_default);
    tcase_add_test(t, test_rundir_found);
    tcase_add_test(t, test_rundir_several);
    tcase_add_test(t, test_rundir_swept);
    tcase_add_test(t, test_rundir_given);
    tcase_add_test(t, test_rundir_given_in_use);
    tcase_add_test(t, test_rundir_given_refused);
    tcase_add_test(t, test_rundir_too_long);
    tcase_add_test(t, test_rundir_race);
    tcase_add_test(t, test_rundir_default_refused);
    tcase_add_test(t, test_rundir_admits);
    tcase_add_test(t, test_rundir_admits_after_a_kill);
    tcase_add_test(t, test_rundir_out_of_reach);
    suite_add_tcase(s, t);
    return s;
}
