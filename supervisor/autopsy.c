/* autopsy.c - the backtrace of a dead worker, made readable by a process of its own.
 *
 * Owns: the processes of headrace-symbolize under way, their answers, and the list of them.
 *
 * DESIGN: a worker that was ended by a signal has left raw frames on its scoreboard (worker/backtrace.c).
 * Making them readable means parsing files that the supervisor does not trust, so a child does it, as the user
 * that the worker ran as; it gets the frames as a document at its stdin, and answers with one line. The child has AUTOPSY_LIMIT; then it is
 * killed, and the death is told without a backtrace. What comes from the scoreboard and from the child is
 * copied with bounds, and without control characters.
 *
 * An autopsy ends when its process is reaped. Until then the list holds a reference, so it may be dropped by
 * everybody else before.
 *
 * Guarantees: never blocks but in autopsy_abandon, where the process was killed. done is called exactly once.
 * Must not know: workers, records, dead letters. */
#include "supervisor/autopsy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/utf8.h"
#include "supervisor/spawn.h"

#define AT_ONCE 4 /* processes: a task whose workers all die together is not to take the machine */
#define LOOK_EVERY (10 * NS_PER_MS) /* where there is no descriptor of a process */

struct autopsy {
    struct autopsy *next;
    unsigned references;
    struct loop *loop;
    autopsy_done *done;
    void *arg;
    char *frames, *program; /* until it is begun; then NULL */
    char *const *envp;
    const struct conf_user *user;
    pid_t pid;         /* -1: could not be started, or was reaped */
    int pidfd, answer; /* -1: none */
    struct loop_watch exit_watch, answer_watch;
    mono_ns deadline;
    bool ended, answered; /* answered: up to the newline */
    size_t taken;         /* bytes read */
    size_t length;
    char *line; /* what was answered so far */
};

static struct autopsy *under_way; /* the oldest first */
static int n_processes;

/* printable copies text without control characters, but for newlines where they are allowed. */
static size_t
printable(char *to, const char *from, size_t n, bool lines)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)from[i];
        if ((b >= ' ' && b != 0x7f) || (lines && b == '\n'))
            to[kept++] = (char)b;
    }
    return kept;
}

char *
autopsy_frames(const struct scoreboard *sb)
{
    size_t n = atomic_load_explicit(&sb->backtrace_length, memory_order_acquire);
    if (n > SCOREBOARD_BACKTRACE)
        n = SCOREBOARD_BACKTRACE;
    char *frames = mem_alloc(n + 1);
    n = printable(frames, sb->backtrace, n, true);
    while (n > 0 && frames[n - 1] != '\n')
        n--;
    frames[n] = '\0';
    if (n > 0)
        return frames;
    free(frames);
    return NULL;
}

/* ---- its end ---------------------------------------------------------------------------------------- */

static void
close_answer(struct autopsy *a)
{
    if (a->answer < 0)
        return;
    loop_remove(a->loop, &a->answer_watch);
    close(a->answer);
    a->answer = -1;
}

/* read_answer takes what is there; at most a line of AUTOPSY_LINE_MAX, what is more is not read. */
static void
read_answer(void *arg)
{
    struct autopsy *a = arg;
    char step[4096];
    while (a->answer >= 0) {
        size_t room = AUTOPSY_LINE_MAX - a->taken;
        ssize_t n = read(a->answer, step, room < sizeof step ? room : sizeof step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close_answer(a);
            return;
        }
        a->taken += (size_t)n;
        const char *newline = memchr(step, '\n', (size_t)n);
        size_t take = newline ? (size_t)(newline - step) : (size_t)n;
        a->length += printable(a->line + a->length, step, take, false);
        a->answered = newline != NULL;
        if (newline)
            close_answer(a);
    }
}

/* end is for one that has no process any more; the reference of the list goes with it. */
static void
end(struct autopsy *a)
{
    for (struct autopsy **at = &under_way; *at; at = &(*at)->next)
        if (*at == a) {
            *at = a->next;
            break;
        }
    a->ended = true;
    a->length = utf8_plain(a->line, a->length, "");
    a->line[a->length] = '\0';
    a->line = mem_grow(a->line, a->length + 1, 1); /* it may be held for long */
    if (a->done)
        a->done(a->arg, autopsy_line(a));
    autopsy_drop(a);
}

/* bury deals with the end of the process; `how` as for waitid. How it ended does not matter: an answer that
 * came up to its newline is one. */
static bool
bury(struct autopsy *a, int how)
{
    siginfo_t info;
    int result;
    memset(&info, 0, sizeof info);
    while ((result = waitid(P_PID, (id_t)a->pid, &info, WEXITED | how)) < 0 && errno == EINTR)
        ;
    if (result == 0 && info.si_pid == 0)
        return false;
    read_answer(a);
    close_answer(a);
    if (a->pidfd >= 0) {
        loop_remove(a->loop, &a->exit_watch);
        close(a->pidfd);
    }
    a->pid = a->pidfd = -1;
    n_processes--;
    return true;
}

static void
take_exit(void *arg)
{
    struct autopsy *a = arg;
    if (bury(a, WNOHANG))
        end(a);
}

/* ---- its beginning ---------------------------------------------------------------------------------- */

