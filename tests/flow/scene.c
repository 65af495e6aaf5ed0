/* scene.c - the folder of a flow test, and the guard that clears up after it.
 *
 * Owns: the folder, the texts that live as long as the test, and the guard: a process that outlives the test.
 *
 * libcheck ends a test that fails on the spot, without its fixture, and kills its process group; what headrace
 * starts is in groups of its own. So everything that is started carries FLOW_DIR=<the folder> in its environment,
 * and the guard, which sees the end of the test as the end of a pipe, kills whatever carries that mark. If
 * flow_end was not reached it first shows what the processes wrote. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"

#define SHOWN_BYTES 6000 /* of each output of a test that failed: its end */

static char *folder;
static char **texts;
static size_t n_texts;
static pid_t guard;
static int guard_pipe = -1;

const char *
scene_keep(char *text)
{
    texts = mem_grow(texts, n_texts + 1, sizeof *texts);
    texts[n_texts++] = text;
    return text;
}

static char *
print(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

const char *
flow_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = print(format, arguments);
    va_end(arguments);
    return scene_keep(text);
}

const char *
flow_path(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *name = print(format, arguments);
    va_end(arguments);
    const char *path = scene_keep(mem_printf("%s/%s", folder, name));
    free(name);
    return path;
}

const char *
flow_write(const char *name, const char *format, ...)
{
    const char *path = flow_path("%s", name);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Everything that is in a file, freed by the caller; *size without the NUL. */
static char *
slurp(const char *path, size_t *size)
{
    char *data = NULL;
    *size = 0;
    FILE *file = fopen(path, "r");
    for (size_t n = 1; file != NULL && n > 0; *size += n) {
        data = mem_grow(data, *size + 65536, 1);
        n = fread(data + *size, 1, 65535, file);
    }
    if (file != NULL)
        fclose(file);
    if (data == NULL)
        data = mem_alloc(1);
    data[*size] = '\0';
    return data;
}

const char *
flow_read(const char *path)
{
    size_t size;
    return scene_keep(slurp(path, &size));
}

int
flow_lines(const char *path, const char *text)
{
    size_t size;
    char *data = slurp(path, &size);
    int n = 0;
    for (char *line = data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        n += text == NULL || strstr(line, text) != NULL;
    }
    free(data);
    return n;
}

bool
scene_contains(const char *path, const char *text)
{
    size_t size;
    char *data = slurp(path, &size);
    bool found = memmem(data, size, text, strlen(text)) != NULL;
    free(data);
    return found;
}

const char *
flow_module(const char *name)
{
    return flow_text("%s/test-modules/%s.so", BUILD_DIR, name);
}

const char *
flow_example(const char *name)
{
    return flow_text("%s/tasks/%s.so", BUILD_DIR, name);
}

int64_t
flow_limit(void)
{
    const char *limit = getenv("FLOW_LIMIT");
    return clock_mono() + (limit != NULL ? atoi(limit) : 30) * NS_PER_S;
}

bool
flow_wait_more(int64_t until)
{
    nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    return clock_mono() < until;
}

/* is_finding: a process that is killed while it looks for leaks leaves a line that is no finding. */
static bool
is_finding(const char *in, const char *name)
{
    char text[512] = "";
    char *path = mem_printf("%s/%s", in, name);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    free(path);
    return n == sizeof text - 1 || !strstr(text, "Unable to get registers");
}

/* Calls `f` with each output of the scene's processes and each report of a sanitizer; returns how many of the
 * latter there are. */
static int
each_output(void (*f)(const char *path))
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), reports = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
        bool report = strncmp(name, "sanitizer.", 10) == 0 && is_finding(folder, name);
        reports += report;
        if (report || (dot != NULL && (strcmp(dot, ".out") == 0 || strcmp(dot, ".err") == 0))) {
            char *path = mem_printf("%s/%s", folder, name);
            f(path);
            free(path);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return reports;
}

