/* embedded.c - the embedded broker of a run.
 *
 * Owns: its process, and which topics it is told to create.
 *
 * DESIGN: the broker is this program once more (`headrace broker`), since the mock cluster runs in threads of
 * the process that makes it: in the supervisor they would share its fate and its CPU time. The address comes
 * back through a pipe. It dies with its parent, as every child does.
 *
 * Must not know: the mock cluster (client/broker.c), the supervisor's loop. */
#include "supervisor/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "supervisor/spawn.h"

#define PARTITIONS_MIN 8
#define START_LIMIT (10 * NS_PER_S)
#define STOP_LIMIT_MS 2000
#define READY_FD 3 /* in the child */

struct topic {
    char *name;
    int64_t partitions;
};

struct topics {
    struct topic *topic;
    size_t n;
};

static void
add_topic(struct topics *all, const char *name, int64_t partitions)
{
    for (size_t i = 0; i < all->n; i++) {
        struct topic *t = &all->topic[i];
        if (strcmp(t->name, name) == 0) {
            t->partitions = partitions > t->partitions ? partitions : t->partitions;
            return;
        }
    }
    all->topic = mem_grow(all->topic, all->n + 1, sizeof *all->topic);
    all->topic[all->n++] = (struct topic){mem_string(name), partitions};
}

/* add_task adds the topics of a stream task; there is nothing to create for a pattern. */
static void
add_task(struct topics *all, const struct conf_task *t)
{
    if (t->kind != CONF_STREAM || !t->topic || t->topic[0] == '^')
        return;
    int64_t partitions = t->concurrency > PARTITIONS_MIN ? t->concurrency : PARTITIONS_MIN;
    char *names = mem_string(t->topic), *rest = names, *name;
    while ((name = strsep(&rest, ",")) != NULL) {
        name += strspn(name, " ");
        name[strcspn(name, " ")] = '\0';
        if (*name != '\0' && *name != '^')
            add_topic(all, name, partitions);
    }
    free(names);
}

/* make_arguments returns the broker's argument list; whatever it points to is allocated. */
static char **
make_arguments(const struct conf *c)
{
    struct topics all = {0};
    for (size_t i = 0; i < c->n_tasks; i++)
        add_task(&all, &c->tasks[i]);
    char **argv = mem_array(2 * all.n + 5, sizeof *argv);
    size_t n = 0;
    argv[n++] = mem_string("headrace");
    argv[n++] = mem_string("broker");
    argv[n++] = mem_string("--ready-fd");
    argv[n++] = mem_printf("%d", READY_FD);
    for (size_t i = 0; i < all.n; i++) {
        argv[n++] = mem_string("--topic");
        argv[n++] = mem_printf("%s:%lld", all.topic[i].name, (long long)all.topic[i].partitions);
        free(all.topic[i].name);
    }
    free(all.topic);
    return argv;
}

/* read_address reads one line with a limit; NULL and what went wrong. */
static char *
read_address(int fd, const char **wrong)
{
    char line[256];
    size_t n = 0;
    mono_ns deadline = clock_mono() + START_LIMIT;
    while (n < sizeof line) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int polled = poll(&ready, 1, clock_ms_until(deadline, clock_mono()));
        if (polled < 0 && errno == EINTR)
            continue;
        ssize_t got = polled > 0 ? read(fd, line + n, sizeof line - n) : -1;
        if (got <= 0) {
            *wrong = polled == 0 ? "it was not ready after 10 s" : "it ended before it was ready";
            return NULL;
        }
        n += (size_t)got;
        if (line[n - 1] == '\n')
            return mem_prefix(line, n - 1);
    }
    *wrong = "its address makes no sense";
    return NULL;
}

/* own_program returns the path of this program, so that the broker is called by its name in a list of
 * processes; where it was replaced meanwhile, the link to what runs. */
static char *
own_program(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    return mem_string(access(path, X_OK) == 0 ? path : "/proc/self/exe");
}

static pid_t
spawn_broker(const struct conf *c, int ready, int *pidfd)
{
    char **argv = make_arguments(c), *program = own_program();
    struct spawn_fd fd = {.from = ready, .to = READY_FD};
    pid_t pid = spawn(program, argv, environ, &fd, 1, NULL, pidfd);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    free(argv);
    free(program);
    return pid;
}

int
embedded_start(struct embedded *e, const struct conf *c, char **error)
{
    int fds[2];
    const char *wrong = NULL;
    *e = (struct embedded){.pidfd = -1};
    if (pipe2(fds, O_CLOEXEC) < 0) {
        *error = mem_printf("the embedded broker cannot be started: %s", strerror(errno));
        return -1;
    }
    pid_t pid = spawn_broker(c, fds[1], &e->pidfd);
    close(fds[1]);
    if (pid < 0)
        wrong = strerror(errno);
    else if ((e->pid = pid) > 0)
        e->address = read_address(fds[0], &wrong);
    close(fds[0]);
    if (e->address)
        return 0;
    *error = mem_printf("the embedded broker cannot be started: %s", wrong);
    embedded_stop(e);
    return -1;
}

void
embedded_stop(struct embedded *e)
{
    if (e->pid <= 0)
        return;
    struct pollfd ended = {.fd = e->pidfd, .events = POLLIN};
    kill(e->pid, SIGTERM); /* it is not reaped yet, so the pid is still its own */
    if (e->pidfd < 0 || poll(&ended, 1, STOP_LIMIT_MS) <= 0)
        kill(e->pid, SIGKILL);
    while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (e->pidfd >= 0)
        close(e->pidfd);
    free(e->address);
    *e = (struct embedded){.pidfd = -1};
}
