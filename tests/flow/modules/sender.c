/* sender.c - a task that sends what its records say.
 *
 * Each record becomes one line in RECORD_FILE, as with recorder.c. Its value is a row of commands with ';'
 * between them:
 *
 *   to TOPIC VALUE          hr_send without a key
 *   keyed TOPIC KEY VALUE   with a key
 *   at TOPIC PARTITION TEXT to that partition
 *   many TOPIC N            N messages, 0 to N - 1
 *   topics TOPIC N          one to each of N topics, TOPIC0 to TOPIC<N - 1>
 *   all TOPIC               key, two headers (one null), timestamp 1600000000000
 *   tombstone TOPIC KEY     no value
 *   empty TOPIC             "" as key and value
 *   large TOPIC BYTES       a value of so many bytes
 *   errno TOPIC             what hr_send refuses, as text
 *   elsewhere TOPIC         what another thread and a forked child are told, as text
 *   fail N, reject          hr_fail while the attempt is <= N
 *   crash N, kill N         likewise
 *   sleep SECONDS           hr_sleep
 *   return N                from the body
 *   wait FILE               until that file exists */
#include <headrace.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
note(const hr_record *record)
{
    static int fd = -1;
    char line[600];
    size_t length;
    const char *value = hr_value(record, &length);
    if (fd < 0)
        fd = open(getenv("RECORD_FILE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int n =
        snprintf(line, sizeof line, "%s %d %lld %d %d %.200s\n", hr_topic(record), (int)hr_partition(record),
                 (long long)hr_offset(record), (int)getpid(), hr_attempt(record), value);
    if (write(fd, line, (size_t)n) != n)
        exit(3);
}

static void
send_text(hr_task *self, const char *topic, const char *text)
{
    if (hr_send(self, topic, NULL, 0, text, strlen(text)) != 0)
        exit(4);
}

static void
send_all(hr_task *self, const char *topic)
{
    const hr_message_header headers[] = {{"first", "1\0002", 3}, {"null", NULL, 0}};
    const hr_message message = {.topic = topic,
                                .key = "k\0y",
                                .key_length = 3,
                                .value = "v\0e",
                                .value_length = 3,
                                .headers = headers,
                                .n_headers = 2,
                                .timestamp = 1600000000000};
    if (hr_send_message(self, &message) != 0)
        exit(4);
}

static void
send_large(hr_task *self, const char *topic, size_t bytes)
{
    char *value = calloc(bytes, 1);
    if (hr_send(self, topic, NULL, 0, value, bytes) != 0)
        exit(4);
    free(value);
}

/* errno_of says what a message gives. */
static const char *
errno_of(hr_task *self, hr_message message)
{
    errno = 0;
    if (hr_send_message(self, &message) == 0)
        return "sent";
    return errno == EINVAL ? "EINVAL" : errno == EMSGSIZE ? "EMSGSIZE" : "another";
}

static void
send_errnos(hr_task *self, const char *topic)
{
    char text[300];
    const hr_message_header nameless = {NULL, "x", 1};
    snprintf(text, sizeof text, "%s %s %s %s %s %s %s", errno_of(self, (hr_message){.topic = NULL}),
             errno_of(self, (hr_message){.topic = "not a topic"}),
             errno_of(self, (hr_message){.topic = ".."}),
             errno_of(self, (hr_message){.topic = topic, .value_length = 1}),
             errno_of(self, (hr_message){.topic = topic, .has_partition = true, .partition = -1}),
             errno_of(self, (hr_message){.topic = topic, .headers = &nameless, .n_headers = 1}),
             errno_of(self, (hr_message){.topic = topic, .value = text, .value_length = HR_SEND_MAX}));
    send_text(self, topic, text);
}

static hr_task *elsewhere_self;

static void *
errno_elsewhere(void *unused)
{
    (void)unused;
    errno = 0;
    int result = hr_send(elsewhere_self, "out", NULL, 0, "elsewhere", 9);
    return (void *)(intptr_t)(result == 0 ? 0 : errno);
}

/* send_elsewhere sends what another thread, and a child that is forked, are told when they send. */
static void
send_elsewhere(hr_task *self, const char *topic)
{
    pthread_t thread;
    void *error = NULL;
    int status = 0;
    elsewhere_self = self;
    if (pthread_create(&thread, NULL, errno_elsewhere, NULL) != 0 || pthread_join(thread, &error) != 0)
        exit(4);
    send_text(self, topic, (intptr_t)error == EPERM ? "thread:EPERM" : "thread:sent");
    pid_t child = fork();
    if (child == 0)
        _exit((int)(intptr_t)errno_elsewhere(NULL));
    if (child < 0 || waitpid(child, &status, 0) < 0)
        exit(4);
    send_text(self, topic, status == EPERM << 8 ? "child:EPERM" : "child:sent");
}

/* act does one command. True: the body is to return *result. */
static bool
act(hr_task *self, hr_record *record, const char *command, int *result)
{
    char word[32] = "", a[250] = "", b[100] = "", c[100] = "";
    sscanf(command, " %31s %249s %99s %99[^;]", word, a, b, c);
    bool early = hr_attempt(record) <= atoi(a);
    if (strcmp(word, "to") == 0)
        send_text(self, a, b);
    else if (strcmp(word, "keyed") == 0)
        hr_send(self, a, b, strlen(b), c, strlen(c));
    else if (strcmp(word, "at") == 0)
        hr_send_message(self, &(hr_message){.topic = a,
                                            .has_partition = true,
                                            .partition = atoi(b),
                                            .value = c,
                                            .value_length = strlen(c)});
    else if (strcmp(word, "many") == 0)
        for (int i = 0; i < atoi(b); i++)
            send_text(self, a, (snprintf(c, sizeof c, "%d", i), c));
    else if (strcmp(word, "topics") == 0)
        for (int i = 0; i < atoi(b); i++)
            send_text(self, (snprintf(c, sizeof c, "%.80s%d", a, i), c), "x");
    else if (strcmp(word, "all") == 0)
        send_all(self, a);
    else if (strcmp(word, "tombstone") == 0)
        hr_send(self, a, b, strlen(b), NULL, 0);
    else if (strcmp(word, "empty") == 0)
        hr_send(self, a, "", 0, "", 0);
    else if (strcmp(word, "large") == 0)
        send_large(self, a, strtoul(b, NULL, 10));
    else if (strcmp(word, "errno") == 0)
        send_errnos(self, a);
    else if (strcmp(word, "elsewhere") == 0)
        send_elsewhere(self, a);
    else if (strcmp(word, "fail") == 0 && early)
        hr_fail(record, "told to fail");
    else if (strcmp(word, "reject") == 0)
        hr_reject(record, "told to reject");
    else if (strcmp(word, "crash") == 0 && early)
        raise(SIGSEGV);
    else if (strcmp(word, "kill") == 0 && early)
        raise(SIGKILL);
    else if (strcmp(word, "sleep") == 0)
        hr_sleep(self, atof(a));
    else if (strcmp(word, "wait") == 0)
        while (access(a, F_OK) != 0)
            usleep(2000);
    *result = atoi(a);
    return strcmp(word, "return") == 0;
}

HR_TASK(send, .topic = "records")
{
    int result = 0;
    for (hr_record *record; (record = hr_next(self)) != NULL;) {
        char commands[400], *rest = commands;
        snprintf(commands, sizeof commands, "%s", hr_value(record, NULL));
        note(record);
        for (char *command; (command = strsep(&rest, ";"));)
            if (act(self, record, command, &result))
                return result;
    }
    return 0;
}
