/* shim.c - makes one call of a process fail: an object for LD_PRELOAD.
 *
 * Owns: the count of the calls. Guarantees: a call that is not chosen goes through untouched; what it does
 * itself allocates nothing and is safe between fork and exec.
 *
 *   FAIL_IN=run           in which process: the command of `headrace`, the name of another program, or all
 *   FAIL_CALLS=open,pipe2 which calls; a name of a group (memory, files, processes) stands for all of it
 *   FAIL_AT=3             the third of them; 0: none, they are only counted
 *   FAIL_TIMES=1          and how many from there on; 0: all
 *   FAIL_ERRNO=24         how it fails
 *   FAIL_BY=own           own: only calls of the main thread by the program itself, its jansson and the C
 * library for it; all (default): those of its libraries' threads, too FAIL_ARMED=FILE       nothing is
 * counted while this file does not exist FAIL_REPORT=FILE      each failure is a line in it, "failed CALL
 * NUMBER pid PID"; the number of calls comes at the end, "counted NUMBER", where the process ends in order
 *   FAIL_SKEW=SECONDS     the wall clock jumps by that much, there and back, with every look at it
 *
 * A call that fails may lie in any part of the program, so this finds returns that nobody looks at. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define RANGES 16 /* of addresses, of the program's own code */

static const char *calls; /* NULL: this process is left alone */
static const char *report, *armed_by;
static long at, times;
static int with;
static bool own_only;
static atomic_long counted;
static long skew;

static struct range {
    uintptr_t from, to;
} own[RANGES];
static int n_own;

/* ---- which process, which call ---- */

static int
note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    const char *name = info->dlpi_name, *slash = name ? strrchr(name, '/') : NULL;
    bool wanted = !name || !*name ||
                  (slash && (strncmp(slash, "/libjansson", 11) == 0 || strncmp(slash, "/libc.so", 8) == 0));
    for (int i = 0; wanted && i < info->dlpi_phnum && n_own < RANGES; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
            own[n_own++] =
                (struct range){info->dlpi_addr + p->p_vaddr, info->dlpi_addr + p->p_vaddr + p->p_memsz};
    }
    return 0;
}

/* is_chosen compares the program's name, or behind `headrace` its command, with FAIL_IN. */
static bool
is_chosen(const char *in)
{
    char line[4096];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    ssize_t n = fd >= 0 ? syscall(SYS_read, fd, line, sizeof line - 2) : -1;
    if (fd >= 0)
        syscall(SYS_close, fd);
    if (n <= 0)
        return false;
    line[n] = line[n + 1] = '\0';
    const char *slash = strrchr(line, '/'), *program = slash ? slash + 1 : line;
    return strcmp(in, "all") == 0 || strcmp(program, in) == 0 ||
           (strcmp(program, "headrace") == 0 && strcmp(line + strlen(line) + 1, in) == 0);
}

static long
number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void __attribute__((constructor)) prepare(void)
{
    const char *in = getenv("FAIL_IN"), *by = getenv("FAIL_BY"), *names = getenv("FAIL_CALLS");
    if (!in || !is_chosen(in))
        return;
    report = getenv("FAIL_REPORT");
    armed_by = getenv("FAIL_ARMED");
    at = number("FAIL_AT", 0);
    times = number("FAIL_TIMES", 1);
    with = (int)number("FAIL_ERRNO", ENOMEM);
    skew = number("FAIL_SKEW", 0);
    own_only = by && strcmp(by, "own") == 0;
    dl_iterate_phdr(note_object, NULL);
    calls = names;
}

