/* test_rights.c - tasks of other users: what they may, what they may not, and who reaches which socket. Most
 * of it needs root, and a build that other users can get at; where it is not so the tests are skipped, with a
 * line that says so. */
#include "tests/flow/app.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* as_user runs a check in a child that is of that user; true where it says so. */
static bool
as_user(const char *name, bool (*check)(const char *path), const char *path)
{
    const struct passwd *user = getpwnam(name);
    ck_assert_ptr_nonnull(user);
    pid_t pid = fork();
    if (pid == 0) {
        gid_t gid = user->pw_gid;
        uid_t uid = user->pw_uid;
        bool became = setregid(gid, gid) == 0 && setreuid(uid, uid) == 0;
        _exit(became && check(path) ? 0 : 1);
    }
    int status = 1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
can_run(const char *path)
{
    return access(path, X_OK) == 0;
}

static bool
can_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    bool connected = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return connected;
}

/* others_can_run opens the folder of the scene to them. */
static bool
others_can_run(void)
{
    if (geteuid() == 0 && as_user("nobody", can_run, BUILD_DIR "/headrace-worker")) {
        ck_assert_int_eq(chmod(flow_path("."), 0711), 0);
        return true;
    }
    fprintf(stderr, "rights: skipped, needs root, and a build that others can enter\n");
    return false;
}

static const char *
shared_file(const char *variable, const char *name)
{
    const char *path = flow_write(name, "%s", "");
    ck_assert_int_eq(chmod(path, 0666), 0);
    setenv(variable, path, 1);
    return path;
}

/* who as nobody, other as daemon, the timer as nobody in the group of daemon. */
static const char *
three_users(const char *more)
{
    return app_json(
        "app.json",
        "{'modules': ['%s'], " APP_QUICK_GROUP ",\n"
        " 'tasks': {'who': {'run_as': {'user': 'nobody'}, 'on_failure': 'skip', 'attempts': 1 %s},\n"
        "           'other': {'run_as': {'user': 'daemon'}}},\n"
        " 'timers': {'when': {'run_as': {'user': 'nobody', 'group': 'daemon'}, 'limits': {'core': 0}}}}\n",
        flow_module("rights"), more);
}

static const char *
line_of(const char *file, const char *begin)
{
    const char *found = strstr(flow_read(file), begin);
    ck_assert_msg(found != NULL, "no line \"%s\" in:\n%s", begin, flow_read(file));
    return flow_text("%.*s", (int)strcspn(found, "\n"), found);
}

static void
check_line(const char *file, const char *begin, const char *const *words)
{
    const char *line = line_of(file, begin);
    for (; *words; words++)
        ck_assert_msg(strstr(line, *words) != NULL, "no \"%s\" in: %s", *words, line);
}

START_TEST(test_as_their_users)
{
    if (!others_can_run())
        return;
    const struct passwd *entry = getpwnam("nobody");
    const char *uid = flow_text(" uid=%u ", (unsigned)entry->pw_uid),
               *home = flow_text(" home=%s ", entry->pw_dir);
    const char *gid = flow_text(" gid=%u groups=%u ", (unsigned)entry->pw_gid, (unsigned)entry->pw_gid);
    const char *file = shared_file("RIGHTS_FILE", "rights");
    flow_broker("records:2", NULL);
    struct flow_process *app = app_start(three_users(""), NULL);
    FLOW_UNTIL(flow_lines(file, "who uid=") == 1 && flow_lines(file, "other uid=") == 1 &&
                   flow_lines(file, "when uid=") >= 1,
               "all three");
    check_line(file, "who uid=",
               (const char *const[]){uid, gid, home, " user=nobody ", " logname=nobody ", " privs=1 ",
                                     " parent=9 ", " regained=0", NULL});
    entry = getpwnam("daemon");
    check_line(
        file, "other uid=",
        (const char *const[]){flow_text(" uid=%u gid=%u ", (unsigned)entry->pw_uid, (unsigned)entry->pw_gid),
                              " user=daemon ", " privs=1 ", NULL});
    check_line(file,
               "when uid=", (const char *const[]){uid, flow_text(" gid=%u ", (unsigned)entry->pw_gid), NULL});
    /* nobody's code has run as root, not for the description either */
    ck_assert_int_eq(flow_lines(file, "uid=0 "), 0);
    ck_assert_int_ge(flow_lines(file, "--describe"), 1);
    app_stop(app);
}
END_TEST

/* Deaths, deadlines and backtraces are the same for workers of others. */
START_TEST(test_deaths_of_others)
{
    if (!others_can_run())
        return;
    shared_file("RIGHTS_FILE", "rights");
    flow_broker("records:2", "none:1", NULL);
    flow_send("records", 0, NULL, "crash");
    flow_send("records", 0, NULL, "hang");
    flow_flush();
    const char *conf =
        app_json("app.json",
                 "{'modules': ['%s'], " APP_QUICK_GROUP ",\n 'tasks': {'who': {'run_as': {'user': "
                 "'nobody'}, 'on_failure': 'skip', 'attempts': 1, 'deadline': '300ms'},\n"
                 " 'other': {'topic': 'none', 'run_as': {'user': 'daemon'}}}}\n",
                 flow_module("rights"));
    struct flow_process *app = app_run(conf, NULL);
    FLOW_UNTIL(flow_lines(app->err, "record skipped") == 2, "both");
    ck_assert(flow_said(app, "crash: SIGSEGV") && flow_said(app, "deadline: 0.3s"));
    FLOW_UNTIL(flow_lines(app->err, "backtrace task=who") == 2, "the backtraces");
    app_stop(app);
}
END_TEST

