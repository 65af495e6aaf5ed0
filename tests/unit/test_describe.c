/* test_describe.c - modules that are hard to describe: those that crash, hang, exit, print, or write rubbish.
 *
 * The part of headrace-worker is played by a shell, which can do all of that to the descriptor of the reply.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"
#include "supervisor/describe.h"
#include "supervisor/description.h"
#include "supervisor/programs.h"

#define GOOD "{\"tasks\":[],\"timers\":[],\"counters\":[],\"problems\":[]}"
#define LIMIT (20 * NS_PER_S) /* for what is to end on its own */

static char folder[64], worker[80];

static void
make_folder(void)
{
    strcpy(folder, "/tmp/headrace-describe-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(worker, sizeof worker, "%s/worker", folder);
}

static void
remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* describe has a worker of this script describe a module. */
static json_t *
describe(const char *script, mono_ns limit, char **problem)
{
    static char path[] = "PATH=/usr/bin:/bin";
    static char *const envp[] = {path, NULL};
    FILE *f = fopen(worker, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "#!/bin/sh\n%s\n", script);
    ck_assert_int_eq(fchmod(fileno(f), 0700), 0);
    ck_assert_int_eq(fclose(f), 0);
    *problem = NULL;
    return describe_run(worker, "some/module.so", envp, NULL, limit, problem);
}

static void
expect_problem(const char *script, mono_ns limit, const char *expected)
{
    char *problem;
    json_t *description = describe(script, limit, &problem);
    ck_assert_msg(!description, "%s: described", script);
    ck_assert_pstr_eq(problem, expected);
    free(problem);
}

static int
open_descriptors(void)
{
    DIR *fds = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(fds))
        n++;
    closedir(fds);
    return n;
}

START_TEST(test_described)
{
    char *problem;
    json_t *d = describe("echo '" GOOD "' >&7; test \"$1 $2\" = '--describe some/module.so' || exit 5", LIMIT,
                         &problem);
    ck_assert_msg(d != NULL, "%s", problem);
    ck_assert_ptr_null(problem);
    ck_assert_uint_eq(json_array_size(json_object_get(d, "tasks")), 0);
    json_decref(d);
}
END_TEST

START_TEST(test_child_has_only_its_descriptors)
{
    char *problem;
    int stray = dup(STDERR_FILENO); /* without close-on-exec */
    json_t *d = describe("ls /proc/self/fd | grep -v -x -e 0 -e 1 -e 2 -e 3 -e 7 && exit 6\n"
                         "read line && exit 7\n" /* stdin is empty */
                         "echo '" GOOD "' >&7",
                         LIMIT, &problem);
    ck_assert_msg(d != NULL, "%s", problem);
    json_decref(d);
    close(stray);
}
END_TEST

START_TEST(test_dies_while_loading)
{
    expect_problem("kill -SEGV $$", LIMIT, "crashed while it was loaded: SIGSEGV");
    expect_problem("echo '" GOOD "' >&7; kill -ABRT $$", LIMIT, "crashed while it was loaded: SIGABRT");
    expect_problem("exit 3", LIMIT, "exited with 3 while it was loaded");
    expect_problem("exit 0", LIMIT, "exited with 0 while it was loaded");
    expect_problem("echo '" GOOD "' >&7; exit 4", LIMIT, "exited with 4 while it was loaded");
}
END_TEST

START_TEST(test_problems_are_its_own_words)
{
    char *problem;
    json_t *d = describe(
        "echo '{\"tasks\":[],\"timers\":[],\"counters\":[],\"problems\":[\"no good\"]}' >&7; exit 78", LIMIT,
        &problem);
    ck_assert_msg(d != NULL, "%s", problem);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(d, "problems"), 0)), "no good");
    json_decref(d);
}
END_TEST

