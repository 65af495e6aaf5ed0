/* try.c - `headrace-worker --try`: a task without a broker and without a supervisor.
 *
 * Owns: a scoreboard of its own, and the peer that makes frames out of lines, or is given one, and reads the failures.
 *
 * DESIGN: this file is the smallest supervisor there is. Each line becomes a batch of one record, so a body runs through the
 * same inbox, and its records through the same states, as in an app; what it would have told the supervisor is printed. There
 * is one process, one thread, and no fork: made for debuggers.
 *
 * Guarantees: a line typed at a terminal is a record at once; the end of the input tells the body to stop, but only where it
 * asks for another record. Must not know: ZeroMQ sockets, Kafka. */
#include "worker/try.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "worker/batch.h"
#include "worker/body.h"
#include "worker/counter.h"
#include "worker/inbox.h"
#include "worker/life.h"
#include "worker/lines.h"
#include "worker/module.h"
#include "worker/outbox.h"
#include "worker/record.h"
#include "worker/registry.h"
#include "worker/roster.h"
#include "worker/show.h"
#include "worker/told.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_NO_INPUT = 66, EXIT_MODULE = 78 };
enum { TRY_SLOTS = 2048 }; /* so that batches of some size can be tried */

/* A record that came as a frame, in a file. */
struct captive {
    const unsigned char *frame; /* NULL: there is none */
    size_t size;
    const char *topic; /* in the frame, as all of it */
    int32_t partition;
    int64_t offset;
    bool given;
};

static struct {
    struct hr_task self;
    struct lines lines;
    char topic[250]; /* Kafka's limit, and the wire's */
    uint64_t seq;    /* of the next line */
    uint32_t failed;
    struct captive captive; /* the one record, where there are no lines */
    bool unread;            /* the input could not be read to its end */
    bool triggered;         /* a timer: its one trigger was given */
    struct {                /* a line that was read ahead, */
        bool read;
        enum lines_got event; /* and how that went */
        const char *line;
        size_t length;
    } ahead;
} try_;

static void
give_frame(zmq_msg_t *frame, const void *data, size_t size)
{
    zmq_msg_init_size(frame, size);
    memcpy(zmq_msg_data(frame), data, size);
}

static enum peer_event
give_stop(zmq_msg_t *frame)
{
    struct wire_stop stop = {0};
    wire_fill(&stop.header, WIRE_STOP, try_.self.generation, sizeof stop);
    give_frame(frame, &stop, sizeof stop);
    return PEER_FRAME;
}

static enum peer_event
give_trigger(zmq_msg_t *frame)
{
    struct wire_trigger trigger = {.number = 1};
    if (try_.triggered)
        return give_stop(frame);
    try_.triggered = true;
    wire_fill(&trigger.header, WIRE_TRIGGER, try_.self.generation, sizeof trigger);
    give_frame(frame, &trigger, sizeof trigger);
    return PEER_FRAME;
}

static enum peer_event
give_line(zmq_msg_t *frame, const char *line, size_t length)
{
    struct wire_builder builder;
    size_t size;
    wire_batch_begin(&builder, length);
    struct wire_record record = {.origin = wire_batch_origin(&builder, try_.topic, 0),
                                 .attempt = 1,
                                 .offset = (int64_t)try_.seq,
                                 .timestamp = clock_wall()};
    wire_batch_end(&builder, wire_batch_record(&builder, &record, (struct wire_bytes){0},
                                               (struct wire_bytes){line, length}));
    unsigned char *data =
        wire_batch_finish(&builder, try_.self.generation, try_.seq, try_.self.turn.failures, &size);
    give_frame(frame, data, size);
    free(data);
    slot_set(scoreboard_slot(try_.self.sb, try_.seq++, TRY_SLOTS), SLOT_WAITING);
    return PEER_FRAME;
}

static enum peer_event
give_captive(zmq_msg_t *frame)
{
    if (try_.captive.given)
        return give_stop(frame);
    try_.captive.given = true;
    give_frame(frame, try_.captive.frame, try_.captive.size);
    slot_set(scoreboard_slot(try_.self.sb, try_.seq++, TRY_SLOTS), SLOT_WAITING);
    return PEER_FRAME;
}

static enum lines_got
next_line(const char **line, size_t *length)
{
    if (!try_.ahead.read)
        return lines_next(&try_.lines, line, length);
    try_.ahead.read = false;
    *line = try_.ahead.line;
    *length = try_.ahead.length;
    return try_.ahead.event;
}