START_TEST(test_nobody_is_orphaned)
{
    if (!others_can_run())
        return;
    const char *file = shared_file("RIGHTS_FILE", "rights");
    flow_broker("records:2", NULL);
    struct flow_process *app = app_start(three_users(""), NULL);
    FLOW_UNTIL(flow_lines(file, "who uid=") == 1 && flow_lines(file, "other uid=") == 1, "both");
    flow_signal(app, SIGKILL);
    flow_wait(app);
    FLOW_UNTIL(flow_count("headrace-worker") == 0 && flow_count("headrace-timer") == 0, "the end of all");
    /* what was left behind serves the next run */
    app = app_start(three_users(""), NULL);
    app_stop(app);
}
END_TEST

static bool
can_enter(const char *path)
{
    return chdir(path) == 0 && access(".", R_OK | W_OK | X_OK) == 0;
}

/* The pipes themselves have no names any more when their workers are there. */
START_TEST(test_sockets_are_private)
{
    if (!others_can_run())
        return;
    const char *file = shared_file("RIGHTS_FILE", "rights");
    flow_broker("records:2", NULL);
    umask(0);
    struct flow_process *app = app_start(three_users(""), NULL);
    FLOW_UNTIL(flow_lines(file, "who uid=") == 1 && flow_lines(file, "other uid=") == 1, "both");
    const char *control = flow_text("%s/control", flow_runtime());
    const char *of_nobody = flow_text("%s/u%u", flow_runtime(), (unsigned)getpwnam("nobody")->pw_uid);
    ck_assert(can_connect(control));
    ck_assert(!as_user("nobody", can_connect, control));
    ck_assert(!as_user("daemon", can_connect, control));
    ck_assert(!as_user("nobody", can_enter, flow_runtime())); /* pass, yes; look, no */
    ck_assert(!as_user("daemon", can_enter, of_nobody));
    ck_assert(as_user("nobody", can_enter, of_nobody));
    ck_assert_int_eq(flow_lines(flow_call("find", flow_runtime(), "-type", "s", NULL)->out, NULL), 1);
    app_stop(app);
}
END_TEST

/* Also without other users, and with a umask that lets everybody in. */
START_TEST(test_inherited_descriptors)
{
    const char *file = shared_file("RIGHTS_FILE", "rights");
    flow_broker("records:2", NULL);
    umask(0);
    for (int i = 0; i < 30; i++)
        ck_assert_int_ge(dup(STDERR_FILENO), 0); /* open in whoever starts headrace, too */
    struct flow_process *app = app_start(
        app_json("app.json", "{'modules': ['%s'], " APP_QUICK_GROUP "}", flow_module("rights")), NULL);
    FLOW_UNTIL(flow_lines(file, "who uid=") == 1 && flow_lines(file, "when uid=") >= 1, "both");
    /* 5 is the lifeline, 3 what the worker has opened itself to be woken by; 64 is where a
     * description goes, out of the way of what a module takes for its own */
    check_line(file, "who uid=", (const char *const[]){" fds=0,1,2,3,5 ", NULL});
    check_line(file, "when uid=", (const char *const[]){" fds=0,1,2,3,5 ", NULL});
    check_line(file, "loaded uid=", (const char *const[]){" fds=0,1,2,64 ", "--describe", NULL});
    struct stat st;
    ck_assert_int_eq(lstat(flow_text("%s/control", flow_runtime()), &st), 0);
    ck_assert_uint_eq(st.st_mode & 077, 0);
    app_stop(app);
}
END_TEST

START_TEST(test_refused)
{
    const char *conf =
        app_json("app.json", "{'modules': ['%s'], 'tasks': {'who': {'run_as': {'user': '%s'}}}}",
                 flow_module("rights"), geteuid() == 0 ? "of-nowhere" : "root");
    struct flow_process *app = flow_call("headrace", "run", conf, "--runtime-dir", flow_runtime(), NULL);
    flow_expect(app, 78);
    ck_assert(flow_said(app, geteuid() == 0
                                 ? "tasks.who.run_as.user: there is no user \"of-nowhere\""
                                 : "tasks.who.run_as.user: only root can run a task as another user"));
}
END_TEST

Suite *
rights_suite(void)
{
    Suite *s = suite_create("rights");
    TCase *t = tcase_create("rights");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, flow_begin, flow_end);
    tcase_add_test(t, test_as_their_users);
    tcase_add_test(t, test_deaths_of_others);
    tcase_add_test(t, test_nobody_is_orphaned);
    tcase_add_test(t, test_sockets_are_private);
    tcase_add_test(t, test_inherited_descriptors);
    tcase_add_test(t, test_refused);
    suite_add_tcase(s, t);
    return s;
}
