/* describe.c - what a module declares, asked of a child process that loads it.
 *
 * The supervisor runs no code of a user: a module's constructors may crash, hang, exit or print, and all of
 * it happens to `headrace-worker --describe`. It has a limit of time and a process group that is killed at
 * the end in any case, so that nothing a module has started stays.
 *
 * What it prints is kept (stdout and stderr) and shown only when it could not be described: then the last
 * words are worth having, and otherwise they would be noise at each start.
 *
 * Owns: the child, from its birth to its reaping, within one call.
 * Guarantees: no child, no descriptor is left behind; memory is bounded, whatever the child writes. */
#include "supervisor/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/utf8.h"
#include "supervisor/description.h"
#include "supervisor/environment.h"
#include "supervisor/owner.h"
#include "supervisor/programs.h"
#include "supervisor/spawn.h"

#define REPLY_MAX (16 << 20)
#define OUTPUT_MAX (64 << 10)
#define READ_STEP (64 << 10)
#define ASK_STEP (20 * NS_PER_MS)

/* What comes through a pipe, up to a most. */
struct intake {
    int fd; /* -1: at its end */
    char *data;
    size_t size, most;
    bool over; /* there was more */
};

struct describing {
    pid_t pid;
    int pidfd;
    struct intake reply, output;
    bool late;
    siginfo_t end;
};