static void
say(const char *what, long n)
{
    char line[160];
    int saved = errno;
    size_t length = (size_t)snprintf(line, sizeof line, "%s %ld pid %d\n", what, n, (int)getpid());
    int fd = report
                 ? (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                 : -1;
    if (fd >= 0) {
        syscall(SYS_write, fd, line, length);
        syscall(SYS_close, fd);
    }
    errno = saved;
}

static void __attribute__((destructor)) tell(void)
{
    if (calls)
        say("counted", atomic_load(&counted));
}

static bool
by_us(const void *caller)
{
    if (!own_only)
        return true;
    if (syscall(SYS_gettid) != getpid())
        return false;
    for (int i = 0; i < n_own; i++)
        if ((uintptr_t)caller >= own[i].from && (uintptr_t)caller < own[i].to)
            return true;
    return false;
}

static bool
listed(const char *name)
{
    size_t n = strlen(name);
    for (const char *p = calls; *p; p += *p == ',') {
        size_t length = strcspn(p, ",");
        if (length == n && memcmp(p, name, n) == 0)
            return true;
        p += length;
    }
    return false;
}

static bool
armed(void)
{
    int saved = errno;
    bool is_there = !armed_by || syscall(SYS_faccessat, AT_FDCWD, armed_by, F_OK) == 0;
    errno = saved;
    return is_there;
}

/* fails says whether this call is to fail, and then sets errno. */
static bool
fails(const char *group, const char *name, const void *caller)
{
    if (!calls || (!listed(name) && !listed(group)) || !by_us(caller) || !armed())
        return false;
    long n = atomic_fetch_add(&counted, 1) + 1;
    if (at == 0 || n < at || (times > 0 && n >= at + times))
        return false;
    char what[64];
    snprintf(what, sizeof what, "failed %s", name);
    if (n < at + 20)
        say(what, n);
    errno = with;
    return true;
}

/* ---- the calls ---- */

/* NEXT is the one of that name behind this object; looked up at its first call. */
#define NEXT(name)                                                                                           \
    static __typeof__(&name) next;                                                                           \
    if (!next)                                                                                               \
    next = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

#define CALL(type, bad, group, name, parameters, arguments)                                                  \
    type name parameters                                                                                     \
    {                                                                                                        \
        NEXT(name);                                                                                          \
        return fails(group, #name, __builtin_return_address(0)) ? bad : next arguments;                      \
    }

/* dlsym allocates, now and then, before there is anything to call: out of a small store, for ever. */
static _Alignas(16) char store[8192];
static size_t store_used;
static _Thread_local int looking __attribute__((tls_model("initial-exec")));

static void *
from_store(size_t size)
{
    void *p = store + store_used;
    store_used += (size + 15) & ~(size_t)15;
    return store_used <= sizeof store ? p : NULL;
}

static bool
in_store(const void *p)
{
    return (const char *)p >= store && (const char *)p < store + sizeof store;
}

static struct {
    __typeof__(&malloc) malloc;
    __typeof__(&calloc) calloc;
    __typeof__(&realloc) realloc;
    __typeof__(&reallocarray) reallocarray;
    __typeof__(&free) free;
} memory;

/* look_up finds what is behind; false while it is being found. */
static bool
look_up(void)
{
    if (memory.free)
        return true;
    if (looking)
        return false;
    looking = 1;
    memory.malloc = (__typeof__(&malloc))(uintptr_t)dlsym(RTLD_NEXT, "malloc");
    memory.calloc = (__typeof__(&calloc))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
    memory.realloc = (__typeof__(&realloc))(uintptr_t)dlsym(RTLD_NEXT, "realloc");
    memory.reallocarray = (__typeof__(&reallocarray))(uintptr_t)dlsym(RTLD_NEXT, "reallocarray");
    memory.free = (__typeof__(&free))(uintptr_t)dlsym(RTLD_NEXT, "free");
    looking = 0;
    return true;
}

#define MEMORY(name, parameters, arguments, early)                                                           \
    void *name parameters                                                                                    \
    {                                                                                                        \
        if (!look_up())                                                                                      \
            return early;                                                                                    \
        return fails("memory", #name, __builtin_return_address(0)) ? NULL : memory.name arguments;           \
    }
MEMORY(malloc, (size_t size), (size), from_store(size))
MEMORY(calloc, (size_t n, size_t size), (n, size), from_store(n *size))
MEMORY(realloc, (void *old, size_t size), (old, size), NULL)
MEMORY(reallocarray, (void *old, size_t n, size_t size), (old, n, size), NULL)

void
free(void *p)
{
    if (!in_store(p) && look_up())
        memory.free(p);
}

CALL(char *, NULL, "memory", strdup, (const char *s), (s))
CALL(char *, NULL, "memory", strndup, (const char *s, size_t n), (s, n))
CALL(int, -1, "memory", vasprintf, (char **to, const char *f, va_list v), (to, f, v))
CALL(FILE *, NULL, "memory", open_memstream, (char **to, size_t *size), (to, size))

CALL(FILE *, NULL, "files", fopen, (const char *path, const char *mode), (path, mode))
CALL(DIR *, NULL, "files", opendir, (const char *path), (path))
CALL(char *, NULL, "files", getcwd, (char *to, size_t size), (to, size))
CALL(int, -1, "files", mkdir, (const char *path, mode_t mode), (path, mode))
CALL(int, -1, "files", ftruncate, (int fd, off_t size), (fd, size))
CALL(int, -1, "files", memfd_create, (const char *name, unsigned flags), (name, flags))
CALL(void *, MAP_FAILED, "files", mmap, (void *to, size_t size, int prot, int flags, int fd, off_t from),
     (to, size, prot, flags, fd, from))
CALL(int, -1, "files", pipe2, (int fds[2], int flags), (fds, flags))
CALL(int, -1, "files", eventfd, (unsigned n, int flags), (n, flags))
CALL(int, -1, "files", timerfd_create, (int clock, int flags), (clock, flags))
CALL(int, -1, "files", timerfd_settime,
     (int fd, int flags, const struct itimerspec *new, struct itimerspec *old), (fd, flags, new, old))
CALL(int, -1, "files", signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags))
CALL(int, -1, "files", epoll_create1, (int flags), (flags))
CALL(int, -1, "files", epoll_ctl, (int fd, int op, int of, struct epoll_event *e), (fd, op, of, e))
CALL(int, -1, "files", socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, -1, "files", bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
CALL(int, -1, "files", accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags))
CALL(ssize_t, -1, "files", write, (int fd, const void *data, size_t size), (fd, data, size))
CALL(ssize_t, -1, "files", pwrite, (int fd, const void *data, size_t size, off_t to), (fd, data, size, to))
CALL(ssize_t, -1, "files", read, (int fd, void *data, size_t size), (fd, data, size))
CALL(int, -1, "waiting", epoll_wait, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
CALL(int, -1, "waiting", poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
CALL(int, -1, "processes", waitid, (idtype_t type, id_t id, siginfo_t *info, int how), (type, id, info, how))
CALL(pid_t, -1, "processes", fork, (void), ())
/* Its child runs on our stack, so the real one must be jumped to, not called: gcc does so where it optimises. */
CALL(pid_t, -1, "processes", vfork, (void), ())
CALL(int, EAGAIN, "threads", pthread_create,
     (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
CALL(int, thrd_error, "threads", thrd_create, (thrd_t * t, thrd_start_t f, void *arg), (t, f, arg))
CALL(int, -1, "processes", execve, (const char *path, char *const argv[], char *const envp[]),
     (path, argv, envp))

/* open takes its mode only where a file may be made. */
#define OPEN(name, parameters, arguments)                                                                    \
    int name parameters                                                                                      \
    {                                                                                                        \
        NEXT(name);                                                                                          \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                              \
        va_end(more);                                                                                        \
        return fails("files", "open", __builtin_return_address(0)) ? -1 : next arguments;                    \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int in, const char *path, int flags, ...), (in, path, flags, mode))

#define FCNTL(name)                                                                                          \
    int name(int fd, int command, ...)                                                                       \
    {                                                                                                        \
        NEXT(name);                                                                                          \
        va_list more;                                                                                        \
        va_start(more, command);                                                                             \
        void *argument = va_arg(more, void *);                                                               \
        va_end(more);                                                                                        \
        return fails("files", "fcntl", __builtin_return_address(0)) ? -1 : next(fd, command, argument);      \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* syscall is failed where it makes a descriptor of a process. */
long
syscall(long n, ...)
{
    static long (*next)(long, ...);
    long a[6];
    va_list more;
    if (!next)
        next = (long (*)(long, ...))(uintptr_t)dlsym(RTLD_NEXT, "syscall");
    va_start(more, n);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(more, long);
    va_end(more);
    if (n == SYS_pidfd_open && fails("processes", "pidfd_open", __builtin_return_address(0)))
        return -1;
    return next(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    static atomic_uint looks;
    NEXT(clock_gettime);
    int result = next(clock, now);
    if (calls && skew && clock == CLOCK_REALTIME && result == 0 && armed())
        now->tv_sec += atomic_fetch_add(&looks, 1) % 2 == 0 ? skew : -skew;
    return result;
}
