/* test_rundir.c - the runtime directory: made, found, refused, swept. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/unit/rundir_world.h"

START_TEST(test_rundir_default)
{
    struct rundir r;
    struct stat st;
    rundir_must_open(&r, "logs", NULL);
    char *want = mem_printf("%s/headrace/logs.%d", rundir_folder, (int)getpid());
    ck_assert_str_eq(r.path, want);
    ck_assert_int_eq(stat(want, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(fcntl(r.lock, F_GETFD), FD_CLOEXEC);

    char *endpoint = rundir_endpoint(&r, "control");
    char *want_endpoint = mem_printf("ipc://%s/control", want);
    ck_assert_str_eq(endpoint, want_endpoint);
    rundir_make_socket(r.path, "control");
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
    rundir_must_open(&r, "findme", NULL);
    ck_assert_int_eq(rundir_find("findme", NULL, &path, &owner, &rundir_error), 0);
    ck_assert_str_eq(path, r.path);
    ck_assert_str_eq(owner.app, "findme");
    ck_assert_int_eq(owner.pid, getpid());
    free(path);

    int code =
        rundir_find(NULL, NULL, &path, &owner, &rundir_error); /* the only one, unless a real one runs */
    if (code == 0)
        ck_assert_str_eq(path, r.path);
    else
        ck_assert_ptr_nonnull(strstr(rundir_error, r.path));
    free(path);
    free(rundir_error);

    ck_assert_int_eq(rundir_find("findyou", NULL, &path, &owner, &rundir_error), 69);
    ck_assert_ptr_nonnull(strstr(rundir_error, "no app named findyou is running (there is: "));
    ck_assert_ptr_null(path);
    rundir_close(&r);
    free(rundir_error);
    ck_assert_int_eq(rundir_find("findme", NULL, &path, &owner, &rundir_error), 69);
    ck_assert_ptr_nonnull(strstr(rundir_error, "no app named findme is running"));
}
END_TEST

START_TEST(test_rundir_several)
{
    struct rundir r;
    struct rundir_owner owner;
    char *path, *list;
    rundir_must_open(&r, "twice", NULL);
    pid_t pid = rundir_child("twice", NULL);
    ck_assert_int_eq(rundir_find("twice", NULL, &path, &owner, &rundir_error), 64);
    list = mem_printf(
        "2 apps are running; choose one with --runtime-dir DIR:\n  twice  pid %d  %s/headrace/twice.%d\n",
        (int)getpid(), rundir_folder, (int)getpid());
    ck_assert_ptr_nonnull(strstr(rundir_error, list));
    free(rundir_error);
    ck_assert_int_eq(rundir_find(NULL, r.path, &path, &owner, &rundir_error), 0);
    ck_assert_int_eq(owner.pid, getpid());
    free(path);
    ck_assert_int_eq(rundir_find("other", r.path, &path, &owner, &rundir_error), 69);
    ck_assert_ptr_nonnull(strstr(rundir_error, "is twice"));
    rundir_close(&r);
    rundir_kill(pid);
    free(list);
}
END_TEST

/* What a killed app leaves behind is swept at the next start; what is in use, or is not ours in form, stays.
 */
START_TEST(test_rundir_swept)
{
    struct rundir r;
    pid_t killed = rundir_child("killed", NULL), alive = rundir_child("alive", NULL);
    rundir_kill(killed);
    char *base = rundir_inside("headrace"), *keep = rundir_inside("headrace/no-number"),
         *file = rundir_inside("headrace/file.12");
    char *left = mem_printf("killed.%d", (int)killed), *used = mem_printf("alive.%d", (int)alive);
    ck_assert_int_eq(mkdir(keep, 0700), 0);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    ck_assert(rundir_holds(base, left));
    rundir_must_open(&r, "next", NULL);
    ck_assert(!rundir_holds(base, left));
    ck_assert(rundir_holds(base, used));
    ck_assert(rundir_holds(base, "no-number"));
    ck_assert(rundir_holds(base, "file.12"));
    rundir_kill(alive);
    rundir_close(&r);
    free(base), free(keep), free(file), free(left), free(used);
}
END_TEST

