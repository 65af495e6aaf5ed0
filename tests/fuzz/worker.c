/* worker.c - fuzzing of all that a worker can do to the supervisor: its frames, its segment, its death.
 *
 * The supervisor's worker.c, child.c, burial.c, records.c, received.c, watch.c, totals.c and what is below
 * them are real. Imitated: the pipe, from which the input comes; the process, which dies as the input says;
 * the dead letters; the clock. log.c is included, so that its lines can be looked at, and worker.c, for a
 * segment that ends where its memory does.
 *
 * Checked: each line of the log is one line that can be shown; a life that breaks the protocol is killed,
 * once; after a death nothing is held, and what the ledger says is held is what the worker holds, after every
 * step. A new type of frame needs nothing here: types and bytes are the input's. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/wire_sends.h"
#include "supervisor/emit.h"
#include "supervisor/supervisor.h"
#include "tests/fuzz/play/confirm.h"
#include "tests/fuzz/play/imitated.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"

static ssize_t look_at_line(int fd, const void *line, size_t size);

#define write look_at_line
#include "shared/log.c"
#undef write
#define munmap(segment, size) free(segment)
#include "supervisor/worker.c"
#undef munmap

#define PARTS 2
#define RECORDS 40 /* of each partition */
#define FRAME 8
#define PAYLOAD 250

static struct app app;
static struct task task;
static struct worker w;
static struct partition parts[PARTS];
static mono_ns now;
static int kills; /* SIGKILLs of this life */

/* ---- what is imitated ---- */

static ssize_t
look_at_line(int fd, const void *line, size_t size)
{
    (void)fd;
    MUST(size > 0 && ((const char *)line)[size - 1] == '\n', "a line without an end");
    terminal_must_be_plain("the log", line, size - 1, 0);
    return (ssize_t)size;
}

mono_ns
clock_mono(void)
{
    return now;
}

wall_ms
clock_wall(void)
{
    return now / NS_PER_MS;
}

int
clock_ms_until(mono_ns deadline, mono_ns from)
{
    return deadline > from;
}

int
kill(pid_t pid, int signal)
{
    MUST(pid == 1, "%d", (int)pid);
    kills += signal == SIGKILL;
    return 0;
}

void
app_give_up(struct app *a, const char *name, const char *why, const char *hint)
{
    MUST(a == &app && name && why && hint, "%s", why);
    log_error("gave up", "task=%s why=\"%s\"", name, why);
}

uint32_t
app_random(struct app *a)
{
    return a->random++;
}

char *
app_endpoint(struct app *a, const struct conf_user *user)
{
    (void)a, (void)user;
    return mem_string("ipc:///nowhere/1");
}

void
trigger_worker_free(struct worker *worker)
{
    MUST(worker == &w && !w.running, "a run that goes on");
}

/* ---- lives ---- */

static void
birth(void)
{
    uint32_t slots = task.conf->kind == CONF_STREAM ? 32 : 2;
    child_pipe(&w.child, NULL, app_endpoint(&app, NULL), false);
    w.child.state = CHILD_ALIVE;
    w.child.pid = 1;
    w.child.started_at = w.born_at = now;
    w.state = WORKER_STARTING;
    w.expendable = w.misbehaved = w.past_deadline = w.running = false;
    w.watch = (struct watch){.looked_at = now};
    w.finished_life = 0;
    w.returned_on[0] = '\0';
    w.sb = mem_alloc(scoreboard_size(slots)); /* of its exact size; dropped in worker_drop_scoreboard */
    w.sb->slots = slots;
    holding_init(&w.holding, &task.dispatch, 0, w.sb, records_ended, &w);
    kills = 0;
}

static void
check(void)
{
    for (int i = 0; i < PARTS; i++)
        MUST(holding_holds(&w.holding, &parts[i]) == parts[i].led.held, "%d", (int)parts[i].led.held);
    MUST(kills <= 2 + (w.watch.aborted_at != 0) * 1000, "%d", kills);
    MUST(!w.misbehaved || kills > 0, "it goes on");
}

/* die: by a signal or an exit code, heard to the end. */
static void
die(unsigned how)
{
    w.child.state = CHILD_REAPED;
    w.child.reaped_at = now;
    w.child.code = how & 0x80 ? CLD_EXITED : CLD_KILLED;
    w.child.status = how & 0x7f;
    child_tick(&w.child, now);
    MUST(w.child.state == CHILD_NONE && !w.sb, "it still lives");
    for (int i = 0; i < PARTS; i++)
        MUST(parts[i].led.held == 0, "%d", (int)parts[i].led.held);
    w.state = WORKER_DOWN;
    task.failed_for_good = false; /* the app would stop; here it goes on */
    birth();
}

