/* periodic.c - a timer and a background task that write down when they run.
 *
 * Lines of the file named in PERIODIC_FILE: "tick|work pid nanoseconds" of the monotonic clock. PERIODIC_TICK and
 * PERIODIC_WORK say what they do then: "crash", "exit N", "return N", "sleep SECONDS", "hang". */
#include <headrace.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

HR_COUNTER(ticks);
HR_COUNTER(works);

static void
note(const char *what)
{
    struct timespec now;
    char line[100];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "%s %d %lld\n", what, (int)getpid(),
                     (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    const char *name = getenv("PERIODIC_FILE");
    int fd = open(name != NULL ? name : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n) {
        perror("periodic");
        exit(3);
    }
    close(fd);
}

/* Does what a variable says and returns what the body is to return. */
static int
act(hr_task *self, const char *variable)
{
    char word[32] = "", argument[32] = "";
    const char *words = getenv(variable);
    sscanf(words != NULL ? words : "", "%31s %31s", word, argument);
    if (strcmp(word, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    } else if (strcmp(word, "exit") == 0) {
        exit(atoi(argument));
    } else if (strcmp(word, "sleep") == 0) {
        hr_sleep(self, atof(argument));
    } else if (strcmp(word, "hang") == 0) {
        for (signal(SIGTERM, SIG_IGN);; pause())
            ;
    }
    return strcmp(word, "return") == 0 ? atoi(argument) : 0;
}

HR_TIMER(tick, .interval = 0.1)
{
    note("tick");
    hr_count(ticks, 1);
    return act(self, "PERIODIC_TICK");
}

HR_TASK(work)
{
    do {
        note("work");
        hr_count(works, 1);
        int result = act(self, "PERIODIC_WORK");
        if (result != 0)
            return result;
    } while (hr_sleep(self, 0.1));
    return 0;
}
