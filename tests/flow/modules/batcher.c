/* batcher.c - a task that takes batches: writes each record down as the recorder does, and then does what records say.
 *
 *   fail N        hr_fail, while the attempt is <= N          reject   hr_reject
 *   crash         the batch dies of SIGSEGV                   return   the body returns 3
 *   wait FILE     until that file exists
 *   send          hr_send, and reject with what that says
 *
 * Lines "batch 0 SIZE PID 0 -" tell the batches. BATCHER_MAX and BATCHER_SECONDS say how large they may be, and how long they
 * are collected (50, 0.1). */
#include <headrace.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
write_line(int fd, const char *line, int n)
{
    if (write(fd, line, (size_t)n) != n)
        exit(9);
}

static void
note(int fd, const hr_batch *batch)
{
    char line[512];
    for (size_t i = 0; i < batch->n; i++) {
        const hr_record *r = batch->records[i];
        write_line(fd, line, snprintf(line, sizeof line, "%s %d %lld %d %d %s\n", hr_topic(r), (int)hr_partition(r), (long long)hr_offset(r),
                                      (int)getpid(), hr_attempt(r), hr_value(r, NULL)));
    }
    write_line(fd, line, snprintf(line, sizeof line, "batch 0 %zu %d 0 -\n", batch->n, (int)getpid()));
}

/* act does what a record says; true: the body is to return. */
static bool
act(hr_task *self, hr_record *record)
{
    const char *words = hr_value(record, NULL);
    char word[32] = "", argument[160] = "";
    words += strcspn(words, " ");
    sscanf(words, "%31s %159s", word, argument);
    struct timespec moment = {.tv_nsec = 5000000};
    if (strcmp(word, "fail") == 0 && hr_attempt(record) <= atoi(argument))
        hr_fail(record, "told to fail");
    else if (strcmp(word, "reject") == 0)
        hr_reject(record, "told to reject");
    else if (strcmp(word, "crash") == 0)
        raise(SIGSEGV);
    else if (strcmp(word, "send") == 0 && hr_send(self, "elsewhere", NULL, 0, "x", 1) != 0)
        hr_reject(record, "send: %s", strerror(errno));
    else
        while (strcmp(word, "wait") == 0 && access(argument, F_OK) != 0)
            nanosleep(&moment, NULL);
    return strcmp(word, "return") == 0;
}

HR_TASK(collect, .topic = "records")
{
    const char *max = getenv("BATCHER_MAX"), *seconds = getenv("BATCHER_SECONDS"), *name = getenv("RECORD_FILE");
    int fd = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    const hr_batch *batch;
    if (fd < 0)
        return 9;
    while ((batch = hr_next_batch(self, max ? (size_t)atoi(max) : 50, seconds ? atof(seconds) : 0.1))) {
        note(fd, batch);
        for (size_t i = 0; i < batch->n; i++)
            if (act(self, batch->records[i]))
                return 3;
    }
    close(fd);
    return 0;
}