/* ---- what the input says ---- */

/* frame takes a frame off: with a good header or with any. */
static void
frame(struct input *in)
{
    unsigned char bytes[PAYLOAD] = {0};
    struct wire_header header;
    static const size_t sizes[] = {sizeof(struct wire_ready), sizeof(struct wire_progress),
                                   sizeof(struct wire_triggered), sizeof(struct wire_header)};
    unsigned type = input_byte(in);
    size_t n, size = type & 0x80 ? input_below(in, PAYLOAD + 1) : sizes[type >> 5 & 3];
    const uint8_t *payload = input_take(in, size, &n);
    memcpy(bytes, payload, n);
    wire_fill(&header, type & 0xf, w.child.generation - (type & 0x40 ? 1 : 0), size);
    if (!(type & 0x10))
        memcpy(bytes, &header, sizeof header);
    unsigned char *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    w.child.pipe.frame(w.child.pipe.arg, exact, size);
    free(exact);
}

/* sends gives a good frame with what records send, or who says that they have finished. */
static void
sends(struct input *in)
{
    struct wire_sends_builder b = {0};
    uint64_t seq = w.holding.tail + input_below(in, 8);
    for (unsigned groups = 1 + input_below(in, 3); groups > 0; groups--) {
        for (unsigned messages = 1 + input_below(in, 2); messages > 0; messages--) {
            struct wire_message m = {.partition = WIRE_ANY_PARTITION};
            size_t n;
            const uint8_t *value = input_take(in, input_below(in, 20), &n);
            size_t at = wire_sends_message(&b, &m, "out", (struct wire_bytes){NULL, 0},
                                           (struct wire_bytes){value, n});
            wire_sends_header(&b, at, "trace", (struct wire_bytes){value, n});
            wire_sends_end(&b, at);
        }
        wire_sends_close(&b, input_below(in, 4) == 3 ? WIRE_NO_RECORD : seq++);
    }
    size_t size = wire_sends_frame(&b, w.child.generation);
    unsigned char *exact = memcpy(malloc(size), b.data, size);
    size_t spoilt = input_byte(in) % size;
    exact[spoilt] ^= input_byte(in);
    w.child.pipe.frame(w.child.pipe.arg, exact, size);
    free(exact);
    wire_sends_free(&b);
}

static void
scribble(struct input *in)
{
    size_t n, size = scoreboard_size(w.holding.slots), at = input_number(in, 2) % size;
    static const size_t parts_of[] = {0,
                                      offsetof(struct scoreboard, message),
                                      offsetof(struct scoreboard, reasons),
                                      offsetof(struct scoreboard, backtrace_length),
                                      offsetof(struct scoreboard, counters),
                                      offsetof(struct scoreboard, state)};
    unsigned part = input_below(in, 7);
    if (part < 6)
        at = (parts_of[part] + at % 32) % size;
    unsigned how = input_byte(in);
    if (how & 0x80) { /* a byte again and again: over a whole reason, say */
        n = (how & 0x7f) * 8;
        memset((char *)w.sb + at, input_byte(in), n < size - at ? n : size - at);
        return;
    }
    const uint8_t *bytes = input_take(in, 1 + how % 64, &n);
    memcpy((char *)w.sb + at, bytes, n < size - at ? n : size - at);
}

/* work is what a worker does that says the truth. */
static void
work(unsigned state)
{
    uint64_t seq = w.sb->taken;
    if (seq >= w.holding.head)
        return;
    w.sb->taken = seq + 1;
    if (state == SLOT_FAILED)
        w.sb->reasons[w.sb->failures++ % SCOREBOARD_REASONS].seq = seq;
    slot_move(scoreboard_slot(w.sb, seq, w.holding.slots), SLOT_WAITING, state);
    for (struct holding_frame *f = w.holding.oldest; f; f = f->next)
        if (f->first + f->n == seq + 1)
            w.sb->passed = seq + 1;
}

