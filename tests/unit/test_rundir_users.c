/* test_rundir_users.c - the runtime directory of an app whose tasks run as other users. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/unit/rundir_world.h"

static struct conf_user *
nobody(void)
{
    char *wrong = NULL;
    if (geteuid() == 0 && chmod(rundir_folder, 0711) == 0)
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
    char *dir = rundir_inside("mine");
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &rundir_error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 0); /* of another task */
    ck_assert_uint_eq(mode_of(dir), 0711);
    char *endpoint = rundir_endpoint_of(&r, user, "p1"),
         *want = mem_printf("ipc://%s/u%u/p1", dir, user->uid);
    ck_assert_str_eq(endpoint, want);
    char *own = mem_printf("%s/u%u", dir, user->uid);
    ck_assert_int_eq(lstat(own, &st), 0);
    ck_assert_uint_eq(st.st_uid, user->uid);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    rundir_make_socket(own, "p1");
    rundir_close(&r);
    ck_assert(!rundir_holds(dir, "u65534"));
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
    char *dir = rundir_inside("mine"), *own = mem_printf("%s/u%u", dir, user->uid);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &rundir_error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 0);
    rundir_make_socket(own, "p1");
    close(r.lock); /* as a kill does */
    free(r.path);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &rundir_error), 0);
    ck_assert_int_eq(access(own, F_OK), -1);
    ck_assert_int_eq(mkdir(own, 0777), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 70);
    ck_assert_ptr_nonnull(strstr(rundir_error, "cannot be made for user nobody"));
    free(rundir_error);
    ck_assert_int_eq(rmdir(own), 0);
    ck_assert_int_eq(symlink(rundir_folder, own), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 70);
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
    char *dir = rundir_inside("mine");
    ck_assert_int_eq(chmod(rundir_folder, 0700), 0);
    ck_assert_int_eq(rundir_open(&r, "logs", dir, true, &rundir_error), 0);
    ck_assert_int_eq(rundir_admit(&r, user, &rundir_error), 70);
    ck_assert_ptr_nonnull(strstr(rundir_error, "user nobody cannot get there: Permission denied"));
    ck_assert_ptr_nonnull(strstr(rundir_error, "use --runtime-dir DIR"));
    rundir_close(&r);
    free(dir);
    conf_user_free(&user);
}
END_TEST

Suite *
rundir_users_suite(void)
{
    Suite *s = suite_create("rundir_users");
    TCase *t = tcase_create("users");
    tcase_add_checked_fixture(t, rundir_set_up, rundir_tear_down);
    tcase_add_test(t, test_rundir_admits);
    tcase_add_test(t, test_rundir_admits_after_a_kill);
    tcase_add_test(t, test_rundir_out_of_reach);
    suite_add_tcase(s, t);
    return s;
}
