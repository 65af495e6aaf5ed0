/* test_symbolize.c - frames made readable: good ones, malformed ones, files of every kind. */
#include <check.h>
#include <dlfcn.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"
#include "worker/symbolize/symbolize.h"

/* In this file, so that a name and a line are known. */
__attribute__((noinline)) static int
known_function(int value)
{
    return value * 7 + (int)getpid();
}

/* own_frame returns the frame of an address of this program. */
static char *
own_frame(void *address)
{
    Dl_info info;
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    ck_assert_int_ne(dladdr(address, &info), 0);
    return mem_printf("%s+0x%zx\n", path, (size_t)((char *)address - (char *)info.dli_fbase));
}

static void
expect(const char *frames, const char *pattern)
{
    char *line = symbolize(frames);
    ck_assert_msg(fnmatch(pattern, line, 0) == 0, "%s\n  is %s\n  and not %s", frames, line, pattern);
    free(line);
}

START_TEST(test_function_and_line)
{
    char *frame = own_frame((void *)known_function);
    ck_assert_int_ne(known_function(1), 0);
    expect(frame, "known_function (unit/test_symbolize.c:1[0-9])");
    free(frame);
}
END_TEST

START_TEST(test_repeats_are_counted)
{
    char *frame = own_frame((void *)known_function);
    char *frames = mem_printf("0x1\n%s%s%s0x2\n0x2\n", frame, frame, frame);
    expect(frames, "0x1 < known_function (unit/test_symbolize.c:1[0-9]) (3 times) < 0x2 (2 times)");
    free(frame);
    free(frames);
}
END_TEST

/* The file that is there now says nothing about one that was replaced while it ran. */
START_TEST(test_file_that_was_replaced)
{
    char *frame = own_frame((void *)known_function), *plus = strrchr(frame, '+');
    char *replaced = mem_printf("%.*s (deleted)%s", (int)(plus - frame), frame, plus);
    expect(replaced, "unit-tests+0x* (file was replaced)");
    free(replaced);
    free(frame);
}
END_TEST

START_TEST(test_what_cannot_be_found_stays)
{
    expect("", "");
    expect("0x7f00\n", "0x7f00");
    expect("[vdso]+0x12\n", "\\[vdso\\]+0x12");
    expect("/nowhere/at all.so+0x12\n", "at all.so+0x12");
    expect("/nowhere/c++.so+0x12\n", "c++.so+0x12");
    expect("relative/path.so+0x12\n", "path.so+0x12");
    expect("/bin/sh+0xfffffffffffffff0\n", "sh+0xfffffffffffffff0");
}
END_TEST

START_TEST(test_malformed_frames_are_left_out)
{
    expect("\n\n+\n+0x\nx\n0x\n0xzz\n12\n/bin/sh+12\n/bin/sh+0x12z\n0x1\n/bin/sh\n", "0x1");
}
END_TEST

START_TEST(test_start_of_the_c_library_is_left_out)
{
    expect("/x/libc.so.6+0x1\n/x/a.so+0x2\n/x/libc.so.6+0x3\n/x/ld-linux-x86-64.so.2+0x4\n",
           "libc.so.6+0x1 < a.so+0x2");
    expect("/x/libc.so.6+0x1\n/x/libc.so.6+0x2\n", "libc.so.6+0x1 < libc.so.6+0x2");
}
END_TEST

START_TEST(test_control_characters)
{
    expect("/x/a\033[31m\tb\r.so+0x1\n", "a[?]\\[31m[?]b[?].so+0x1");
}
END_TEST

START_TEST(test_files_that_are_none)
{
    char folder[] = "/tmp/headrace-symbolize-XXXXXX", path[128], frames[256];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* to open it would wait for ever */
    snprintf(frames, sizeof frames, "%s+0x1\n%s+0x2\n/dev/zero+0x3\n/etc/passwd+0x4\n", path, folder);
    expect(frames, "pipe+0x1 < *+0x2 < zero+0x3 < passwd+0x4");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* A module that was damaged: each byte may be wrong. It may cost the names, not the process. */
START_TEST(test_damaged_files)
{
    static const size_t damaged[] = {4, 5, 16, 18, 32, 40, 54, 56, 58, 60, 62};
    char path[] = "/tmp/headrace-symbolize-XXXXXX";
    int fd = mkstemp(path);
    FILE *from = fopen(BUILD_DIR "/test-modules/crash.so", "re");
    static char bytes[1 << 20];
    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_nonnull(from);
    size_t n = fread(bytes, 1, sizeof bytes, from);
    char *frames = mem_printf("%s+0x1300\n", path);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        bytes[damaged[i]] ^= 0x55;
        ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
        free(symbolize(frames));
        bytes[damaged[i]] ^= 0x55;
    }
    for (size_t cut = 0; cut < n; cut = cut * 2 + 1) {
        ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
        ck_assert_int_eq(ftruncate(fd, (off_t)cut), 0);
        free(symbolize(frames));
    }
    free(frames);
    fclose(from);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(test_length_has_an_end)
{
    char *frames = mem_alloc(64 * 1024), *end = frames;
    for (int i = 0; i < SYMBOLIZE_FRAMES + 9; i++)
        end += sprintf(end, "/%0400d.so+0x%x\n", i, i + 1);
    char *line = symbolize(frames);
    ck_assert_uint_lt(strlen(line), SYMBOLIZE_ANSWER);
    ck_assert_uint_gt(strlen(line), SYMBOLIZE_ANSWER - 500);
    char *last = strrchr(line, '<');
    ck_assert_ptr_nonnull(last);
    ck_assert_ptr_nonnull(strstr(last, ".so+0x")); /* cut between two */
    free(line);
    free(frames);
}
END_TEST

Suite *
symbolize_suite(void)
{
    Suite *s = suite_create("symbolize");
    TCase *c = tcase_create("symbolize");
    tcase_add_test(c, test_function_and_line);
    tcase_add_test(c, test_repeats_are_counted);
    tcase_add_test(c, test_file_that_was_replaced);
    tcase_add_test(c, test_what_cannot_be_found_stays);
    tcase_add_test(c, test_malformed_frames_are_left_out);
    tcase_add_test(c, test_start_of_the_c_library_is_left_out);
    tcase_add_test(c, test_control_characters);
    tcase_add_test(c, test_files_that_are_none);
    tcase_add_test(c, test_damaged_files);
    tcase_add_test(c, test_length_has_an_end);
    suite_add_tcase(s, c);
    return s;
}