/* The hanging child starts another one, which is to be gone too. */
START_TEST(test_hangs_while_loading)
{
    char script[256], path[80];
    int before = open_descriptors(), pid = 0;
    snprintf(path, sizeof path, "%s/pid", folder);
    snprintf(script, sizeof script, "trap '' TERM INT; sleep 1000 & echo $! >%s; wait; sleep 1000", path);
    expect_problem(script, NS_PER_S / 2, "still loading after 0.5 s: killed");
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
    fclose(f);
    char state = 'Z', *stat = mem_printf("/proc/%d/stat", pid);
    for (int i = 0; i < 1000 && (f = fopen(stat, "r"));
         i++) { /* killed, and then reaped by whoever inherits it */
        if (fscanf(f, "%*d %*s %c", &state) != 1)
            state = 'Z';
        fclose(f);
        if (state == 'Z')
            break;
        usleep(1000);
    }
    free(stat);
    ck_assert_int_eq(state, 'Z');
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* A module may start a process that keeps the pipes open: the end of the child is enough. */
START_TEST(test_leaves_a_process_behind)
{
    char *problem;
    json_t *d = describe("sleep 1000 & echo '" GOOD "' >&7", LIMIT, &problem);
    ck_assert_msg(d != NULL, "%s", problem);
    json_decref(d);
}
END_TEST

START_TEST(test_rubbish_in_the_reply)
{
    expect_problem("echo 'hello' >&7", LIMIT,
                   "its description is malformed: '[' or '{' expected near 'hello'");
    expect_problem("echo '[]' >&7", LIMIT, "its description is malformed: \"tasks\" is no list");
    expect_problem("echo '" GOOD GOOD "' >&7", LIMIT,
                   "its description is malformed: end of file expected near '{'");
    expect_problem("head -c 17000000 /dev/zero >&7; sleep 1000", LIMIT,
                   "its description is larger than 16 MB: killed");
}
END_TEST

START_TEST(test_prints_a_lot)
{
    char *problem;
    json_t *d = describe("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo '" GOOD "' >&7",
                         LIMIT, &problem);
    ck_assert_msg(d != NULL, "%s", problem);
    json_decref(d);
}
END_TEST

START_TEST(test_worker_that_is_missing)
{
    char *problem, *error;
    static char *const envp[] = {NULL};
    json_t *d = describe_run("/nowhere/headrace-worker", "some.so", envp, NULL, LIMIT, &problem);
    ck_assert_ptr_null(d);
    ck_assert_str_eq(problem, "exited with 127 while it was loaded");
    free(problem);
    char *found = programs_find("headrace-nothing", &error);
    ck_assert_ptr_null(found);
    ck_assert_ptr_nonnull(strstr(error, "cannot find headrace-nothing in /"));
    free(error);
}
END_TEST

/* Each field in turn is left out, and given another type. */
START_TEST(test_form_of_a_description)
{
    static const char *const fields[][5] = {{"tasks", "name", "concurrency", "file", "line"},
                                            {"timers", "name", "interval", "file", "line"}};
    json_t *good =
        json_pack("{s:[{s:s, s:n, s:i, s:n, s:s, s:i}], s:[{s:s, s:f, s:s, s:i}], s:[s], s:[s]}", "tasks",
                  "name", "a", "topic", "concurrency", 1, "order", "file", "a.c", "line", 1, "timers", "name",
                  "b", "interval", 1.0, "file", "a.c", "line", 2, "counters", "c", "problems", "p");
    ck_assert_ptr_nonnull(good);
    ck_assert_ptr_null(description_check(good));
    for (int list = 0; list < 2; list++)
        for (int field = 1; field < 5; field++)
            for (int remove = 0; remove < 2; remove++) {
                json_t *copy = json_deep_copy(good);
                json_t *member = json_array_get(json_object_get(copy, fields[list][0]), 0);
                if (remove)
                    json_object_del(member, fields[list][field]);
                else
                    json_object_set_new(member, fields[list][field], json_array());
                char *wrong = description_check(copy);
                char *expected = mem_printf("%s[0].%s is missing or of another type", fields[list][0],
                                            fields[list][field]);
                ck_assert_pstr_eq(wrong, expected);
                free(wrong);
                free(expected);
                json_decref(copy);
            }
    json_array_append_new(json_object_get(good, "counters"), json_integer(1));
    char *wrong = description_check(good);
    ck_assert_pstr_eq(wrong, "counters[1] is no text");
    free(wrong);
    json_decref(good);
}
END_TEST

Suite *
describe_suite(void)
{
    Suite *s = suite_create("describe");
    TCase *modules = tcase_create("modules");
    tcase_add_checked_fixture(modules, make_folder, remove_folder);
    tcase_add_test(modules, test_described);
    tcase_add_test(modules, test_child_has_only_its_descriptors);
    tcase_add_test(modules, test_dies_while_loading);
    tcase_add_test(modules, test_problems_are_its_own_words);
    tcase_add_test(modules, test_hangs_while_loading);
    tcase_add_test(modules, test_leaves_a_process_behind);
    tcase_add_test(modules, test_rubbish_in_the_reply);
    tcase_add_test(modules, test_prints_a_lot);
    tcase_add_test(modules, test_worker_that_is_missing);
    tcase_add_test(modules, test_form_of_a_description);
    suite_add_tcase(s, modules);
    return s;
}
