/* test_autopsy.c - the process that makes a backtrace readable: one that answers, and those that do not. Its part is played
 * by a shell, but for the last test. */
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

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/autopsy.h"

#define FRAMES "/x/a.so+0x1\n/x/b.so+0x2\n"

static char folder[64], program[80], path[] = "PATH=/usr/bin:/bin";
static char *const envp[] = {path, NULL};
static struct loop loop;
static char *told; /* what done was told: "(none)" for no line */
static int told_times;

static void
set_up(void)
{
    log_init("test", LOG_LEVEL_ERROR);
    strcpy(folder, "/tmp/headrace-autopsy-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/symbolize", folder);
    loop_open(&loop);
    told = NULL;
    told_times = 0;
}

/* Nothing is left: no child, no watch, no memory that a sanitizer would find. */
static void
tear_down(void)
{
    char command[128];
    ck_assert_int_eq(autopsy_tick(clock_mono()), MONO_NEVER);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    loop_close(&loop);
    free(told);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void
script(const char *text)
{
    FILE *f = fopen(program, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "#!/bin/sh\n%s\n", text);
    ck_assert_int_eq(fchmod(fileno(f), 0700), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void
hear(void *arg, const char *line)
{
    (*(int *)arg)++;
    free(told);
    told = mem_string(line ? line : "(none)");
}

static struct autopsy *
start(const char *text)
{
    script(text);
    return autopsy_start(&loop, FRAMES, program, envp, NULL, hear, &told_times);
}

/* wait_until_told runs the loop as the supervisor does. */
static void
wait_until_told(int times)
{
    while (told_times < times)
        loop_wait(&loop, autopsy_tick(clock_mono()));
    ck_assert_int_eq(told_times, times);
}

static void
expect(const char *text, const char *line)
{
    struct autopsy *a = start(text);
    ck_assert_int_eq(told_times, 0);
    ck_assert(!autopsy_ended(a));
    ck_assert_ptr_null(autopsy_line(a));
    wait_until_told(1);
    ck_assert_str_eq(told, line ? line : "(none)");
    ck_assert(autopsy_ended(a));
    ck_assert_pstr_eq(autopsy_line(a), line);
    autopsy_drop(a);
}

START_TEST(test_answer)
{
    expect("test $(cat | tr '\\n' ,) = /x/a.so+0x1,/x/b.so+0x2, && echo 'f (a.c:1) < g'", "f (a.c:1) < g");
}
END_TEST

START_TEST(test_answer_without_newline)
{
    expect("printf 'half an answ'", NULL);
}
END_TEST

START_TEST(test_only_one_line)
{
    expect("echo f; echo g", "f");
}
END_TEST

START_TEST(test_control_characters)
{
    expect("printf 'f\\033[31m\\t\\001 g\\r\\n'", "f[31m g");
}
END_TEST

START_TEST(test_no_answer)
{
    expect("exit 0", NULL);
}
END_TEST

START_TEST(test_failure)
{
    expect("printf 'half an answ'; exit 1", NULL);
}
END_TEST

START_TEST(test_crash)
{
    expect("printf 'half an answ'; kill -SEGV $$", NULL);
}
END_TEST

/* It ends long before the limit: when nobody listens any more. */
START_TEST(test_answer_without_end)
{
    mono_ns began = clock_mono();
    expect("exec cat /dev/zero", NULL);
    ck_assert_int_lt(clock_mono() - began, AUTOPSY_LIMIT);
}
END_TEST

START_TEST(test_long_answer)
{
    struct autopsy *a = start("head -c 16383 /dev/zero | tr '\\0' x; echo");
    wait_until_told(1);
    ck_assert_uint_eq(strlen(autopsy_line(a)), AUTOPSY_LINE_MAX - 1);
    autopsy_drop(a);
}
END_TEST

START_TEST(test_answer_that_is_too_long)
{
    expect("head -c 16384 /dev/zero | tr '\\0' x; echo", NULL);
}
END_TEST

START_TEST(test_has_only_its_descriptors)
{
    expect("ls /proc/self/fd | grep -v -x -e 0 -e 1 -e 2 -e 3 && exit 6; echo good", "good");
}
END_TEST

START_TEST(test_program_that_is_missing)
{
    struct autopsy *a = autopsy_start(&loop, FRAMES, "/nowhere/symbolize", envp, NULL, hear, &told_times);
    ck_assert_int_eq(told_times, 0);
    wait_until_told(1);
    ck_assert_str_eq(told, "(none)");
    autopsy_drop(a);
}
END_TEST

START_TEST(test_limit)
{
    struct autopsy *a = start("printf 'half an answ'; exec sleep 1000");
    mono_ns now = clock_mono();
    mono_ns deadline = autopsy_tick(now);
    ck_assert_int_le(deadline, now + AUTOPSY_LIMIT);
    autopsy_tick(now + AUTOPSY_LIMIT);
    wait_until_told(1);
    ck_assert_str_eq(told, "(none)");
    autopsy_drop(a);
}
END_TEST

START_TEST(test_dropped_before_its_end)
{
    autopsy_drop(start("echo f"));
    wait_until_told(1);
    ck_assert_str_eq(told, "f");
}
END_TEST

START_TEST(test_held_by_several)
{
    struct autopsy *a = start("echo f"), *same = autopsy_hold(a);
    ck_assert_ptr_eq(a, same);
    autopsy_drop(a);
    wait_until_told(1);
    ck_assert_pstr_eq(autopsy_line(same), "f");
    autopsy_drop(same);
    ck_assert_ptr_null(autopsy_hold(NULL));
    autopsy_drop(NULL);
}
END_TEST

START_TEST(test_nobody_is_told)
{
    script("echo f");
    struct autopsy *a = autopsy_start(&loop, FRAMES, program, envp, NULL, NULL, NULL);
    while (!autopsy_ended(a))
        loop_wait(&loop, autopsy_tick(clock_mono()));
    ck_assert_pstr_eq(autopsy_line(a), "f");
    autopsy_drop(a);
}
END_TEST

START_TEST(test_many_at_once)
{
    script("echo f");
    for (int i = 0; i < 20; i++)
        autopsy_drop(autopsy_start(&loop, FRAMES, program, envp, NULL, hear, &told_times));
    wait_until_told(20);
}
END_TEST

static void
hear_number(void *arg, const char *line)
{
    int *most = arg, number = atoi(line);
    *most = number > *most ? number : *most;
    told_times++;
}

/* Each says how many there are. */
START_TEST(test_only_some_at_once)
{
    int most = 0;
    script("mkdir $0.$$; ls -d $0.* 2>/dev/null | wc -l; rmdir $0.$$");
    for (int i = 0; i < 12; i++)
        autopsy_drop(autopsy_start(&loop, FRAMES, program, envp, NULL, hear_number, &most));
    wait_until_told(12);
    ck_assert_int_ge(most, 1);
    ck_assert_int_le(most, 4);
}
END_TEST

/* What waits for others that hang does not wait for ever, and is not begun any more. */
START_TEST(test_limit_of_those_that_wait)
{
    script("exec sleep 1000");
    for (int i = 0; i < 4; i++)
        autopsy_drop(autopsy_start(&loop, FRAMES, program, envp, NULL, hear, &told_times));
    struct autopsy *late = autopsy_start(&loop, FRAMES, program, envp, NULL, hear, &told_times);
    autopsy_tick(clock_mono() + AUTOPSY_LIMIT);
    ck_assert(autopsy_ended(late));
    wait_until_told(5);
    ck_assert_ptr_null(autopsy_line(late));
    autopsy_drop(late);
}
END_TEST

START_TEST(test_abandon)
{
    script("exec sleep 1000");
    for (int i = 0; i < 6; i++)
        autopsy_drop(autopsy_start(&loop, FRAMES, program, envp, NULL, hear, &told_times));
    autopsy_abandon();
    ck_assert_int_eq(told_times, 6);
}
END_TEST

START_TEST(test_abandon_what_is_held)
{
    struct autopsy *slow = start("exec sleep 1000");
    autopsy_drop(autopsy_start(&loop, FRAMES, "/nowhere/symbolize", envp, NULL, hear, &told_times));
    autopsy_abandon();
    ck_assert_int_eq(told_times, 2);
    ck_assert(autopsy_ended(slow));
    ck_assert_ptr_null(autopsy_line(slow));
    autopsy_drop(slow);
}
END_TEST

/* ---- what stands on the scoreboard
 * ------------------------------------------------------------------------- */

static void
expect_frames(const char *text, size_t size, uint32_t length, const char *expected)
{
    struct scoreboard *sb = mem_alloc(sizeof *sb);
    memcpy(sb->backtrace, text, size);
    atomic_store(&sb->backtrace_length, length);
    char *frames = autopsy_frames(sb);
    ck_assert_pstr_eq(frames, expected);
    free(frames);
    free(sb);
}

START_TEST(test_frames)
{
    expect_frames("", 0, 0, NULL);
    expect_frames("0x1\n0x2\n", 8, 8, "0x1\n0x2\n");
    expect_frames("0x1\n0x2\n", 8, 7, "0x1\n"); /* no half lines */
    expect_frames("0x1", 3, 3, NULL);
    expect_frames("a\033\0b\t\n", 6, 6, "ab\n");
    expect_frames("0x1\n", 4, UINT32_MAX, "0x1\n"); /* a length that cannot be */
}
END_TEST

START_TEST(test_frames_that_fill_it)
{
    static char full[SCOREBOARD_BACKTRACE];
    memset(full, 'x', sizeof full);
    expect_frames(full, sizeof full, sizeof full, NULL);
    full[sizeof full - 1] = '\n';
    struct scoreboard *sb = mem_alloc(sizeof *sb);
    memcpy(sb->backtrace, full, sizeof full);
    atomic_store(&sb->backtrace_length, sizeof full);
    char *frames = autopsy_frames(sb);
    ck_assert_uint_eq(strlen(frames), sizeof full);
    free(frames);
    free(sb);
}
END_TEST

/* What parses the files of a task has the rights of the task, and no more. */
START_TEST(test_as_the_user_of_the_task)
{
    char *wrong = NULL;
    struct conf_user *user = geteuid() == 0 ? conf_user_find("nobody", NULL, &wrong) : NULL;
    if (!user) {
        fprintf(stderr, "autopsy: skipped, needs root: as another user\n");
        return;
    }
    script("id -un");
    ck_assert_int_eq(chmod(folder, 0711), 0);
    ck_assert_int_eq(chmod(program, 0755), 0);
    struct autopsy *a = autopsy_start(&loop, FRAMES, program, envp, user, hear, &told_times);
    wait_until_told(1);
    ck_assert_str_eq(told, "nobody");
    autopsy_drop(a);
    conf_user_free(&user);
}
END_TEST

START_TEST(test_the_real_program)
{
    struct autopsy *a = autopsy_start(&loop, "/nowhere/a.so+0x1\n0x2\n", BUILD_DIR "/" CHILD_SYMBOLIZE, envp,
                                      NULL, hear, &told_times);
    wait_until_told(1);
    ck_assert_str_eq(told, "a.so+0x1 < 0x2");
    autopsy_drop(a);
}
END_TEST

Suite *
autopsy_suite(void)
{
    Suite *s = suite_create("autopsy");
    TCase *c = tcase_create("autopsy");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, test_answer);
    tcase_add_test(c, test_answer_without_newline);
    tcase_add_test(c, test_only_one_line);
    tcase_add_test(c, test_control_characters);
    tcase_add_test(c, test_no_answer);
    tcase_add_test(c, test_failure);
    tcase_add_test(c, test_crash);
    tcase_add_test(c, test_answer_without_end);
    tcase_add_test(c, test_long_answer);
    tcase_add_test(c, test_answer_that_is_too_long);
    tcase_add_test(c, test_has_only_its_descriptors);
    tcase_add_test(c, test_program_that_is_missing);
    tcase_add_test(c, test_limit);
    tcase_add_test(c, test_dropped_before_its_end);
    tcase_add_test(c, test_held_by_several);
    tcase_add_test(c, test_nobody_is_told);
    tcase_add_test(c, test_many_at_once);
    tcase_add_test(c, test_only_some_at_once);
    tcase_add_test(c, test_limit_of_those_that_wait);
    tcase_add_test(c, test_abandon);
    tcase_add_test(c, test_abandon_what_is_held);
    tcase_add_test(c, test_frames);
    tcase_add_test(c, test_frames_that_fill_it);
    tcase_add_test(c, test_as_the_user_of_the_task);
    tcase_add_test(c, test_the_real_program);
    suite_add_tcase(s, c);
    return s;
}
