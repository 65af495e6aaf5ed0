/* test_spawn.c - the birth of a child: what it has, what it has not, and that it dies with its parent. What
 * needs root to be seen is skipped, with a line, where this is not root. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"
#include "supervisor/environment.h"
#include "supervisor/spawn.h"

extern char **environ;

static bool
is_root(const char *what)
{
    if (geteuid() == 0)
        return true;
    fprintf(stderr, "spawn: skipped, needs root: %s\n", what);
    return false;
}

static struct conf_user *
user(const char *name, const char *group)
{
    char *wrong = NULL;
    struct conf_user *u = conf_user_find(name, group, &wrong);
    ck_assert_pstr_eq(wrong, NULL);
    return u;
}

/* says returns what a script says that is run by a child with these rights. */
static char *
says(const char *script, const struct spawn_rights *rights, char *const envp[])
{
    static char text[4096];
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)script, NULL};
    int fds[2], pidfd = -1, status;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    struct spawn_fd out = {fds[1], STDOUT_FILENO};
    pid_t pid = spawn("/bin/sh", argv, envp, &out, 1, rights, &pidfd);
    ck_assert_int_gt(pid, 0);
    close(fds[1]);
    size_t n = 0;
    for (ssize_t more; (more = read(fds[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)more;
    text[n] = '\0';
    close(fds[0]);
    close(pidfd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return text;
}

START_TEST(test_no_way_to_more_rights)
{
    ck_assert_str_eq(says("grep NoNewPrivs /proc/self/status", NULL, environ), "NoNewPrivs:\t1\n");
}
END_TEST

/* Whatever is open here, and however. */
START_TEST(test_only_the_descriptors_given)
{
    for (int i = 0; i < 40; i++)
        ck_assert_int_ge(fcntl(STDERR_FILENO, F_DUPFD, 3 + i * 7), 0);
    char *text = says("ls /proc/self/fd", NULL, environ); /* 3 is the folder that ls looks into */
    ck_assert_str_eq(text, "0\n1\n2\n3\n");
}
END_TEST

START_TEST(test_limits)
{
    struct spawn_rights rights = {.memory = 1 << 30, .open_files = 77, .core = 0};
    ck_assert_str_eq(says("ulimit -v; ulimit -n; ulimit -c; ulimit -Hn", &rights, environ),
                     "1048576\n77\n0\n77\n");
}
END_TEST

START_TEST(test_user)
{
    if (!is_root("a child of another user"))
        return;
    ck_assert_int_eq(setgroups(3, (gid_t[]){0, 1, 42}), 0); /* which are not the user's */
    struct conf_user *u = user("nobody", NULL);
    struct spawn_rights rights = {.core = -1, .user = u};
    char *want = mem_printf("%u %u %u\n", (unsigned)u->uid, (unsigned)u->uid, (unsigned)u->uid);
    ck_assert_str_eq(says("grep -w Uid /proc/self/status | awk '{print $2, $3, $5}'", &rights, environ),
                     want);
    free(want);
    want = mem_printf("%u %u\nHOME\nCapPrm:\t0000000000000000\n", (unsigned)u->gid, (unsigned)u->gid);
    ck_assert_str_eq(
        says("echo $(id -g) $(id -G); cd / 2>/dev/null && echo HOME; grep CapPrm /proc/self/status", &rights,
             environ),
        want);
    free(want);
    conf_user_free(&u);
}
END_TEST

START_TEST(test_group)
{
    if (!is_root("a child of another group"))
        return;
    struct conf_user *u = user("nobody", "daemon");
    struct spawn_rights rights = {.core = -1, .user = u};
    ck_assert_str_eq(says("id -ng", &rights, environ), "daemon\n");
    conf_user_free(&u);
}
END_TEST

START_TEST(test_environment_of_user)
{
    struct conf c = {0};
    struct conf_user u = {.name = (char[]){"feeds"}, .home = (char[]){"/srv/feeds"}};
    json_t *extra = json_pack("{s:s}", "USER", "given");
    setenv("HOME", "/root", 1);
    setenv("LOGNAME", "root", 1);
    char **envp = environment_make(&c, &u, extra);
    ck_assert_str_eq(says("echo $HOME $LOGNAME $USER", NULL, envp), "/srv/feeds feeds given\n");
    environment_free(&envp);
    envp = environment_make(&c, NULL, NULL);
    ck_assert_str_eq(says("echo $HOME $LOGNAME", NULL, envp), "/root root\n");
    environment_free(&envp);
    json_decref(extra);
}
END_TEST

static bool
lives(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    fclose(f);
    return state != 'Z' && state != 'X';
}

/* The signal at the parent's death outlives the change of the user. */
static void
dies_with_parent(const struct spawn_rights *rights)
{
    int fds[2];
    pid_t child = 0;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        char *const argv[] = {(char[]){"sleep"}, (char[]){"60"}, NULL};
        int pidfd = -1;
        child = spawn("/bin/sleep", argv, environ, NULL, 0, rights, &pidfd);
        for (char name[64] = ""; !strstr(name, "sleep");) { /* it is executed: all before is behind it */
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/cmdline", (int)child);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t n = read(fd, name, sizeof name - 1);
            name[n > 0 ? n : 0] = '\0';
            close(fd);
        }
        if (write(fds[1], &child, sizeof child) == sizeof child)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(fds[0], &child, sizeof child), sizeof child);
    ck_assert(lives(child));
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < 2000 && lives(child); i++)
        usleep(5000);
    ck_assert(!lives(child));
    close(fds[0]);
    close(fds[1]);
}

START_TEST(test_dies_with_parent)
{
    dies_with_parent(NULL);
    if (!is_root("a child of another user dies with its parent"))
        return;
    struct conf_user *u = user("nobody", NULL);
    dies_with_parent(&(struct spawn_rights){.core = -1, .user = u});
    conf_user_free(&u);
}
END_TEST

Suite *
spawn_suite(void)
{
    Suite *s = suite_create("spawn");
    TCase *t = tcase_create("spawn");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_no_way_to_more_rights);
    tcase_add_test(t, test_only_the_descriptors_given);
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_user);
    tcase_add_test(t, test_group);
    tcase_add_test(t, test_environment_of_user);
    tcase_add_test(t, test_dies_with_parent);
    suite_add_tcase(s, t);
    return s;
}
