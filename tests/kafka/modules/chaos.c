/* chaos.c - the task of scripts/chaos.sh: writes down what it does, and dies in each way there is.
 *
 * Each record leaves two lines in the file named by CHAOS_FILE, each written with one write(2), so that the
 * file is in the order in which things happened:
 *
 *   r PARTITION OFFSET PID SUPERVISOR begin ATTEMPT SEQUENCE MS
 *   r PARTITION OFFSET PID SUPERVISOR end ATTEMPT SEQUENCE MS
 *
 * Each sends one message to the topic CHAOS_SENT, where that is set, before anything else: the key is its partition, the
 * value "PARTITION:OFFSET". A healthy record takes CHAOS_WORK_US. Any other never ends: its "act" says how it goes wrong. What the
 * record is, is known to nobody but this file and the records themselves (chaos_fill.c writes them,
 * chaos_check.c accounts for them). */
#include <headrace.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHAOS_RECORD(FIELD)                                                                                  \
    FIELD(HR_INT, sequence)                                                                                  \
    FIELD(HR_STRING, act)
HR_RECORD(chaos_record, CHAOS_RECORD);

HR_COUNTER(worked);

static volatile int zero;
static int *volatile nowhere;

static int
open_file(void)
{
    const char *name = getenv("CHAOS_FILE");
    int fd = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0) {
        perror("chaos: CHAOS_FILE");
        exit(9);
    }
    return fd;
}

static void
note(int fd, const hr_record *record, int supervisor, const char *what, int64_t sequence)
{
    char line[200];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int n = snprintf(line, sizeof line, "r %d %" PRId64 " %d %d %s %d %" PRId64 " %" PRId64 "\n",
                     (int)hr_partition(record), hr_offset(record), (int)getpid(), supervisor, what,
                     hr_attempt(record), sequence, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    if (write(fd, line, (size_t)n) != n) {
        perror("chaos: CHAOS_FILE");
        exit(9);
    }
}

static int
send_on(hr_task *self, const hr_record *record)
{
    const char *to = getenv("CHAOS_SENT");
    char key[16], value[48];
    int k = snprintf(key, sizeof key, "%d", (int)hr_partition(record));
    int n = snprintf(value, sizeof value, "%d:%" PRId64, (int)hr_partition(record), hr_offset(record));
    return to ? hr_send(self, to, key, (size_t)k, value, (size_t)n) : 0;
}

static void
work(void)
{
    const char *us = getenv("CHAOS_WORK_US");
    long ns = us ? atol(us) * 1000 : 0;
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (ns > 0 && nanosleep(&left, &left) != 0)
        ;
}

/* Takes memory until there is none, as a program does that then does not know what to do. */
static void
hog(void)
{
    for (size_t size = 8 << 20;;) {
        char *more = malloc(size);
        if (!more)
            abort();
        memset(more, 1, 4096);
    }
}

/* Goes wrong as the record says. True: the body is to return. */
static bool
go_wrong(hr_record *record, const char *act)
{
    if (strcmp(act, "segv") == 0)
        *nowhere = zero;
    else if (strcmp(act, "abort") == 0)
        abort();
    else if (strcmp(act, "hog") == 0)
        hog();
    else if (strcmp(act, "exit") == 0)
        exit(3);
    else if (strcmp(act, "loop") == 0)
        while (zero == 0)
            pause();
    else if (strcmp(act, "fail") == 0)
        hr_fail(record, "poison");
    else if (strcmp(act, "reject") == 0)
        hr_reject(record, "poison");
    return strcmp(act, "return") == 0;
}

HR_TASK(work, .topic = "chaos")
{
    int fd = open_file(), supervisor = (int)getppid();
    const chaos_record *c;
    while (hr_next_as(self, chaos_record, &c)) {
        hr_record *record = hr_current(self);
        note(fd, record, supervisor, "begin", c->sequence);
        if (send_on(self, record) != 0) {
            perror("chaos: hr_send");
            return 9;
        }
        if (strcmp(c->act, "work") != 0) {
            if (go_wrong(record, c->act))
                return 7;
            continue;
        }
        work();
        hr_count(worked, 1);
        note(fd, record, supervisor, "end", c->sequence);
    }
    close(fd);
    return 0;
}

/* There is a timer process to be killed; each trigger leaves a line "tick". */
HR_TIMER(tick, .interval = 0.5)
{
    int fd = open_file();
    if (write(fd, "tick\n", 5) != 5)
        exit(9);
    close(fd);
    (void)self;
    return 0;
}
