/* process.c - the processes of a flow test: started, watched, ended.
 *
 * Owns: the list of what the test started. Each process dies with the test (parent-death signal), writes into
 * files of the scene, and is killed by its pid at the end. Processes that those start are found by the mark in
 * their environment, in /proc, whoever their parent is by then. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"

#define ARGUMENTS_MAX 64

static struct flow_process **processes;
static size_t n_processes;

/* In the child: files in place of the standard descriptors, and the program in place of us. */
static _Noreturn void
become(char **argv, const char *input, const char *out, const char *err, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(125);
    int in = open(input, O_RDONLY);
    int to_out = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    int to_err = open(err, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (in < 0 || to_out < 0 || to_err < 0)
        _exit(126);
    dup2(in, 0);
    dup2(to_out, 1);
    dup2(to_err, 2);
    close_range(3, ~0U, 0);
    execvp(argv[0], argv);
    dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* "headrace" is the one that was built, with the words of FLOW_WRAP before it. */
static void
resolve(char **argv, const char *const *words)
{
    int n = 0;
    char *wrap = mem_string(getenv("FLOW_WRAP"));
    for (char *word = wrap != NULL ? strtok(wrap, " ") : NULL; word != NULL; word = strtok(NULL, " "))
        argv[n++] = (char *)flow_text("%s", word);
    argv[n++] = (char *)(strcmp(words[0], "headrace") == 0 ? flow_text("%s/headrace", BUILD_DIR) : words[0]);
    for (int i = 1; words[i] != NULL && n < ARGUMENTS_MAX - 1; i++)
        argv[n++] = (char *)words[i];
    argv[n] = NULL;
    free(wrap);
}

pid_t
scene_spawn(const char *const *words, const char *input, const char *out, const char *err)
{
    char *argv[ARGUMENTS_MAX];
    resolve(argv, words);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(argv, input, out, err, parent);
    ck_assert_msg(pid > 0, "fork: %s", strerror(errno));
    return pid;
}

static const char *
join(const char *const *words)
{
    const char *all = words[0];
    for (int i = 1; words[i] != NULL; i++)
        all = flow_text("%s %s", all, words[i]);
    return all;
}

/* The name of a process's files: its number, its program and its command. */
static const char *
label(const char *const *words)
{
    const char *slash = strrchr(words[0], '/');
    const char *program = slash != NULL ? slash + 1 : words[0];
    bool command = words[1] != NULL && isalpha((unsigned char)words[1][0]) && strchr(words[1], '/') == NULL;
    return flow_text("%02zu-%s%s%s", n_processes, program, command ? "-" : "", command ? words[1] : "");
}

struct flow_process *
scene_start(const char *const *words, const char *input)
{
    struct flow_process *p = mem_alloc(sizeof *p);
    p->name = join(words);
    p->out = flow_path("%s.out", label(words));
    p->err = flow_path("%s.err", label(words));
    p->pid = scene_spawn(words, input, p->out, p->err);
    processes = mem_grow(processes, n_processes + 1, sizeof *processes);
    processes[n_processes++] = p;
    return p;
}

/* The words of a variable argument list, up to NULL, behind the program. */
#define COLLECT(words, program)                                                                               \
    const char *words[ARGUMENTS_MAX] = {program};                                                             \
    va_list rest;                                                                                             \
    va_start(rest, program);                                                                                  \
    for (int i = 1; i < ARGUMENTS_MAX - 1 && (words[i] = va_arg(rest, const char *)) != NULL; i++)            \
        ;                                                                                                     \
    va_end(rest)

struct flow_process *
flow_start(const char *program, ...)
{
    COLLECT(words, program);
    return scene_start(words, "/dev/null");
}

struct flow_process *
flow_start_from(const char *input, const char *program, ...)
{
    COLLECT(words, program);
    return scene_start(words, input);
}

struct flow_process *
flow_call(const char *program, ...)
{
    COLLECT(words, program);
    struct flow_process *p = scene_start(words, "/dev/null");
    flow_wait(p);
    return p;
}

static void
note_end(struct flow_process *p, int status)
{
    p->ended = true;
    p->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool
flow_ended(struct flow_process *p)
{
    int status;
    if (!p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid)
        note_end(p, status);
    return p->ended;
}

int
flow_wait(struct flow_process *p)
{
    FLOW_UNTIL(flow_ended(p), "the end of: %s", p->name);
    return p->code;
}

void
flow_expect(struct flow_process *p, int code)
{
    flow_wait(p);
    ck_assert_msg(p->code == code, "%s: ended with %d, not %d\n%s%s", p->name, p->code, code, flow_read(p->out),
                  flow_read(p->err));
}

bool
flow_said(const struct flow_process *p, const char *text)
{
    return scene_contains(p->out, text) || scene_contains(p->err, text);
}

void
flow_await(struct flow_process *p, const char *text)
{
    FLOW_UNTIL(flow_said(p, text) || flow_ended(p), "\"%s\" from: %s", text, p->name);
    ck_assert_msg(flow_said(p, text), "%s: ended with %d and did not say \"%s\"\n%s%s", p->name, p->code,
                  text, flow_read(p->out), flow_read(p->err));
}

/* A file of /proc with its NULs made blanks; false if it cannot be read or is empty. */
static bool
read_proc(const char *pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.16s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    for (ssize_t i = 0; i < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[n] = '\0';
    return true;
}

/* is_stopped: all of its threads are. */
static bool
is_stopped(pid_t pid)
{
    char process[16], name[32], line[512];
    bool stopped = true;
    snprintf(process, sizeof process, "%d", (int)pid);
    DIR *threads = opendir(flow_text("/proc/%s/task", process));
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        snprintf(name, sizeof name, "task/%.16s/stat", entry->d_name);
        bool there = entry->d_name[0] != '.' && read_proc(process, name, line, sizeof line);
        const char *name_ends = there ? strrchr(line, ')') : NULL;
        stopped = stopped && (!name_ends || name_ends[2] == 'T');
    }
    if (threads)
        closedir(threads);
    return stopped;
}

void
flow_signal(struct flow_process *p, int signal_number)
{
    ck_assert_msg(!flow_ended(p), "%s: has ended already, with %d", p->name, p->code);
    ck_assert_int_eq(kill(p->pid, signal_number), 0);
    if (signal_number == SIGSTOP) /* one thread takes the signal; on a busy machine the others run on until it has its turn */
        FLOW_UNTIL(is_stopped(p->pid), "%s: that it stands still", p->name);
}

int
flow_pids(const char *text, pid_t *pids, int max)
{
    static char environment[131072], command[8192];
    char mark[64];
    snprintf(mark, sizeof mark, "FLOW_DIR=%s ", getenv("FLOW_DIR"));
    DIR *proc = opendir("/proc");
    int n = 0;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !read_proc(entry->d_name, "environ", environment, sizeof environment) ||
            strstr(environment, mark) == NULL ||
            !read_proc(entry->d_name, "cmdline", command, sizeof command) || strstr(command, text) == NULL)
            continue;
        if (n < max)
            pids[n] = (pid_t)atoi(entry->d_name);
        n++;
    }
    closedir(proc);
    return n;
}

int
flow_count(const char *text)
{
    return flow_pids(text, NULL, 0);
}

int
flow_descriptors(pid_t pid)
{
    DIR *fds = opendir(flow_text("/proc/%d/fd", (int)pid));
    int n = 0;
    if (fds == NULL)
        return -1;
    for (struct dirent *entry; (entry = readdir(fds)) != NULL;)
        n += isdigit((unsigned char)entry->d_name[0]) != 0;
    closedir(fds);
    return n;
}

void
scene_end_processes(void)
{
    for (size_t i = 0; i < n_processes; i++) {
        if (!flow_ended(processes[i])) {
            kill(processes[i]->pid, SIGKILL);
            waitpid(processes[i]->pid, NULL, 0);
        }
        free(processes[i]);
    }
    free(processes);
    processes = NULL, n_processes = 0;
}
