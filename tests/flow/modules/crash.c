/* crash.c - tasks that die in each way there is, named by the record or by the variable CRASH.
 *
 *   crash_on_record  the value of the record names the way; any other is counted
 *   crash_at_once    the variable does
 *   crash_by_timer   the same, when it is triggered */
#include <headrace.h>

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer would report what is to crash. */
#define BAD __attribute__((no_sanitize("address", "undefined")))
#define OWN BAD __attribute__((noinline)) static /* a frame of its own, also where it is optimised */

HR_COUNTER(survived);

static volatile int zero;
static int *volatile nowhere;

OWN int
write_nowhere(int value)
{
    *nowhere = value;
    return value + 1;
}

OWN int
segv(void)
{
    return write_nowhere(zero) + 1;
}

BAD static inline int __attribute__((always_inline)) write_inlined(int value)
{
    *nowhere = value; /* line of the crash */
    return value + 1;
}

OWN int
inlined(void)
{
    return write_inlined(zero) + 1; /* line of the call */
}

OWN int
aborts(void)
{
    abort();
}

OWN int
divide(void)
{
    return 12345 / zero;
}

OWN int
trap(void)
{
    __builtin_trap();
}

OWN int
call_nowhere(void)
{
    int (*volatile function)(void) = NULL;
    return function() + 1;
}

/* A mapping behind the end of its file. */
OWN int
bus(void)
{
    int fd = memfd_create("bus", MFD_CLOEXEC);
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page[0] + 1;
}

/* It never returns, but the compiler must not know. */
OWN int
overflow(int depth)
{
    volatile char much[256];
    memset((void *)much, depth, sizeof much);
    return zero == 0 ? overflow(depth + 1) + much[7] : depth;
}

/* The caller's frame pointer is overwritten: unwinding leads nowhere. */
OWN int
smash(int value)
{
    volatile unsigned long *frame = __builtin_frame_address(0);
    frame[0] = 0x4141414141414141;
    *nowhere = value;
    return value;
}

OWN void *
sleeps(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* With a second thread free takes the lock of the heap; it finds the header of the next block in ruins while
 * it holds it. */
OWN int
heap(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, NULL);
    char *block = malloc(2000);
    volatile unsigned long *next = (unsigned long *)(block + malloc_usable_size(block));
    next[0] = 0x4141414141414141;
    free(block);
    return zero;
}

static int with_loader_lock[2];

static int
hold(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)info, (void)size, (void)unused;
    (void)!write(with_loader_lock[1], "x", 1);
    sleeps(NULL);
    return 0;
}

OWN void *
hold_lock(void *unused)
{
    dl_iterate_phdr(hold, unused);
    return NULL;
}

/* Another thread holds the lock of the loader for ever. */
OWN int
locked(void)
{
    pthread_t thread;
    char byte;
    (void)!pipe(with_loader_lock);
    pthread_create(&thread, NULL, hold_lock, NULL);
    (void)!read(with_loader_lock[0], &byte, 1);
    return segv() + 1;
}

OWN void *
die_in_thread(void *unused)
{
    *nowhere = segv();
    return unused;
}

OWN int
in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, die_in_thread, NULL);
    pthread_join(thread, NULL);
    return zero;
}

/* A leak of descriptors is often found out by a crash. */
OWN int
no_descriptors(void)
{
    while (dup(STDOUT_FILENO) >= 0)
        ;
    return segv() + 1;
}

OWN int
hangs(void)
{
    (void)!write(STDOUT_FILENO, "x", 1);
    while (zero == 0)
        pause();
    return zero;
}

OWN int
in_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        segv();
    waitpid(pid, NULL, 0);
    return zero;
}

static void
own_handler(int signal)
{
    (void)signal;
    _exit(42);
}

OWN int
handled(void)
{
    signal(SIGSEGV, own_handler);
    return segv() + 1;
}

static int
overflows(void)
{
    return overflow(zero) + 1;
}

/* An array of unknown size makes the compiler use a frame pointer. */
static int
smashes(void)
{
    volatile char room[zero + 16];
    room[0] = 1;
    return smash(zero) + room[0];
}

static const struct {
    const char *name;
    int (*die)(void);
} ways[] = {
    {"segv", segv},
    {"inlined", inlined},
    {"abort", aborts},
    {"divide", divide},
    {"trap", trap},
    {"null", call_nowhere},
    {"bus", bus},
    {"overflow", overflows},
    {"smash", smashes},
    {"heap", heap},
    {"locked", locked},
    {"thread", in_thread},
    {"descriptors", no_descriptors},
    {"hang", hangs},
    {"child", in_child},
    {"handled", handled},
};

OWN int
crash(const char *way, size_t length)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strlen(ways[i].name) == length && memcmp(ways[i].name, way, length) == 0)
            return ways[i].die() + 1;
    hr_count(survived, 1);
    return 0;
}

HR_TASK(crash_on_record, .topic = "crash")
{
    hr_record *record;
    int sum = 0;
    while ((record = hr_next(self))) {
        size_t length;
        const char *way = hr_value(record, &length);
        sum += crash(way, length);
    }
    return sum & zero;
}

HR_TASK(crash_at_once)
{
    const char *way = getenv("CRASH");
    return crash(way ? way : "", way ? strlen(way) : 0) & zero;
}

HR_TIMER(crash_by_timer, .interval = 1.0)
{
    const char *way = getenv("CRASH");
    return crash(way ? way : "", way ? strlen(way) : 0) & zero;
}
