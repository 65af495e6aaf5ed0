/* timed.c - the task of the cases that print figures: it notes a few times and reads no clock otherwise.
 *
 * Lines in the file TIMED_FILE, one write(2) each; times are nanoseconds of CLOCK_MONOTONIC:
 *
 *   first PARTITION TIME     its first record begins (offset 0)
 *   last PARTITION TIME      its last record begins (offset TIMED_LAST)
 *   begins INSTANCE TIME     a life begins its first record
 *   kill|segv INSTANCE TIME  a life ends now, by SIGKILL or by a fault
 *
 * TIMED_DEATH_EVERY: in the partitions 0 to TIMED_DEATH_LANES - 1, each record whose offset is a multiple of it, less
 * one, ends its worker at every attempt: odd partitions by SIGKILL, even ones by a fault. TIMED_WORK_US: how long any
 * other record takes; without it the task only looks at each byte. */
#include <headrace.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long last, death_every, death_lanes, work_us;
static int file;
static volatile unsigned sum;
static int *volatile nowhere;

static long
setting(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static void
note(const char *what, int who)
{
    char line[80];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "%s %d %lld%09ld\n", what, who, (long long)now.tv_sec, now.tv_nsec);
    if (write(file, line, (size_t)n) != n)
        _exit(9);
}

static void
work(const hr_record *record)
{
    size_t size;
    const char *value = hr_value(record, &size);
    unsigned s = 0;
    for (size_t i = 0; i < size; i++)
        s += (unsigned char)value[i];
    sum = s;
    if (work_us > 0)
        nanosleep(&(struct timespec){.tv_nsec = work_us * 1000}, NULL);
}

static void
end_life(int partition, int instance)
{
    if (partition % 2 == 1) {
        note("kill", instance);
        raise(SIGKILL);
    }
    note("segv", instance);
    *nowhere = 0;
}

static void
set_up(void)
{
    const char *name = getenv("TIMED_FILE");
    file = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0) {
        perror("timed: TIMED_FILE");
        exit(9);
    }
    last = setting("TIMED_LAST");
    death_every = setting("TIMED_DEATH_EVERY");
    death_lanes = setting("TIMED_DEATH_LANES");
    work_us = setting("TIMED_WORK_US");
}

HR_TASK(work, .topic = "timed")
{
    bool began = false;
    set_up();
    for (hr_record *record; (record = hr_next(self)) != NULL;) {
        int partition = (int)hr_partition(record);
        long offset = (long)hr_offset(record);
        if (!began)
            note("begins", hr_instance(self));
        began = true;
        if (offset == 0)
            note("first", partition);
        if (offset == last)
            note("last", partition);
        if (death_every > 0 && partition < death_lanes && (offset + 1) % death_every == 0)
            end_life(partition, hr_instance(self));
        work(record);
    }
    close(file);
    return 0;
}