static int
spawn_symbolize(struct autopsy *a)
{
    char *const argv[] = {(char[]){CHILD_SYMBOLIZE}, NULL};
    int answer[2] = {-1, -1}, document = spawn_document("headrace-frames", a->frames, strlen(a->frames));
    if (document >= 0 && pipe2(answer, O_CLOEXEC) == 0) {
        fcntl(answer[0], F_SETFL, O_NONBLOCK);
        const struct spawn_fd fds[] = {{document, STDIN_FILENO}, {answer[1], STDOUT_FILENO}};
        const struct spawn_rights rights = {.core = -1, .user = a->user};
        a->pid = spawn(a->program, argv, a->envp, fds, 2, &rights, &a->pidfd);
    }
    int saved = errno;
    a->answer = answer[0];
    if (answer[1] >= 0)
        close(answer[1]);
    if (document >= 0)
        close(document);
    if (a->pid < 0 && answer[0] >= 0) {
        close(answer[0]);
        a->answer = -1;
    }
    errno = saved;
    return a->pid < 0 ? -1 : 0;
}

static void
watch(struct autopsy *a)
{
    a->answer_watch = (struct loop_watch){.fd = a->answer, .ready = read_answer, .arg = a};
    loop_add(a->loop, &a->answer_watch); /* where it cannot be watched it is read at the end: a pipe holds a line */
    a->exit_watch = (struct loop_watch){.fd = a->pidfd, .ready = take_exit, .arg = a};
    if (a->pidfd >= 0 && loop_add(a->loop, &a->exit_watch) < 0) {
        close(a->pidfd);
        a->pidfd = -1; /* it is looked at now and then instead */
    }
}

static void
forget_orders(struct autopsy *a)
{
    free(a->frames);
    free(a->program);
    a->frames = a->program = NULL;
}

static void
begin(struct autopsy *a)
{
    if (spawn_symbolize(a) == 0) {
        n_processes++;
        watch(a);
    } else {
        log_warn("no backtrace", "program=\"%s\" reason=\"%s\"", a->program, strerror(errno));
    }
    forget_orders(a);
}

struct autopsy *
autopsy_start(struct loop *loop, const char *frames, const char *program, char *const envp[],
              const struct conf_user *user, autopsy_done *done, void *arg)
{
    struct autopsy *a = mem_alloc(sizeof *a), **end = &under_way;
    *a = (struct autopsy){.references = 2, .loop = loop, .done = done, .arg = arg, .envp = envp, .user = user};
    a->pid = a->pidfd = a->answer = -1;
    a->frames = mem_string(frames);
    a->program = mem_string(program);
    a->line = mem_alloc(AUTOPSY_LINE_MAX + 1);
    a->deadline = clock_mono() + AUTOPSY_LIMIT;
    while (*end)
        end = &(*end)->next;
    *end = a;
    if (n_processes < AT_ONCE)
        begin(a);
    return a;
}

struct autopsy *
autopsy_hold(struct autopsy *a)
{
    if (a)
        a->references++;
    return a;
}

void
autopsy_drop(struct autopsy *a)
{
    if (!a || --a->references > 0)
        return;
    free(a->line);
    free(a);
}

bool
autopsy_ended(const struct autopsy *a)
{
    return a->ended;
}

const char *
autopsy_line(const struct autopsy *a)
{
    return a->ended && a->answered && a->length > 0 ? a->line : NULL;
}

/* ---- those under way -------------------------------------------------------------------------------- */

static void
say_late(const char *what)
{
    log_warn("no backtrace", "reason=\"%s took more than %lld s: %s\"", CHILD_SYMBOLIZE,
             (long long)(AUTOPSY_LIMIT / NS_PER_S), what);
}

/* attend looks after one: true where it has ended. */
static bool
attend(struct autopsy *a, mono_ns now)
{
    bool late = now >= a->deadline && a->deadline != MONO_NEVER;
    if (a->frames && late) {
        say_late("too many at once");
        forget_orders(a);
    } else if (a->frames && n_processes == AT_ONCE) {
        return false;
    } else if (a->frames) {
        begin(a);
    }
    if (a->pid < 0 || (a->pidfd < 0 && bury(a, WNOHANG))) {
        end(a);
        return true;
    }
    if (late) {
        say_late("killed");
        kill(a->pid, SIGKILL);
        a->deadline = MONO_NEVER;
    }
    return false;
}

/* done may start or abandon others: after each end the list is looked through anew. What it changed, others
 * may have to look at before anybody sleeps. */
mono_ns
autopsy_tick(mono_ns now)
{
    mono_ns next = MONO_NEVER;
    for (struct autopsy *a = under_way; a;) {
        if (attend(a, now)) {
            next = now;
            a = under_way;
            continue;
        }
        next = mono_earlier(next, a->pidfd < 0 ? mono_earlier(a->deadline, now + LOOK_EVERY) : a->deadline);
        a = a->next;
    }
    return next;
}

void
autopsy_abandon(void)
{
    while (under_way) {
        struct autopsy *a = under_way;
        forget_orders(a);
        if (a->pid >= 0) {
            kill(a->pid, SIGKILL);
            bury(a, 0);
        }
        end(a);
    }
}