START_TEST(test_rundir_given)
{
    struct rundir r;
    struct rundir_owner owner;
    char *dir = rundir_inside("mine"), *notes = rundir_inside("mine/notes"), *path;
    rundir_must_open(&r, "logs", dir);
    ck_assert_str_eq(r.path, dir);
    rundir_make_socket(dir, "control");
    close(open(notes, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(rundir_find(NULL, dir, &path, &owner, &rundir_error), 0);
    ck_assert_str_eq(owner.app, "logs");
    free(path);
    rundir_close(&r);
    ck_assert(rundir_holds(dir, "notes")); /* not ours */
    ck_assert(!rundir_holds(dir, "control"));
    ck_assert(!rundir_holds(dir, RUNDIR_LOCK));
    ck_assert_int_eq(rundir_find(NULL, dir, &path, &owner, &rundir_error), 69);
    rundir_must_open(&r, "logs", dir); /* may be used again */
    rundir_close(&r);
    free(dir);
    free(notes);
}
END_TEST

START_TEST(test_rundir_given_in_use)
{
    struct rundir r;
    char *dir = rundir_inside("mine");
    pid_t pid = rundir_child("logs", dir);
    char *text = mem_printf("%s: it is in use by the running app logs, pid %d", dir, (int)pid);
    rundir_must_refuse("feeds", dir, 69, text);
    ck_assert(rundir_holds(dir, "control"));
    rundir_kill(pid);
    ck_assert(rundir_holds(dir, "control")); /* left behind */
    rundir_must_open(&r, "feeds", dir);
    ck_assert(!rundir_holds(dir, "control")); /* fresh */
    rundir_close(&r);
    free(dir);
    free(text);
}
END_TEST

START_TEST(test_rundir_given_refused)
{
    char *open_dir = rundir_inside("open"), *file = rundir_inside("file"),
         *strange = rundir_inside("strange"), *deep = rundir_inside("no/where"),
         *link_to = rundir_inside("link"), *writable = rundir_inside("writable");
    mkdir(open_dir, 0755);
    mkdir(strange, 0700);
    rundir_make_socket(strange, "bus");
    close(open(file, O_CREAT | O_WRONLY, 0600));
    rundir_must_refuse("logs", open_dir, 64, "others may look into it (mode 0755): chmod 700 it");
    rundir_must_refuse("logs", file, 64, "it is not a directory");
    rundir_must_refuse("logs", strange, 64, "it holds sockets of another program");
    rundir_must_refuse("logs", deep, 64, "it cannot be made: No such file or directory");
    rundir_must_refuse("logs", "", 64, "the name is empty");
    ck_assert_int_eq(symlink(strange, link_to), 0);
    rundir_must_refuse("logs", link_to, 64, "it is a symbolic link: name the directory itself");
    mkdir(writable, 0700);
    ck_assert_int_eq(chmod(writable, 0722), 0);
    rundir_must_refuse("logs", writable, 64, "others may look into it (mode 0722)");
    ck_assert(rundir_holds(strange, "bus"));
    if (geteuid() == 0) {
        char *foreign = rundir_inside("foreign");
        mkdir(foreign, 0700);
        ck_assert_int_eq(chown(foreign, 12345, -1), 0);
        rundir_must_refuse("logs", foreign, 64, "it belongs to another user (uid 12345)");
        free(foreign);
    }
    free(open_dir), free(file), free(strange), free(deep), free(link_to), free(writable);
}
END_TEST

START_TEST(test_rundir_too_long)
{
    char name[120];
    memset(name, 'x', sizeof name);
    name[94 - strlen(rundir_folder) - 1] = '\0'; /* the longest that is possible */
    struct rundir r;
    char *longest = rundir_inside(name);
    rundir_must_open(&r, "logs", longest);
    char *endpoint = rundir_endpoint(&r, "123456789012");
    ck_assert_uint_eq(strlen(endpoint), strlen("ipc://") + 107);
    rundir_make_socket(r.path, "123456789012");
    rundir_close(&r);

    char *too_long = mem_printf("%sy", longest);
    rundir_must_refuse("logs", too_long, 64, "95 bytes; more than 94 are too many");
    ck_assert_ptr_nonnull(strstr(rundir_error, "use --runtime-dir DIR with a shorter one"));
    ck_assert_int_eq(access(too_long, F_OK), -1);
    free(endpoint), free(longest), free(too_long);
}
END_TEST

/* A default directory whose common folder is a link, somebody else's or open is refused as well. */
START_TEST(test_rundir_default_refused)
{
    char *base = rundir_inside("headrace"), *other = rundir_inside("other");
    mkdir(other, 0700);
    ck_assert_int_eq(symlink(other, base), 0);
    rundir_must_refuse("logs", NULL, 70, "it is a symbolic link");
    unlink(base);
    mkdir(base, 0755);
    rundir_must_refuse("logs", NULL, 70, "others may look into it (mode 0755)");
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(base, 0700), 0);
        ck_assert_int_eq(chown(base, 12345, -1), 0);
        rundir_must_refuse("logs", NULL, 70, "it belongs to another user (uid 12345)");
    }
    free(base), free(other);
}
END_TEST

/* Several start at once in one given directory: exactly one gets it. */
START_TEST(test_rundir_race)
{
    enum { STARTERS = 8, ROUNDS = 20 };
    char *dir = rundir_inside("mine");
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
                c = (char)(rundir_open(&r, "logs", dir, false, &rundir_error) == 0);
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
            rundir_kill(pids[i]);
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
    tcase_add_checked_fixture(t, rundir_set_up, rundir_tear_down);
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
    suite_add_tcase(s, t);
    return s;
}