/* more_for_batch: the lines come as fast as they are read, so a batch waits for none; at their end it is what it is. */
static enum peer_event
more_for_batch(void)
{
    if (try_.captive.frame)
        return try_.captive.given ? PEER_TIME : PEER_FRAME;
    if (!try_.ahead.read)
        try_.ahead.event = lines_next(&try_.lines, &try_.ahead.line, &try_.ahead.length);
    try_.ahead.read = true;
    if (try_.ahead.event == LINES_LINE)
        return PEER_FRAME;
    return try_.self.batch.n > 0 ? PEER_TIME : PEER_FRAME; /* which is the word to stop */
}

static enum peer_event
try_receive(struct peer *peer, zmq_msg_t *frame)
{
    (void)peer;
    const char *line;
    size_t length;
    if (try_.self.kind == SELF_TIMER)
        return give_trigger(frame);
    if (try_.captive.frame)
        return give_captive(frame);
    switch (next_line(&line, &length)) {
    case LINES_LINE:
        return give_line(frame, line, length);
    case LINES_TOLD:
        return PEER_TOLD;
    case LINES_ERROR:
        fprintf(stderr, "cannot read the input: %s\n", strerror(errno));
        try_.unread = true;
        break;
    case LINES_END:
        break;
    }
    return give_stop(frame);
}

static enum peer_event
try_wait(struct peer *peer, mono_ns deadline)
{
    (void)peer;
    struct pollfd fd = {.fd = told_fd(), .events = POLLIN};
    if (try_.self.batch.collecting && !told())
        return more_for_batch();
    while (!told()) {
        if (poll(&fd, 1, clock_ms_until(deadline, clock_mono())) == 0 && clock_mono() >= deadline)
            return PEER_TIME;
    }
    return PEER_TOLD;
}

static void
try_pause(struct peer *peer)
{
    (void)peer;
    panic("failures are read as they come");
}

/* tell_record names the record with that sequence number, as who runs `try` knows it. */
static void
tell_record(uint64_t seq)
{
    if (try_.self.kind != SELF_STREAM || seq == WIRE_NO_RECORD)
        fprintf(stderr, "%s", try_.self.name);
    else if (try_.captive.frame)
        fprintf(stderr, "record %s:%d:%lld", try_.captive.topic, (int)try_.captive.partition,
                (long long)try_.captive.offset);
    else
        fprintf(stderr, "line %llu", (unsigned long long)seq + 1);
}

static void
tell_sends(const void *frame)
{
    struct wire_sends_walk walk;
    struct wire_group group;
    struct wire_message_view m;
    fflush(stdout);
    wire_sends_walk(&walk, frame);
    while (wire_sends_group(&walk, &group))
        while (wire_sends_next(&walk, &m)) {
            tell_record(group.seq);
            show_message(&m);
        }
}

/* try_send prints what is sent, and the failures that are new on the scoreboard, whatever the frame says. */
static void
try_send(struct peer *peer, const void *frame, size_t size)
{
    (void)peer;
    unsigned type;
    if (!wire_open(frame, size, try_.self.generation, &type) && type == WIRE_SENDS)
        tell_sends(frame);
    static const char *const kinds[FAILURE_KINDS] = {[FAILURE_FAILED] = "failed",
                                                     [FAILURE_REJECTED] = "rejected",
                                                     [FAILURE_DECODE] = "decode",
                                                     [FAILURE_RETURNED] = "returned"};
    struct scoreboard *sb = try_.self.sb;
    for (; try_.failed < atomic_load(&sb->failures); try_.failed++) {
        const struct reason *reason = &sb->reasons[try_.failed % SCOREBOARD_REASONS];
        fflush(stdout);
        tell_record(reason->seq);
        fprintf(stderr, ": %s: %s\n", kinds[reason->kind], reason->text);
    }
    atomic_store(&sb->failures_read, try_.failed);
}

static struct peer try_peer = {try_receive, try_wait, try_pause, try_send};

