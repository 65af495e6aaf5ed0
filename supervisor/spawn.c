/* spawn.c - the birth of a child process: vfork and at once exec.
 *
 * Owns: nothing after it returns.
 * Guarantees: between fork and exec only async-signal-safe calls are made (the threads of librdkafka and libzmq, and
 *   the locks they hold, do not survive a fork). The child gets the descriptors it was given and no other. It dies
 *   with its parent, also where the parent died before the child could ask for that. Rights that it has lost it does
 *   not get back.
 * Must not know: what the program is.
 *
 * Why vfork: a fork copies the page tables, and the supervisor may hold hundreds of megabytes that librdkafka has read
 * ahead. It stood still for 25 to 90 ms at each birth, all lanes with it, and then paid for each page that it touched.
 * With vfork the child runs in our memory until it executes, while this thread waits: it writes to nothing but its own
 * stack and errno. It must not call what glibc does for all threads of a process (setuid and its like: by syscall).
 *
 * Why not for another user: between the change of the user and the exec every process of that user may send the child a
 * SIGSTOP, and this thread would wait for it; and the kernel takes our own core dumps away with the child's. */
#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABOVE 64 /* fixed numbers are below, copies on the way are above */

static void
fail_in_child(const char *what)
{
    const char *why = strerrordesc_np(errno); /* unlike strerror, it may be called here */
    const char *const line[] = {"headrace: cannot start a child: ", what, ": ", why ? why : "unknown error", "\n"};
    for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) {
        ssize_t ignored = write(STDERR_FILENO, line[i], strlen(line[i]));
        (void)ignored;
    }
    _exit(127);
}

/* place_fds moves the descriptors to their numbers: first out of each other's way, then down. */
static void
place_fds(const struct spawn_fd *fds, size_t n)
{
    int copies[SPAWN_FDS];
    for (size_t i = 0; i < n; i++)
        if ((copies[i] = fcntl(fds[i].from, F_DUPFD, ABOVE)) < 0)
            fail_in_child(errno == EINVAL ? "the limit of open files is too low" : "its descriptors");
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        fail_in_child("/dev/null");
    syscall(SYS_close_range, 3u, (unsigned)ABOVE - 1, 0u);
    for (size_t i = 0; i < n; i++)
        if (dup2(copies[i], fds[i].to) < 0)
            fail_in_child("its descriptors");
    syscall(SYS_close_range, (unsigned)ABOVE, ~0u, 0u);
}

static void
reset_signals(void)
{
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &plain, NULL);
    sigaction(SIGXFSZ, &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
limit(int resource, int64_t value)
{
    struct rlimit l = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value};
    if (setrlimit(resource, &l) < 0)
        fail_in_child("its limits");
}

/* Before the rights go: a limit may be raised as well. */
static void
set_limits(const struct spawn_rights *l)
{
    if (l->memory > 0)
        limit(RLIMIT_AS, l->memory);
    if (l->open_files > 0)
        limit(RLIMIT_NOFILE, l->open_files);
    if (l->core >= 0)
        limit(RLIMIT_CORE, l->core);
}

/* The calls of the kernel themselves: those of libc would tell all threads, which a child does not have. */
int
spawn_become(const struct conf_user *u)
{
    if (syscall(SYS_setgroups, u->n_groups, u->groups) < 0 || syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0 ||
        syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* die_with asks for the signal at the parent's death; a change of the user would have taken it back. */
static void
die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before we asked */
        _exit(127);
}

static void
child(pid_t parent, const char *program, char *const argv[], char *const envp[], const struct spawn_fd *fds,
      size_t n_fds, const struct spawn_rights *rights)
{
    setpgid(0, 0);
    place_fds(fds, n_fds);
    reset_signals();
    if (rights)
        set_limits(rights);
    if (rights && rights->user && spawn_become(rights->user) < 0)
        fail_in_child("its user and group");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail_in_child("no_new_privs");
    die_with(parent);
    execve(program, argv, envp);
    fail_in_child(program);
}

pid_t
spawn(const char *program, char *const argv[], char *const envp[], const struct spawn_fd *fds, size_t n_fds,
      const struct spawn_rights *rights, int *pidfd)
{
    pid_t parent = getpid();
    pid_t pid = rights && rights->user ? fork() : vfork();
    if (pid == 0)
        child(parent, program, argv, envp, fds, n_fds, rights);
    if (pid < 0)
        return -1;
    setpgid(pid, pid); /* in both, so that it is done whoever comes first */
    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
    return pid;
}

int
spawn_document(const char *name, const char *text, size_t length)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}
