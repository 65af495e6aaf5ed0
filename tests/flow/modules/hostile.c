/* hostile.c - a task that does to itself, and to what it shares with the supervisor, whatever a record says.
 *
 * Each record becomes a line in RECORD_FILE first, as recorder.c writes it. The value is an identifier, which
 * begins with a digit, and what to do:
 *
 *   scribble 0|255|random    over the whole scoreboard, once
 *   scribble for_ever        random, from a thread that never ends
 *   scribble counters        random, over the counters only
 *   raw random|huge|short    bytes into the socket to the supervisor: noise; a frame of 2^62 bytes; frames of
 * nothing frame generation|type|length|version|parts|sends   a frame that is wrong in this flood N N frames
 * as they should be connect N                N more connections to the supervisor, kept open lifeline opens
 * the lifeline for writing and writes to it close                    closes every descriptor but 0, 1 and 2
 *   truncate, grow           its segments
 *   totals                   writes to the totals
 *   crash
 *
 * A third word says how many seconds it then stays on the record.
 * What must not succeed and does leaves a line in HOSTILE_FILE. */
#include <headrace.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../shared/wire.h" /* what it breaks */

HR_COUNTER(hostile_seen);

struct segment {
    unsigned char *start;
    size_t size;
    char file[128]; /* a name under which it can be opened, where one may */
};

static void
say(const char *name, const char *line)
{
    const char *path = getenv(name);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        perror("hostile");
    if (fd >= 0)
        close(fd);
}

static void
succeeded(const char *what)
{
    char line[160];
    snprintf(line, sizeof line, "%s\n", what);
    say("HOSTILE_FILE", line);
}

/* find looks for a mapping whose name holds `name`. */
static struct segment
find(const char *name)
{
    struct segment s = {0};
    char line[512];
    FILE *f = fopen("/proc/self/maps", "re");
    unsigned long from, to;
    while (f && fgets(line, sizeof line, f))
        if (strstr(line, name) && sscanf(line, "%lx-%lx", &from, &to) == 2) {
            s.start = (unsigned char *)from;
            s.size = to - from;
            snprintf(s.file, sizeof s.file, "/proc/self/map_files/%lx-%lx", from, to);
        }
    if (f)
        fclose(f);
    return s;
}

static unsigned
noise(void)
{
    static _Thread_local unsigned state;
    if (!state)
        state = (unsigned)getpid() * 2654435761u | 1;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void
fill(struct segment s, const char *how)
{
    for (size_t i = 0; i < s.size; i++)
        s.start[i] = (unsigned char)(how[0] == 'r' ? noise() >> 11 : (unsigned)atoi(how));
}

static void *
scribble_for_ever(void *segment)
{
    for (;;)
        fill(*(struct segment *)segment, "random");
    return NULL;
}

/* The counters are found by a number that stands nowhere else. */
static void
scribble_counters(struct segment board)
{
    const long long number = 0x5eed5eed5eedLL;
    int64_t *counters = NULL;
    hr_count(hostile_seen, number);
    for (size_t i = 0; i + 8 <= board.size; i += 8)
        if (*(int64_t *)(void *)(board.start + i) / number == 1)
            counters = (int64_t *)(void *)(board.start + i) - ((uintptr_t)hostile_seen->slot - 1);
    if (counters)
        fill((struct segment){(unsigned char *)counters, 2048, ""}, "random");
    else
        succeeded("the counters were not found");
}

static void
scribble(const char *how)
{
    static struct segment board;
    pthread_t thread;
    board = find("headrace-scoreboard");
    if (strcmp(how, "for_ever") == 0)
        pthread_create(&thread, NULL, scribble_for_ever, &board);
    else if (strcmp(how, "counters") == 0)
        scribble_counters(board);
    else
        fill(board, how);
}

/* ---- the pipe ---- */

/* uplink finds the socket to the supervisor, by the name of its other end. */
static int
uplink(struct sockaddr_un *name)
{
    for (int fd = 3; fd < 256; fd++) {
        socklen_t size = sizeof *name;
        memset(name, 0, sizeof *name);
        if (getpeername(fd, (struct sockaddr *)name, &size) == 0 && name->sun_family == AF_UNIX &&
            name->sun_path[0])
            return fd;
    }
    return -1;
}

static void
put(const void *data, size_t size)
{
    struct sockaddr_un name;
    int fd = uplink(&name);
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n > 0)
            done += (size_t)n;
        else if (errno != EAGAIN)
            return;
        else
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 100);
    }
}

static void
put_raw(const char *how)
{
    unsigned char bytes[65536] = {0};
    size_t size = sizeof bytes;
    if (strcmp(how, "random") == 0)
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)(noise() >> 7);
    else if (strcmp(how, "huge") == 0)
        memcpy(bytes, "\x02\x40\0\0\0\0\0\0\0", 9);
    put(bytes, size); /* short: nothing but frames of length 0 */
}