static void
bind_counters(void)
{
    size_t n = registry_n_counters();
    const char **names = mem_array(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = registry_counter(i)->name;
    counter_bind(names, (unsigned)n, try_.self.sb->counters, try_.self.sb->counters);
    free(names);
}

/* prepare makes the task as it would be in worker 0 of 1. */
static void
prepare(const struct entry *e, const char *topic)
{
    struct hr_task *self = &try_.self;
    const char *from = topic ? topic : e->topic;
    self->name = e->name;
    self->kind = e->timer ? SELF_TIMER : from ? SELF_STREAM : SELF_BACKGROUND;
    self->concurrency = 1;
    self->generation = 1;
    self->peer = &try_peer;
    turn_init(&self->turn, self->sb);
    atomic_store(&self->sb->phase, PHASE_READY);
    if (from)
        snprintf(try_.topic, sizeof try_.topic, "%.*s", (int)strcspn(from, ", "), from);
    if (try_.topic[0] == '\0')
        snprintf(try_.topic, sizeof try_.topic, "none");
    char *name = mem_printf("%s.0", e->name);
    log_init(name, LOG_LEVEL_DEBUG);
    free(name);
}

/* judge says how it went, beside the failures that were printed already. */
static int
judge(void)
{
    const struct scoreboard *sb = try_.self.sb;
    bool returned = atomic_load(&sb->phase) == PHASE_RETURNED;
    int result = atomic_load(&sb->returned);
    if (try_.unread)
        return EXIT_NO_INPUT;
    if (returned && (result != 0 || try_.self.kind == SELF_STREAM)) {
        fprintf(stderr, "%s returned %d%s\n", try_.self.name, result,
                try_.self.kind == SELF_STREAM ? " before the end of the input" : "");
        return EXIT_FAILED;
    }
    if (try_.self.kind == SELF_STREAM && told_by_signal()) {
        fprintf(stderr, "stopped by a signal after %llu %s\n", (unsigned long long)try_.seq,
                try_.captive.frame ? "record" : "lines");
        return EXIT_FAILED;
    }
    return try_.failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int
run(const struct entry *e)
{
    body_run(&try_.self, e->function);
    int code = judge();
    batch_close(&try_.self);
    inbox_close(&try_.self);
    outbox_free(&try_.self);
    record_close(&try_.self.record);
    lines_close(&try_.lines);
    roster_counters();
    return code;
}

/* load makes this process a worker's, up to the task; NULL with *code: what is wrong was then printed. */
static const struct entry *
load(const char *module, const char *task, int *code)
{
    life_prepare_process();
    try_.self.sb = mem_alloc(scoreboard_size(TRY_SLOTS));
    try_.self.sb->slots = TRY_SLOTS;
    told_open(try_.self.sb);
    told_on(SIGTERM);
    told_on(SIGINT);
    bool good = module_open(module);
    if (good) {
        bind_counters();
        good = module_setup();
    }
    if (!good) {
        *code = EXIT_MODULE;
        roster_problems(module);
        return NULL;
    }
    const struct entry *e = registry_find(task);
    *code = EXIT_USAGE;
    if (!e)
        roster_lacks(module, task);
    return e;
}

int
try_run(const char *module, const char *task, const char *file, const char *topic)
{
    int code;
    const struct entry *e = load(module, task, &code);
    if (!e)
        return code;
    prepare(e, topic);
    if (!lines_open(&try_.lines, file)) {
        fprintf(stderr, "%s: %s\n", file, strerror(errno));
        return EXIT_NO_INPUT;
    }
    return run(e);
}

/* read_captive maps the file and looks at its one record: NULL, or what is wrong with it. */
static const char *
read_captive(struct captive *c, int fd)
{
    struct wire_reader reader;
    struct wire_view view;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return strerror(errno);
    if (status.st_size == 0)
        return "it is empty";
    c->size = (size_t)status.st_size;
    void *frame = mmap(NULL, c->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (frame == MAP_FAILED)
        return strerror(errno);
    const char *wrong = wire_read_begin(&reader, frame, c->size);
    if (!wrong && reader.batch.records != 1)
        wrong = "it does not hold one record";
    if (wrong || (wrong = wire_read_next(&reader, &view)) ||
        (wrong = wire_read_origin(&reader, view.r.origin, &c->topic, &c->partition)))
        return wrong;
    c->offset = view.r.offset;
    c->frame = frame;
    return NULL;
}

int
try_record(const char *module, const char *task, int fd)
{
    int code;
    const struct entry *e = load(module, task, &code);
    if (!e)
        return code;
    const char *wrong = e->timer ? "a timer has no records" : read_captive(&try_.captive, fd);
    if (wrong) {
        fprintf(stderr, "the record on descriptor %d cannot be tried: %s\n", fd, wrong);
        return EXIT_NO_INPUT;
    }
    prepare(e, try_.captive.topic);
    return run(e);
}
