/* main.c - the headrace-timer program: says when timers are due.
 *
 * Owns: the grid, one timerfd for whichever step comes first, one ZeroMQ pipe to the supervisor.
 *
 * DESIGN: one loop waits for four things: the next step, a frame (it can only say stop), TERM, and the
 * supervisor's end. A late step is fired once, with the number of those before it that were missed.
 *
 * Must not know: tasks, Kafka, whether a trigger finds its task still running. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/children.h"
#include "shared/document.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/wire.h"
#include "worker/timer/grid.h"

#define LINGER_MS 1000

enum { EXIT_USAGE = 64 };

static json_t *document;
static struct grid grid;
static uint32_t generation;
static void *context, *pipe_;
static int timer_fd, signal_fd;

static void
read_boot(void)
{
    const char *endpoint, *level;
    json_t *timers;
    json_int_t number;
    json_error_t error;
    char *problem = NULL;
    document = document_read(CHILD_FD_BOOT, &problem);
    if (!document || fcntl(CHILD_FD_LIFELINE, F_SETFD, FD_CLOEXEC) < 0)
        fatal(EXIT_USAGE, "headrace-timer is started by `headrace run`, not by hand: %s",
              problem ? problem : "no lifeline");
    if (json_unpack_ex(document, &error, 0, "{s:s, s:s, s:I, s:o}", "endpoint", &endpoint, "log_level",
                       &level, "generation", &number, "timers", &timers) < 0)
        fatal(EXIT_USAGE, "boot document: %s", error.text);
    if ((problem = grid_read(&grid, timers)))
        fatal(EXIT_USAGE, "boot document: %s", problem);
    generation = (uint32_t)number;
    log_init("timer", log_level_of(level) < 0 ? LOG_LEVEL_INFO : (enum log_level)log_level_of(level));
    context = zmq_ctx_new();
    pipe_ = context ? zmq_socket(context, ZMQ_DEALER) : NULL;
    const int linger = LINGER_MS;
    if (!pipe_ || zmq_setsockopt(pipe_, ZMQ_LINGER, &linger, sizeof linger) < 0 ||
        zmq_connect(pipe_, endpoint) < 0)
        fatal(CHILD_EXIT_SETUP, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
}

/* open_fds comes before the first thread, so that every thread leaves TERM to the descriptor. */
static void
open_fds(void)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_SETMASK, &term, NULL);
    signal_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (signal_fd < 0 || timer_fd < 0)
        fatal(CHILD_EXIT_SETUP, "no descriptor for signals or time: %s", strerror(errno));
}

static void
say(const void *frame, size_t size)
{
    while (zmq_send(pipe_, frame, size, ZMQ_DONTWAIT) < 0)
        if (errno != EINTR) {
            log_warn("cannot send to the supervisor", "error=\"%s\"", zmq_strerror(errno));
            return;
        }
}

static void
say_ready(void)
{
    struct wire_ready ready = {.pid = getpid()};
    wire_fill(&ready.header, WIRE_READY, generation, sizeof ready);
    say(&ready, sizeof ready);
}

static void
say_fire(const struct grid_fire *fire)
{
    struct wire_fire frame = {
        .timer = fire->timer, .step = fire->step, .missed = fire->missed, .lateness_ns = fire->lateness};
    wire_fill(&frame.header, WIRE_FIRE, generation, sizeof frame);
    say(&frame, sizeof frame);
    log_debug("timer is due", "timer=%s step=%llu missed=%llu lateness_us=%lld",
              grid.timers[fire->timer].name, (unsigned long long)fire->step, (unsigned long long)fire->missed,
              (long long)(fire->lateness / NS_PER_US));
}

/* fire_due fires what is due and sets the timerfd to what comes next. */
static void
fire_due(void)
{
    struct grid_fire fire;
    mono_ns now = clock_mono(); /* once, so that each timer fires once at most */
    while (grid_due(&grid, now, &fire))
        say_fire(&fire);
    mono_ns next = grid_next(&grid);
    struct itimerspec at = {0}; /* all zero: never */
    if (next != MONO_NEVER) {
        at.it_value.tv_sec = next > 0 ? next / NS_PER_S : 0;
        at.it_value.tv_nsec = next > 0 ? next % NS_PER_S : 1;
    }
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
        panic("timerfd_settime: %s", strerror(errno));
}

/* told_by_frame reads what there is; the only frame for a timer process says stop. */
static bool
told_by_frame(void)
{
    char frame[sizeof(struct wire_batch)];
    int size = zmq_recv(pipe_, frame, sizeof frame, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    unsigned type = 0;
    const char *wrong =
        (size_t)size > sizeof frame ? "too long" : wire_open(frame, (size_t)size, generation, &type);
    if (!wrong && type == WIRE_STOP)
        return true;
    log_error("bad frame from the supervisor", "frame=%s reason=\"%s\"", wire_name(type),
              wrong ? wrong : "a timer process gets none such");
    _exit(CHILD_EXIT_PROTOCOL);
}

/* serve runs until told to stop. */
static void
serve(void)
{
    for (;;) {
        fire_due();
        zmq_pollitem_t items[] = {{.socket = pipe_, .events = ZMQ_POLLIN},
                                  {.fd = timer_fd, .events = ZMQ_POLLIN},
                                  {.fd = signal_fd, .events = ZMQ_POLLIN},
                                  {.fd = CHILD_FD_LIFELINE}}; /* its end is told unasked */
        if (zmq_poll(items, 4, -1) < 0)
            continue;
        if (items[3].revents)
            _exit(CHILD_EXIT_PROTOCOL); /* the supervisor is gone */
        if (items[2].revents || (items[0].revents && told_by_frame()))
            return;
    }
}

/* The supervisor gives the app's name and descriptors; who starts this by hand has none. */
static bool
started_by_hand(int argc, char **argv)
{
    return argc != 2 || argv[1][0] == '-' || fcntl(CHILD_FD_BOOT, F_GETFD) < 0 ||
           fcntl(CHILD_FD_LIFELINE, F_GETFD) < 0;
}

int
main(int argc, char **argv)
{
    if (started_by_hand(argc, argv)) {
        fputs("headrace-timer is started by `headrace run`; it does nothing by hand.\n", stderr);
        return EXIT_USAGE;
    }
    json_set_alloc_funcs(mem_plain, free);
    open_fds();
    read_boot();
    say_ready();
    serve();
    zmq_close(pipe_);
    zmq_ctx_term(context);
    return CHILD_EXIT_OK;
}
