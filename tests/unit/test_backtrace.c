/* test_backtrace.c - processes that die in each way a task can, and what they leave on the scoreboard.
 *
 * Each life is a child with the module tests/flow/modules/crash.c; its frames are then read as the log shows
 * them. */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "worker/backtrace.h"
#include "worker/maps.h"
#include "worker/module.h"
#include "worker/registry.h"
#include "worker/symbolize/symbolize.h"

#define MODULE BUILD_DIR "/test-modules/crash.so"
#define BODY " < crash (modules/crash.c:*) < crash_at_once (modules/crash.c:*)"
#define SEGV "write_nowhere (modules/crash.c:*) < segv (modules/crash.c:*)"

static struct scoreboard *sb;

/* What the unwinder is to do: it stands in for libgcc's, which comes after it. */
static enum { UNWIND, UNWIND_HANGS, UNWIND_ABORTS } unwinder;

_Unwind_Reason_Code
_Unwind_Backtrace(_Unwind_Trace_Fn take, void *arg)
{
    static _Unwind_Reason_Code (*real)(_Unwind_Trace_Fn, void *);
    if (!real)
        real = (_Unwind_Reason_Code(*)(_Unwind_Trace_Fn, void *))dlsym(RTLD_NEXT, "_Unwind_Backtrace");
    while (unwinder == UNWIND_HANGS)
        pause();
    if (unwinder == UNWIND_ABORTS)
        abort();
    return real(take, arg);
}

__attribute__((noinline)) static int
call_body(hr_task_function *body)
{
    int result = body(NULL);
    fflush(stdout);
    return result;
}

/* A sanitizer's handlers, which would be left alone, are not what is looked at here. */
static void
forget_handlers(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
}

static void
live(const char *module, const char *way, int how)
{
    static const void *const outside[] = {(const void *)call_body, NULL};
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setenv("CRASH", way, 1);
    forget_handlers();
    backtrace_watch(sb, outside);
    if (!module_open(module) || !module_setup())
        _exit(77);
    unwinder = how;
    _exit(call_body(registry_find("crash_at_once")->function));
}

/* die has a process live, and returns how it ended. */
static int
die(const char *module, const char *way, int how)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        live(module, way, how);
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return status;
}

static void
expect_signal(int status, int signal, const char *way)
{
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == signal, "%s: status %x, not signal %d", way,
                  status, signal);
}

static char *
line(void)
{
    char *frames = mem_alloc(SCOREBOARD_BACKTRACE + 1);
    memcpy(frames, sb->backtrace, atomic_load(&sb->backtrace_length));
    char *text = symbolize(frames);
    free(frames);
    return text;
}

static void
expect_line(const char *way, const char *pattern)
{
    char *text = line();
    ck_assert_msg(fnmatch(pattern, text, 0) == 0, "%s: %s\n  is not %s", way, text, pattern);
    free(text);
}

static void
set_up(void)
{
    sb = mmap(NULL, sizeof *sb, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(sb, MAP_FAILED);
}

static void
tear_down(void)
{
    munmap(sb, sizeof *sb);
}

/* Valgrind has a heap of its own, and finds fault with a module that is made to crash. */
static bool
under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}

static const struct {
    const char *way;
    int signal;
    const char *line;
} deaths[] = {
    {"segv", SIGSEGV, SEGV BODY},
    {"inlined", SIGSEGV, "write_inlined (modules/crash.c:*) < inlined (modules/crash.c:*)" BODY},
    {"abort", SIGABRT, "* < abort* < aborts (modules/crash.c:*)" BODY},
    {"divide", SIGFPE, "divide (modules/crash.c:*)" BODY},
    {"trap", SIGILL, "trap (modules/crash.c:*)" BODY},
    {"bus", SIGBUS, "bus (modules/crash.c:*)" BODY},
    {"null", SIGSEGV, "0x0 < call_nowhere (modules/crash.c:*)" BODY},
    {"overflow", SIGSEGV, "*overflow (modules/crash.c:*) (4? times)"},
    {"smash", SIGSEGV, "smash (modules/crash.c:*)*"},
    {"locked", SIGSEGV, SEGV " < locked (modules/crash.c:*)" BODY},
    {"thread", SIGSEGV, SEGV " < die_in_thread (modules/crash.c:*)"},
    {"descriptors", SIGSEGV, SEGV " < no_descriptors (modules/crash.c:*)" BODY},
#ifndef __SANITIZE_ADDRESS__ /* which has a heap of its own */
    {"heap", SIGABRT, "* < abort* < *malloc* < heap (modules/crash.c:*)" BODY},
#endif
};
#define N_DEATHS ((int)(sizeof deaths / sizeof deaths[0]))

START_TEST(test_death)
{
    if (under_valgrind() && strcmp(deaths[_i].way, "heap") == 0)
        return;
    expect_signal(die(MODULE, deaths[_i].way, UNWIND), deaths[_i].signal, deaths[_i].way);
    expect_line(deaths[_i].way, deaths[_i].line);
}
END_TEST

START_TEST(test_life_without_a_crash)
{
    ck_assert_int_eq(die(MODULE, "none", UNWIND), 0);
    ck_assert_uint_eq(atomic_load(&sb->backtrace_length), 0);
}
END_TEST

START_TEST(test_child_of_the_task)
{
    ck_assert_int_eq(die(MODULE, "child", UNWIND), 0);
    ck_assert_uint_eq(atomic_load(&sb->backtrace_length), 0);
}
END_TEST

START_TEST(test_handler_of_the_task)
{
    if (under_valgrind())
        return;
    int status = die(MODULE, "handled", UNWIND);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x", status);
    ck_assert_uint_eq(atomic_load(&sb->backtrace_length), 0);
}
END_TEST

