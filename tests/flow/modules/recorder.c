/* recorder.c - a task that writes down each record it sees, and then does what the record says.
 *
 * Each record becomes one line, "topic partition offset pid attempt value", written with one write(2) to the file
 * named in RECORD_FILE before the record's work begins. The value is a sentence of words: an identifier, which may
 * be left out, and what to do; "3/17 sleep 0.2" or "crash". Identifiers begin with a digit.
 *
 *   crash, abort, kill      die of SIGSEGV, SIGABRT, SIGKILL     (crash N: only while the attempt is <= N)
 *   exit N                  call exit(N)
 *   fall FILE               die of SIGSEGV the first time; after that wait until that file exists
 *   fail, fail N            hr_fail; only while the attempt is <= N
 *   late FILE               hr_fail as soon as that file exists
 *   reject                  hr_reject
 *   sleep SECONDS           take that long
 *   hang, deaf              never end; not even for SIGTERM (deaf: nor for SIGABRT)
 *   retry SECONDS           hr_retry_after, the first time
 *   eat MB                  take 64 times as much memory, and crash where that fails
 *   kill_supervisor         SIGKILL to the parent
 *   return N                return N from the body
 *   term                    send SIGTERM to itself, and go on
 *   wait FILE               until that file exists
 *   touch FILE              make that file
 *
 * With RECORDER_PARSES each value is parsed as JSON, too. RECORDER_START says what the body does before its first record (the same words), RECORDER_END after its last. */
#include <headrace.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

HR_COUNTER(recorded);

static int
open_file(void)
{
    const char *name = getenv("RECORD_FILE");
    int fd = name != NULL ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0) {
        fprintf(stderr, "recorder: RECORD_FILE does not name a file that can be written\n");
        exit(3);
    }
    return fd;
}

/* The value as one line of at most 200 characters. */
static void
printable(const char *value, size_t size, char *out)
{
    size_t n = value == NULL ? 0 : size < 200 ? size : 200;
    for (size_t i = 0; i < n; i++)
        out[i] = value[i] >= ' ' && value[i] < 127 ? value[i] : '?';
    out[n] = '\0';
    if (value == NULL)
        strcpy(out, "(none)");
}

static void
note(int fd, const hr_record *record, const char *value)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%.249s %d %lld %d %d %s\n", hr_topic(record), (int)hr_partition(record),
                     (long long)hr_offset(record), (int)getpid(), hr_attempt(record), value);
    if (write(fd, line, (size_t)n) != n) {
        perror("recorder");
        exit(3);
    }
}

static void
nap(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0)
        ;
}

static void
hang(bool deaf)
{
    signal(SIGTERM, SIG_IGN);
    if (deaf)
        signal(SIGABRT, SIG_IGN);
    for (;;)
        pause();
}

/* Without its pages being touched: what counts is the address space. */
static void
eat(size_t megabytes)
{
    for (int i = 0; i < 64; i++) {
        void *memory = mmap(NULL, megabytes << 20, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            raise(SIGSEGV);
    }
}

/* Does what the words say. True: the body is to return *result. */
static bool
act(hr_record *record, const char *words, int *result)
{
    char word[32] = "", argument[160] = "";
    if (words[0] >= '0' && words[0] <= '9')
        words += strcspn(words, " ");
    sscanf(words, "%31s %159s", word, argument);
    bool early = argument[0] == '\0' || record == NULL || hr_attempt(record) <= atoi(argument);
    if (strcmp(word, "crash") == 0 && early)
        raise(SIGSEGV);
    else if (strcmp(word, "abort") == 0)
        raise(SIGABRT);
    else if (strcmp(word, "kill") == 0)
        raise(SIGKILL);
    else if (strcmp(word, "exit") == 0)
        exit(atoi(argument));
    else if (strcmp(word, "fail") == 0 && early)
        hr_fail(record, "told to fail, attempt %d", hr_attempt(record));
    else if (strcmp(word, "reject") == 0)
        hr_reject(record, "told to reject");
    else if (strcmp(word, "sleep") == 0)
        nap(atof(argument));
    else if (strcmp(word, "hang") == 0 || strcmp(word, "deaf") == 0)
        hang(word[0] == 'd');
    else if (strcmp(word, "retry") == 0 && hr_attempt(record) == 1)
        hr_retry_after(record, atof(argument));
    else if (strcmp(word, "eat") == 0)
        eat(strtoul(argument, NULL, 10));
    else if (strcmp(word, "kill_supervisor") == 0)
        kill(getppid(), SIGKILL);
    else if (strcmp(word, "term") == 0)
        raise(SIGTERM);
    else if (strcmp(word, "fall") == 0 && hr_attempt(record) == 1)
        raise(SIGSEGV);
    else if (strcmp(word, "wait") == 0 || strcmp(word, "fall") == 0 || strcmp(word, "late") == 0)
        while (access(argument, F_OK) != 0)
            nap(0.005);
    else if (strcmp(word, "touch") == 0)
        close(open(argument, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (strcmp(word, "late") == 0)
        hr_fail(record, "told to fail late");
    *result = atoi(argument);
    return strcmp(word, "return") == 0;
}

static bool
act_by_variable(const char *name, int *result)
{
    const char *words = getenv(name);
    return words != NULL && act(NULL, words, result);
}

HR_TASK(record, .topic = "records")
{
    int fd = open_file(), result = 0;
    if (act_by_variable("RECORDER_START", &result))
        return result;
    for (hr_record *record; (record = hr_next(self)) != NULL;) {
        size_t size;
        const char *value = hr_value(record, &size);
        char words[201];
        printable(value, size, words);
        note(fd, record, words);
        hr_count(recorded, 1);
        if (getenv("RECORDER_PARSES") != NULL)
            hr_json(record);
        if (act(record, words, &result))
            return result;
    }
    close(fd);
    return act_by_variable("RECORDER_END", &result) ? result : 0;
}
