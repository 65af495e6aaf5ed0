/* test_secrets.c - passwords of the broker stay in the supervisor.
 *
 * They come in each of the ways in which they can be given: in the file, from the environment (also in a
 * task's own section), by -X. Then all that a task, another user or a reader of logs can see is searched for
 * them. (The supervisor's own command line does show what -X was given; the README says so.) */
#include "tests/flow/app.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const secrets[] = {"swordfish-in-file", "swordfish-in-variable", "swordfish-of-task",
                                      "swordfish-by-option"};

/* search fails the test if one of the secrets is in what a descriptor gives. */
static void
search(int fd, const char *what)
{
    static char text[4 << 20];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof text && (got = pread(fd, text + n, sizeof text - n, (off_t)n)) > 0)
        n += (size_t)got;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_msg(!memmem(text, n, secrets[i], strlen(secrets[i])), "%s holds %s", what, secrets[i]);
    ck_assert_msg(n < sizeof text, "%s is too large to be searched", what);
}

static void
search_file(const char *path, const char *what)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ck_assert_msg(fd >= 0, "%s: cannot be read", path);
    search(fd, what);
    close(fd);
}

/* search_descriptors looks into the files and memfds that a process inherited: its boot document is one of
 * them. */
static int
search_descriptors(pid_t pid)
{
    const char *folder = flow_text("/proc/%d/fd", (int)pid);
    DIR *dir = opendir(folder);
    int boots = 0;
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char target[512];
        const char *path = flow_text("%s/%s", folder, entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        if (strncmp(target, "/memfd:", 7) != 0)
            continue;
        search_file(path, flow_text("%s of pid %d", target, (int)pid));
        boots += strstr(target, "headrace-boot") != NULL;
    }
    closedir(dir);
    return boots;
}

/* search_children looks at all processes of the app but the supervisor; returns how many there were. */
static int
search_children(const char *text)
{
    pid_t pids[8];
    int n = flow_pids(text, pids, 8), boots = 0;
    for (int i = 0; i < n; i++) {
        search_file(flow_text("/proc/%d/environ", (int)pids[i]), flow_text("the environment of a %s", text));
        search_file(flow_text("/proc/%d/cmdline", (int)pids[i]), flow_text("the command line of a %s", text));
        boots += search_descriptors(pids[i]);
    }
    printf("%d %s, %d boot documents\n", n, text, boots);
    return n;
}

static const char *
configuration(void)
{
    return app_json("app.json",
                    "{'modules': ['%s'], 'kafka': {'sasl.password': 'swordfish-in-file',"
                    " 'ssl.key.password': '${FLOW_PASSWORD}'},"
                    " 'tasks': {'record': {'topic': 'records',"
                    " 'kafka': {'ssl.keystore.password': 'of-task-${FLOW_TASK_PASSWORD}'}}}}",
                    flow_module("recorder"));
}

START_TEST(test_secrets_stay)
{
    setenv("FLOW_PASSWORD", "swordfish-in-variable", 1);
    setenv("FLOW_TASK_PASSWORD", "swordfish-of-task", 1);
    flow_broker("records:1", NULL);
    struct flow_process *app = app_start(configuration(), "-X", "sasl.oauthbearer.config=swordfish-by-option",
                                         "-X", "debug=all", "--log-level", "debug", NULL);
    flow_send("records", 0, NULL, "reject"); /* a dead letter, so that the producer has worked */
    flow_flush();
    FLOW_UNTIL(flow_seen(NULL) == 1, "the record");
    ck_assert_int_ge(search_children("headrace-worker"), 1);
    ck_assert_int_ge(search_children("headrace-timer"), 1);
    struct flow_process *status =
        flow_call("headrace", "status", "--json", "--runtime-dir", flow_runtime(), NULL);
    flow_signal(app, SIGUSR2); /* the state, into the log */
    app_stop(app);
    const char *outputs[] = {app->out, app->err, status->out, status->err};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        search_file(outputs[i], i < 2 ? "the log" : "the status");
    ck_assert_msg(flow_said(app, "facility="),
                  "librdkafka's own words were not in the log: nothing was shown");
}
END_TEST

/* Neither do commands that show the configuration, and what is wrong in it. */
START_TEST(test_secrets_are_not_shown)
{
    setenv("FLOW_PASSWORD", "swordfish-in-variable", 1);
    setenv("FLOW_TASK_PASSWORD", "swordfish-of-task", 1);
    const char *app = configuration();
    const char *wrong = app_json("wrong.json",
                                 "{'modules': ['%s'], 'kafka': {'sasl.password': ['swordfish-in-file'],"
                                 " 'ssl.key.pem': '${FLOW_PASSWORD}'}}",
                                 flow_module("recorder"));
    struct flow_process *said[] = {
        flow_call("headrace", "tasks", app, "--json", NULL), flow_call("headrace", "tasks", app, NULL),
        flow_call("headrace", "check", app, NULL), flow_call("headrace", "check", wrong, NULL)};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        search_file(said[i]->out, said[i]->name);
        search_file(said[i]->err, said[i]->name);
    }
    flow_expect(said[0], 0);
    flow_expect(said[3], 78);
}
END_TEST

Suite *
secrets_suite(void)
{
    Suite *suite = suite_create("secrets");
    TCase *tests = tcase_create("secrets");
    tcase_add_checked_fixture(tests, flow_begin, flow_end);
    tcase_add_test(tests, test_secrets_stay);
    tcase_add_test(tests, test_secrets_are_not_shown);
    suite_add_tcase(suite, tests);
    return suite;
}