/* put_frame sends one frame of the protocol, as ZeroMQ wraps it, that is wrong in one thing. */
static void
put_frame(const char *wrong)
{
    struct {
        unsigned char flags, size;
        struct wire_progress frame;
    } __attribute__((packed)) f = {.size = sizeof f.frame};
    struct wire_header *h =
        &(struct wire_header){WIRE_MAGIC, WIRE_VERSION, WIRE_PROGRESS, 0, 1, sizeof f.frame};
    memset((char *)&f.frame + sizeof *h, 0x7e, sizeof f.frame - sizeof *h); /* numbers that cannot be */
    if (strcmp(wrong, "generation") == 0)
        h->generation = 0xdeadbeef;
    else if (strcmp(wrong, "type") == 0)
        h->type = WIRE_BATCH;
    else if (strcmp(wrong, "sends") == 0)
        h->type = WIRE_SENDS;
    else if (strcmp(wrong, "length") == 0)
        h->length = 0xffffffff;
    else if (strcmp(wrong, "version") == 0)
        h->version = 77;
    memcpy(&f.frame, h, sizeof *h);
    if (strcmp(wrong, "parts") == 0)
        f.flags = 1;
    for (int i = 0; i < (f.flags ? 100 : 1); i++)
        put(&f, sizeof f);
    f.flags = 0;
    if (strcmp(wrong, "parts") == 0)
        put(&f, sizeof f);
}

static void
flood(hr_task *self, long n)
{
    void (*ready)(hr_task *) = (void (*)(hr_task *))dlsym(RTLD_DEFAULT, "outbox_ready");
    for (long i = 0; ready && i < n; i++)
        ready(self);
}

static void
connect_many(int n)
{
    struct sockaddr_un name;
    uplink(&name);
    for (int i = 0; i < n; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) < 0)
            close(fd);
    }
}

static void
cut_lifeline(void)
{
    int fd = open("/proc/self/fd/5", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t ignored = fd >= 0 ? write(fd, "x", 1) : 0;
    (void)ignored;
}

/* ---- the segments ---- */

static void
resize(off_t size)
{
    static const char *const names[] = {"headrace-scoreboard", "headrace-totals"};
    for (int i = 0; i < 2; i++) {
        struct segment s = find(names[i]);
        int fd = open(s.file, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            fprintf(stderr, "hostile: %s cannot be opened: %s\n", names[i], strerror(errno));
        if (fd >= 0 && ftruncate(fd, size) == 0)
            succeeded("a segment was resized");
        if (fd >= 0)
            close(fd);
    }
}

static void
write_totals(void)
{
    struct segment s = find("headrace-totals");
    int fd = open(s.file, O_RDWR | O_CLOEXEC);
    if (mprotect(s.start, s.size, PROT_READ | PROT_WRITE) == 0)
        succeeded("the totals were made writable");
    if (fd >= 0 && write(fd, "xxxxxxxx", 8) > 0)
        succeeded("the totals were written to");
    if (fd >= 0 && mmap(NULL, s.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
        succeeded("the totals were mapped for writing");
    if (fd >= 0)
        close(fd);
}

/* ---- the task ---- */

static void
act(hr_task *self, const char *words)
{
    char word[32] = "", how[32] = "";
    double seconds = 0;
    words += strcspn(words, " ");
    sscanf(words, "%31s %31s %lf", word, how, &seconds);
    if (strcmp(word, "scribble") == 0)
        scribble(how);
    else if (strcmp(word, "raw") == 0)
        put_raw(how);
    else if (strcmp(word, "frame") == 0)
        put_frame(how);
    else if (strcmp(word, "flood") == 0)
        flood(self, atol(how));
    else if (strcmp(word, "connect") == 0)
        connect_many(atoi(how));
    else if (strcmp(word, "lifeline") == 0)
        cut_lifeline();
    else if (strcmp(word, "close") == 0)
        closefrom(3);
    else if (strcmp(word, "truncate") == 0)
        resize(0);
    else if (strcmp(word, "grow") == 0)
        resize(1 << 20);
    else if (strcmp(word, "totals") == 0)
        write_totals();
    else if (strcmp(word, "crash") == 0)
        raise(SIGSEGV);
    usleep((useconds_t)(seconds * 1e6));
}

HR_TASK(hostile, .topic = "records")
{
    for (hr_record *r; (r = hr_next(self)) != NULL;) {
        size_t size;
        const char *value = hr_value(r, &size);
        char line[600];
        snprintf(line, sizeof line, "%.249s %d %lld %d %d %.200s\n", hr_topic(r), (int)hr_partition(r),
                 (long long)hr_offset(r), (int)getpid(), hr_attempt(r), value ? value : "");
        say("RECORD_FILE", line);
        hr_count(hostile_seen, 1);
        act(self, value ? value : "");
    }
    return 0;
}