/* intake_read reads what is there now. */
static void
intake_read(struct intake *in)
{
    static char step[READ_STEP];
    ssize_t n;
    while (in->fd >= 0 && (n = read(in->fd, step, sizeof step)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return; /* no more for now */
        size_t room = in->most - in->size, take = (size_t)n < room ? (size_t)n : room;
        in->over = in->over || take < (size_t)n;
        in->data = mem_grow(in->data, in->size + take + 1, 1);
        memcpy(in->data + in->size, step, take);
        in->size += take;
    }
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
}

static void
intake_free(struct intake *in)
{
    if (in->fd >= 0)
        close(in->fd);
    free(in->data);
}

/* start starts the child, with its ends of both pipes; 0, or -1 with errno. */
static int
start(struct describing *d, const char *program, const char *module, char *const envp[], const struct conf_user *user)
{
    char *const argv[] = {(char[]){CHILD_WORKER}, (char[]){"--describe"}, (char *)module, NULL};
    int reply[2] = {-1, -1}, output[2] = {-1, -1}, saved;
    d->pid = -1;
    if (pipe2(reply, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0) {
        const struct spawn_fd fds[] = {
            {output[1], STDOUT_FILENO}, {output[1], STDERR_FILENO}, {reply[1], CHILD_FD_REPLY}};
        const struct spawn_rights rights = {.core = -1, .user = user};
        d->pid = spawn(program, argv, envp, fds, 3, &rights, &d->pidfd);
    }
    saved = errno;
    d->reply = (struct intake){.fd = reply[0], .most = REPLY_MAX};
    d->output = (struct intake){.fd = output[0], .most = OUTPUT_MAX};
    if (reply[1] >= 0)
        close(reply[1]);
    if (output[1] >= 0)
        close(output[1]);
    if (d->pid >= 0) {
        fcntl(reply[0], F_SETFL, O_NONBLOCK);
        fcntl(output[0], F_SETFL, O_NONBLOCK);
    }
    errno = saved;
    return d->pid < 0 ? -1 : 0;
}

/* has_ended asks for the child's end without reaping it; a kernel without descriptors of processes has no
 * other way. */
static bool
has_ended(const struct describing *d)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* listen_until reads what the child writes until it has died, has written too much or the limit has come. */
static void
listen_until(struct describing *d, mono_ns deadline)
{
    for (;;) {
        struct pollfd fds[] = {{d->pidfd, POLLIN, 0}, {d->reply.fd, POLLIN, 0}, {d->output.fd, POLLIN, 0}};
        mono_ns now = clock_mono(), wake = d->pidfd < 0 ? mono_earlier(deadline, now + ASK_STEP) : deadline;
        poll(fds, 3, clock_ms_until(wake, now));
        bool ended = has_ended(d);
        intake_read(&d->reply);
        intake_read(&d->output);
        if (ended || d->reply.over)
            return;
        if (clock_mono() >= deadline) {
            d->late = true;
            return;
        }
    }
}

/* finish kills what is left of the group and reaps the child. The group goes first, as long as the child,
 * even dead, keeps its number from being given to somebody else. */
static void
finish(struct describing *d)
{
    kill(-d->pid, SIGKILL);
    while (waitid(P_PID, (id_t)d->pid, &d->end, WEXITED) < 0 && errno == EINTR)
        ;
    intake_read(&d->reply);
    intake_read(&d->output);
    if (d->pidfd >= 0)
        close(d->pidfd);
}

static char *
signal_text(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? mem_printf("crashed while it was loaded: SIG%s", name)
                : mem_printf("crashed while it was loaded: signal %d", number);
}

/* parse_reply returns the description in a reply, or NULL with what is wrong with it. */
static json_t *
parse_reply(const struct intake *reply, char **problem)
{
    json_error_t error;
    json_t *description = json_loadb(reply->data ? reply->data : "", reply->size, 0, &error);
    char *wrong = description ? description_check(description) : mem_printf("%s", error.text);
    if (!wrong)
        return description;
    *problem = mem_printf("its description is malformed: %s", wrong);
    free(wrong);
    json_decref(description);
    return NULL;
}

static bool
complains(json_t *description)
{
    return json_array_size(json_object_get(description, "problems")) > 0;
}

/* judge says what has become of the child: its description, or NULL with the problem. A module that complains
 * of itself may end with an exit code of its own; it has said why. */
static json_t *
judge(const struct describing *d, mono_ns limit, char **problem)
{
    bool exited = d->end.si_code == CLD_EXITED;
    json_t *description = NULL;
    *problem = NULL;
    if (d->late)
        *problem = mem_printf("still loading after %g s: killed", (double)limit / NS_PER_S);
    else if (d->reply.over)
        *problem = mem_printf("its description is larger than %d MB: killed", REPLY_MAX >> 20);
    else if (!exited)
        *problem = signal_text(d->end.si_status);
    else if (d->reply.size > 0)
        description = parse_reply(&d->reply, problem);
    if (description && d->end.si_status != 0 && !complains(description)) {
        json_decref(description);
        description = NULL;
    }
    if (!description && exited && !*problem)
        *problem = mem_printf("exited with %d while it was loaded", d->end.si_status);
    return description;
}

/* show_output prints what the module printed, each line set off, and nothing that a terminal would take for an
 * order. */
static void
show_output(const char *module, struct intake *output)
{
    size_t size = output->size > 0 ? utf8_plain(output->data, output->size, "\n\t") : 0;
    if (size == 0)
        return;
    fprintf(stderr, "headrace: %s printed while it was loaded:\n", module);
    for (size_t i = 0; i < size; i++) {
        if (i == 0 || output->data[i - 1] == '\n')
            fputs("    ", stderr);
        fputc(output->data[i], stderr);
    }
    if (output->data[size - 1] != '\n')
        fputc('\n', stderr);
    if (output->over)
        fprintf(stderr, "    (and more than %d KB)\n", OUTPUT_MAX >> 10);
}

json_t *
describe_run(const char *program, const char *module, char *const envp[], const struct conf_user *user, mono_ns limit,
             char **problem)
{
    struct describing d = {.pidfd = -1};
    if (start(&d, program, module, envp, user)) /* nothing is wrong with the app: the machine is short of something */
        fatal(70, "cannot start %s to look into %s: %s", program, module, strerror(errno));
    listen_until(&d, clock_mono() + limit);
    finish(&d);
    json_t *description = judge(&d, limit, problem);
    if (!description || complains(description))
        show_output(module, &d.output);
    intake_free(&d.reply);
    intake_free(&d.output);
    return description;
}

json_t *
describe_module(const char *module, mono_ns limit, char **problem)
{
    char *program = programs_find(CHILD_WORKER, problem);
    json_t *description = program ? describe_run(program, module, environ, NULL, limit, problem) : NULL;
    free(program);
    return description;
}

static void
module_problem(struct conf *c, const char *module, const char *problem)
{
    if (c->file)
        conf_problem(c, "%s: modules: %s: %s", c->path, module, problem);
    else /* the module itself was given */
        conf_problem(c, "%s: %s", c->path, problem);
}

/* describe_as describes a module as the owner: NULL with the problem noted. Where there is no such user, that was noted
 * when the file was read, and its module's code is nobody else's to run. */
static json_t *
describe_as(struct conf *c, const char *program, const char *module, struct owner o)
{
    json_t *description = NULL;
    char *problem = NULL;
    struct conf_user *user = o.user && geteuid() == 0 ? conf_user_find(o.user, o.group, &problem) : NULL;
    if (!problem) {
        char **envp = environment_make(c, user, NULL);
        description = describe_run(program, module, envp, user, DESCRIBE_LIMIT, &problem);
        if (!description && user)
            conf_problem(c, "%s: modules: %s: as user %s: %s", c->path, module, user->name, problem);
        else if (!description)
            module_problem(c, module, problem);
        environment_free(&envp);
    }
    free(problem);
    conf_user_free(&user);
    return description;
}

static json_t *
describe_one(struct conf *c, const char *program, const char *module)
{
    if (access(module, R_OK)) {
        module_problem(c, module, strerror(errno));
        return NULL;
    }
    struct owner o = owner_foresee(c, module);
    json_t *description = describe_as(c, program, module, o);
    if (description && !owner_right(c, description, &o)) {
        json_decref(description);
        description = describe_as(c, program, module, o);
    }
    return description;
}

void
describe_all(struct conf *c, json_t **descriptions)
{
    char *wrong = NULL, *program = programs_find(CHILD_WORKER, &wrong);
    for (size_t i = 0; i < c->n_modules; i++) {
        descriptions[i] = program ? describe_one(c, program, c->modules[i]) : NULL;
        if (!program)
            module_problem(c, c->modules[i], wrong);
    }
    free(program);
    free(wrong);
}