static void
show(const char *path)
{
    size_t size;
    char *data = slurp(path, &size);
    if (size > 0) {
        const char *from = size > SHOWN_BYTES ? data + size - SHOWN_BYTES : data;
        fprintf(stderr, "---- %s%s\n%s%s", path, from > data ? " (its end)" : "", from,
                data[size - 1] == '\n' ? "" : "\n");
    }
    free(data);
}

static void
show_nothing(const char *path)
{
    (void)path;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

/* The guard: waits for the byte of flow_end, or for the end of a test that did not get there. */
static _Noreturn void
watch(int fd)
{
    char byte;
    bool failed = read(fd, &byte, 1) != 1;
    if (failed)
        each_output(show);
    pid_t pids[64];
    for (int n; (n = flow_pids("", pids, 64)) > 0;)
        for (int i = 0; i < n && i < 64; i++)
            kill(pids[i], SIGKILL);
    if (getenv("FLOW_KEEP") == NULL)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    else
        fprintf(stderr, "---- kept: %s\n", folder);
    _exit(0);
}

static void
start_guard(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    guard = fork();
    ck_assert_int_ge(guard, 0);
    if (guard == 0) {
        setpgid(0, 0); /* libcheck kills the group of the test */
        close(fds[1]);
        watch(fds[0]);
    }
    close(fds[0]);
    guard_pipe = fds[1];
}

/* A crash is to be a crash, not a report of the sanitizer; what it finds itself goes to files that flow_end
 * sees, whichever process found it. */
static void
set_environment(void)
{
    char *asan = mem_printf("handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:"
                            "detect_leaks=1:abort_on_error=0:exitcode=99:log_path=%s/sanitizer",
                            folder);
    char *ubsan = mem_printf("print_stacktrace=1:log_path=%s/sanitizer", folder);
    setenv("ASAN_OPTIONS", asan, 1);
    setenv("UBSAN_OPTIONS", ubsan, 1);
    free(asan);
    free(ubsan);
    setenv("FLOW_DIR", folder, 1);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("RECORD_FILE", flow_record_file(), 1);
}

void
flow_begin(void)
{
    char path[] = "/tmp/flow.XXXXXX"; /* short: paths of unix sockets end at 107 bytes */
    ck_assert_ptr_nonnull(mkdtemp(path));
    folder = mem_string(path);
    set_environment();
    start_guard();
}

/* A line into a file of /proc; who may not write there has no namespace of its own in the end. */
static void
tell(const char *path, const char *format, unsigned id)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        dprintf(fd, format, id, id);
        close(fd);
    }
}

static bool
own_mounts(void)
{
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWNS) < 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return false;
        tell("/proc/self/setgroups", "deny", 0);
        tell("/proc/self/uid_map", "%u %u 1", uid);
        tell("/proc/self/gid_map", "%u %u 1", gid);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

void
scene_alone(void)
{
    const char *base = geteuid() == 0 ? "/run/headrace" : flow_text("/tmp/headrace-%u", (unsigned)geteuid());
    mkdir(base, 0700);
    if (!own_mounts() || mount("flow", base, "tmpfs", 0, "mode=0700") < 0)
        fprintf(stderr, "scene: other apps cannot be hidden (%s)\n", strerror(errno));
}

void
flow_end(void)
{
    scene_end_processes();
    scene_end_letters();
    scene_end_broker();
    scene_end_status();
    scene_end_records();
    int reports = each_output(show_nothing);
    ck_assert_msg(reports == 0, "%d report(s) of a sanitizer, see below", reports);
    ck_assert_int_eq(write(guard_pipe, "d", 1), 1);
    close(guard_pipe);
    waitpid(guard, NULL, 0);
    for (size_t i = 0; i < n_texts; i++)
        free(texts[i]);
    free(texts);
    free(folder);
    texts = NULL, n_texts = 0, folder = NULL;
}