static void
hand_out(uint32_t want)
{
    enum dispatch_supply supply;
    uint32_t room = holding_room(&w.holding, 100);
    if (room == 0 || task.conf->kind != CONF_STREAM || !worker_has_credit(&w))
        return;
    struct holding_frame *f = holding_open(&w.holding, room < want ? room : want);
    struct partition *p;
    while (!holding_full(&w.holding, f) &&
           (p = dispatch_pick(&task.dispatch, &w.holding.seat, now, &supply))) {
        uint64_t pos = p->led.head;
        if (supply == SUPPLY_WAITING) {
            pos = dispatch_waiting(&task.dispatch, p, &w.holding.seat, now);
            if (!holding_admits(&w.holding, f, ledger_entry(&p->led, pos)))
                break;
        } else {
            ledger_add(&p->led, (int64_t)pos, NULL, 0, 1);
            dispatch_entered(&task.dispatch, p, pos, pos % 5 < 4 ? &"abac"[pos % 5] : NULL, 1);
            if (!dispatch_taker(&task.dispatch, p, pos, &w.holding.seat)) {
                dispatch_kept(&task.dispatch, p, pos);
                p->more = p->led.head < RECORDS;
                continue;
            }
        }
        p->more = p->led.head < RECORDS;
        holding_put(&w.holding, f, p, pos);
    }
    if (f->n > 0)
        holding_close(&w.holding, f, f->n);
    else
        holding_drop(&w.holding, f);
}

static void
confirm(void)
{
    for (int i = 0; i < PARTS; i++)
        confirm_all(&task.dispatch, &parts[i]);
}

static void
step(struct input *in)
{
    unsigned what = input_byte(in);
    switch (what & 0xf) {
    case 0:
    case 1:
    case 2:
        frame(in);
        break;
    case 3:
        hand_out(1 + input_below(in, FRAME));
        break;
    case 4:
        w.state = w.state == WORKER_STARTING ? WORKER_UP : w.state;
        hand_out(FRAME);
        break;
    case 5:
    case 6:
        scribble(in);
        break;
    case 7:
        worker_settle(&w);
        break;
    case 8:
        die(input_byte(in));
        break;
    case 9:
        now += (mono_ns)input_byte(in) * 20 * NS_PER_MS;
        watch_worker(&w, now);
        break;
    case 10:
        if (!(what & 0x30))
            sends(in);
        else if (what & 0x10)
            worker_stop(&w);
        else
            worker_expend(&w, "the stop took too long");
        break;
    case 11:
        w.running = task.conf->kind == CONF_TIMER && worker_has_credit(&w);
        confirm();
        totals_publish(&app);
        break;
    case 12:
        work(what & 0x40 ? SLOT_SENT : SLOT_ON);
        break;
    case 13:
        work(SLOT_FAILED);
        break;
    default:
        work(SLOT_FINISHED);
    }
    check();
}

/* ---- an app ---- */

static void
begin(struct input *in)
{
    static char name[] = "app", path[] = "app.json", topic[] = "logs", group[] = "app.task";
    static const struct run_options options;
    static struct conf conf = {.app = name, .path = path, .n_counters = 3};
    static struct conf_task stream = {.name = name, .group = group, .topic = topic};
    static struct totals totals;
    unsigned how = input_byte(in);
    stream.kind = how % 3 == 0 ? CONF_STREAM : how % 3 == 1 ? CONF_TIMER : CONF_BACKGROUND;
    stream.on_failure = how & 0x10 ? CONF_DEAD_LETTER : how & 0x20 ? CONF_STOP : CONF_SKIP;
    stream.deadline = how & 0x40 ? NS_PER_S : 0;
    stream.dead_letter_limit = 5;
    now = NS_PER_S;
    app = (struct app){.conf = &conf, .options = &options, .totals = &totals, .tasks = &task, .n_tasks = 1};
    task = (struct task){.app = &app, .conf = &stream, .workers = &w, .n_workers = 1};
    task.policy =
        (struct attempts_policy){.attempts = 3, .backoff_first = NS_PER_MS, .backoff_longest = NS_PER_S};
    restart_init(&task.restart, 3, NS_PER_S, 1);
    enum dispatch_order order = how & 0x80 ? how & 1 ? DISPATCH_KEY : DISPATCH_NONE : DISPATCH_PARTITION;
    dispatch_init(&task.dispatch, order, 100, UINT64_MAX, 1);
    memset(parts, 0, sizeof parts);
    for (int i = 0; i < PARTS; i++) {
        dispatch_add(&task.dispatch, &parts[i], NULL);
        parts[i].topic = topic;
        parts[i].open = parts[i].more = true;
    }
    worker_init(&w, &task, 0);
    birth();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    log_init("fuzz", LOG_LEVEL_DEBUG);
    begin(&in);
    for (int i = 0; i < 300 && !input_ended(&in); i++)
        step(&in);
    die(SIGKILL);
    worker_drop_scoreboard(&w);
    pipe_close(&w.child.pipe);
    while (task.dispatch.n_parts > 0)
        dispatch_remove(&task.dispatch, task.dispatch.parts[0]);
    dispatch_clear(&task.dispatch);
    restart_clear(&task.restart);
    return 0;
}