static void
keep_quiet(int signal)
{
    (void)signal;
}

START_TEST(test_handler_from_before)
{
    struct sigaction now;
    signal(SIGFPE, keep_quiet);
    signal(SIGILL, SIG_DFL);
    backtrace_watch(sb, (const void *const[]){NULL});
    sigaction(SIGFPE, NULL, &now);
    ck_assert_ptr_eq((void *)now.sa_handler, (void *)keep_quiet);
    sigaction(SIGILL, NULL, &now);
    ck_assert_int_ne(now.sa_flags & SA_SIGINFO, 0);
}
END_TEST

/* An abort in the handler ends the process at once, by what it died of. */
START_TEST(test_abort_in_the_unwinder)
{
    expect_signal(die(MODULE, "segv", UNWIND_ABORTS), SIGSEGV, "abort in the unwinder");
    ck_assert_uint_eq(atomic_load(&sb->backtrace_length), 0);
}
END_TEST

START_TEST(test_hang_in_the_unwinder)
{
    mono_ns began = clock_mono();
    expect_signal(die(MODULE, "divide", UNWIND_HANGS), SIGFPE, "hang in the unwinder");
    ck_assert_int_ge(clock_mono() - began, 1 * NS_PER_S);
}
END_TEST

/* What was collected before it hangs is there. */
START_TEST(test_hang_keeps_what_is_known)
{
    expect_signal(die(MODULE, "null", UNWIND_HANGS), SIGSEGV, "hang in the unwinder");
    expect_line("hang", "0x0");
}
END_TEST

/* hangs until the frames are there is what a deadline does: a signal from outside. */
START_TEST(test_signal_from_outside)
{
    int status, ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ready[1], STDOUT_FILENO);
        close(ready[1]);
        live(MODULE, "hang", UNWIND);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(kill(pid, SIGABRT), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    expect_signal(status, SIGABRT, "hang");
    expect_line("hang", "* < hangs (modules/crash.c:*)" BODY);
    close(ready[0]);
}
END_TEST

/* line_of returns the line of crash.c that has a text in it. */
static int
line_of(const char *text)
{
    FILE *f = fopen(SOURCE_DIR "/tests/flow/modules/crash.c", "re");
    char line[256];
    int number = 1;
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) && !strstr(line, text))
        number++;
    fclose(f);
    return number;
}

START_TEST(test_lines_are_those_of_the_source)
{
    die(MODULE, "inlined", UNWIND);
    char *pattern = mem_printf("write_inlined (modules/crash.c:%d) < inlined (modules/crash.c:%d) < crash *",
                               line_of("line of the crash"), line_of("line of the call"));
    expect_line("inlined", pattern);
    free(pattern);
}
END_TEST

/* ---- without debug information, without symbols
 * ------------------------------------------------------------ */

static void
die_stripped(const char *strip, const char *pattern)
{
    char folder[] = "/tmp/headrace-backtrace-XXXXXX", command[512], module[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(module, sizeof module, "%s/with space.so", folder);
    snprintf(command, sizeof command, "%s -o '%s' " MODULE, strip, module);
    ck_assert_int_eq(system(command), 0);
    expect_signal(die(module, "segv", UNWIND), SIGSEGV, strip);
    expect_line(strip, pattern);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(test_without_debug_information)
{
    die_stripped("strip -g", "write_nowhere < segv < crash < crash_at_once");
}
END_TEST

START_TEST(test_stripped)
{
    die_stripped("strip", "with space.so+0x* < with space.so+0x* < with space.so+0x* < with space.so+0x*");
}
END_TEST

/* ---- the mappings
 * ------------------------------------------------------------------------------------------ */

static void
expect_mapped(void *function, const char *file)
{
    static struct maps m;
    struct maps_code code;
    Dl_info info;
    bool found = false;
    ck_assert_int_ne(dladdr(function, &info), 0);
    ck_assert(maps_open(&m));
    while (!found && maps_next(&m, &code))
        found = (uintptr_t)function >= code.start && (uintptr_t)function < code.end;
    ck_assert_msg(found, "%s is not mapped", file);
    ck_assert_ptr_eq((void *)code.base, info.dli_fbase);
    ck_assert_msg(strstr(code.path, file) != NULL, "%s is not in %s", file, code.path);
    maps_close(&m);
}

START_TEST(test_maps)
{
    expect_mapped((void *)call_body, "unit-tests");
    expect_mapped(dlsym(RTLD_NEXT, "getenv"), "libc");
}
END_TEST

START_TEST(test_maps_end)
{
    static struct maps m;
    struct maps_code code;
    ck_assert(maps_open(&m));
    while (maps_next(&m, &code))
        ck_assert_uint_lt(code.start, code.end);
    ck_assert(!maps_next(&m, &code));
    maps_close(&m);
}
END_TEST

Suite *
backtrace_suite(void)
{
    Suite *s = suite_create("backtrace");
    TCase *c = tcase_create("backtrace");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, test_death, 0, N_DEATHS);
    tcase_add_test(c, test_life_without_a_crash);
    tcase_add_test(c, test_child_of_the_task);
    tcase_add_test(c, test_handler_of_the_task);
    tcase_add_test(c, test_handler_from_before);
    tcase_add_test(c, test_abort_in_the_unwinder);
    tcase_add_test(c, test_hang_in_the_unwinder);
    tcase_add_test(c, test_hang_keeps_what_is_known);
    tcase_add_test(c, test_signal_from_outside);
    tcase_add_test(c, test_lines_are_those_of_the_source);
    tcase_add_test(c, test_without_debug_information);
    tcase_add_test(c, test_stripped);
    tcase_add_test(c, test_maps);
    tcase_add_test(c, test_maps_end);
    suite_add_tcase(s, c);
    return s;
}
