/* slots_world.c - one action in the world of the slot protocol's check.
 *
 * Owns: the memory of the segments, the running of an operation up to its next access, and the form in which
 * two states are compared. */
#include "tests/unit/slots_model.h"

#include <check.h>
#include <stddef.h>
#include <string.h>

#include "shared/mem.h"

struct slots_world slots_now;
const struct slots_setup *slots_setup;
struct slots_op *slots_running;

static union {
    struct scoreboard sb;
    unsigned char bytes[sizeof(struct scoreboard) + SLOTS_MAX + 2 * sizeof(uint64_t)];
} segments[SLOTS_WORKERS];

struct scoreboard *
slots_scoreboard(uint32_t w)
{
    return &segments[w].sb;
}

/* ---- the segments, between their real memory and a state ---- */

static void
segment_save(const struct scoreboard *sb, struct slots_segment *to)
{
    to->taken = sb->taken;
    to->passed = sb->passed;
    to->failures = sb->failures;
    to->failures_read = sb->failures_read;
    for (uint32_t i = 0; i < SLOTS_REASONS; i++) {
        to->reasons[i].seq = sb->reasons[i].seq;
        to->reasons[i].kind = sb->reasons[i].kind;
        memcpy(to->reasons[i].text, sb->reasons[i].text, sizeof to->reasons[i].text);
    }
    memcpy(to->state, (const void *)sb->state, SLOTS_MAX);
}

static void
segment_load(struct scoreboard *sb, const struct slots_segment *from)
{
    sb->slots = slots_setup->slots;
    sb->taken = from->taken;
    sb->passed = from->passed;
    sb->failures = from->failures;
    sb->failures_read = from->failures_read;
    for (uint32_t i = 0; i < SLOTS_REASONS; i++) {
        sb->reasons[i].seq = from->reasons[i].seq;
        sb->reasons[i].kind = from->reasons[i].kind;
        memcpy(sb->reasons[i].text, from->reasons[i].text, sizeof from->reasons[i].text);
    }
    memcpy((void *)sb->state, from->state, SLOTS_MAX);
}

/* ---- accesses ---- */

static struct {
    jmp_buf out;
    uint32_t at; /* how many answers of the operation were given again */
    bool moved;  /* the one new access was made */
} run;

/* replayed says whether this access was made before: then *answer is set. Else it is the new one, or one too
 * many. */
static bool
replayed(uint64_t *answer)
{
    if (!slots_running)
        return false;
    if (run.at < slots_running->n) {
        *answer = slots_running->answers[run.at++];
        return true;
    }
    if (run.moved)
        longjmp(run.out, 1);
    run.moved = true;
    return false;
}

static void
answered(uint64_t answer)
{
    if (!slots_running)
        return;
    if (slots_running->n == SLOTS_ANSWERS)
        slots_wrong("an operation of more than %d accesses", SLOTS_ANSWERS);
    if (answer > 255)
        slots_wrong("%llu is read", (unsigned long long)answer);
    slots_running->answers[slots_running->n++] = (uint8_t)answer;
    run.at++;
}

/* place_of says in which worker's segment, and where in it, an object stands. */
static size_t
place_of(const volatile void *object, uint32_t *w)
{
    for (*w = 0; *w < SLOTS_WORKERS; (*w)++) {
        size_t at = (size_t)((const volatile unsigned char *)object - segments[*w].bytes);
        if (at < sizeof segments[*w].bytes)
            return at;
    }
    slots_wrong("an access outside of the segments");
}

uint64_t slots_load(const volatile void *object, size_t size);
void slots_store(volatile void *object, size_t size, uint64_t value);
bool slots_swap(volatile void *object, uint8_t from, uint8_t to);
void slots_text(char *text, const char *from);

uint64_t
slots_load(const volatile void *object, size_t size)
{
    uint64_t value = 0;
    if (replayed(&value))
        return value;
    memcpy(&value, (const void *)object, size);
    answered(value);
    return value;
}

void
slots_store(volatile void *object, size_t size, uint64_t value)
{
    uint64_t ignored;
    if (replayed(&ignored))
        return;
    uint32_t w;
    size_t at = place_of(object, &w);
    if (at >= offsetof(struct scoreboard, state))
        slots_saw_state(w, (uint32_t)(at - offsetof(struct scoreboard, state)),
                        *(const volatile uint8_t *)object, (unsigned)value);
    else
        slots_saw_store(w, at, value);
    memcpy((void *)object, &value, size);
    answered(0);
}

bool
slots_swap(volatile void *object, uint8_t from, uint8_t to)
{
    uint64_t answer;
    if (replayed(&answer))
        return answer;
    volatile uint8_t *slot = object;
    answer = *slot == from;
    if (answer) {
        uint32_t w;
        size_t at = place_of(object, &w);
        slots_saw_state(w, (uint32_t)(at - offsetof(struct scoreboard, state)), from, to);
        *slot = to;
    }
    answered(answer);
    return answer;
}

void
slots_text(char *text, const char *from)
{
    uint64_t ignored;
    if (replayed(&ignored))
        return;
    memcpy(text, from, sizeof slots_now.segment[0].reasons[0].text);
    answered(0);
}

/* ---- operations ---- */

/* advance runs the operation up to its next access, and forgets it when it is over. */
static void
advance(struct slots_op *op, void *own, size_t size, void (*function)(const struct slots_action *action))
{
    static unsigned char before[sizeof(struct slots_supervisor) + sizeof(struct slots_worker)];
    memcpy(before, own, size);
    run.at = 0;
    run.moved = false;
    slots_running = op;
    if (setjmp(run.out) == 0) {
        function(&op->action);
        memset(op, 0, sizeof *op);
    } else {
        memcpy(own, before, size);
    }
    slots_running = NULL;
}

static void
advance_supervisor(void)
{
    advance(&slots_now.sup_op, &slots_now.sup, sizeof slots_now.sup, slots_supervisor_run);
    if (slots_now.sup_op.action.kind == SLOTS_NONE)
        slots_supervisor_check();
}

static void
advance_worker(uint32_t w)
{
    advance(&slots_now.worker_op[w], &slots_now.worker[w], sizeof slots_now.worker[w], slots_worker_run);
}

static void
birth(uint32_t w)
{
    memset(&slots_now.segment[w], 0, sizeof slots_now.segment[w]);
    segment_load(&segments[w].sb, &slots_now.segment[w]);
    memset(slots_now.tag[w], 0, sizeof slots_now.tag[w]);
    slots_now.left[w] = 0;
    memset(slots_now.up[w], 0, sizeof slots_now.up[w]);
    slots_now.n_up[w] = 0;
    slots_now.dead[w] = slots_now.told[w] = false;
    slots_supervisor_birth(w);
    slots_worker_birth(w);
}

/* bury settles what a dead worker held; nobody else touches its segment, so this is one step. */
static void
bury(const struct slots_action *action)
{
    slots_supervisor_run(action);
    slots_supervisor_check();
    birth(action->worker);
}

/* die: what the worker was on has really crashed if `crash`; the supervisor pins it on that record if
 * `pinned`. */
static void
die(uint32_t w, bool crash, bool pinned)
{
    if (crash)
        slots_saw_crash(w);
    slots_now.dead[w] = true;
    slots_now.pinned[w] = pinned;
    memset(&slots_now.worker_op[w], 0, sizeof slots_now.worker_op[w]);
    memset(&slots_now.worker[w], 0, sizeof slots_now.worker[w]);
}

/* lose takes the frames of sends off the pipe that were not on the wire yet when the worker was killed. */
static void
lose(uint32_t w, uint32_t kept)
{
    for (; slots_now.n_up[w] > kept; slots_now.n_up[w]--)
        memset(&slots_now.up[w][slots_now.n_up[w] - 1], 0, sizeof slots_now.up[w][0]);
}

/* flush makes a frame of what the worker has to send. It touches nothing that is shared. */
static void
flush(uint32_t w)
{
    struct slots_sends *outbox = &slots_now.worker[w].outbox;
    if (slots_now.n_up[w] == SLOTS_UP)
        slots_wrong("more than %d frames of sends on a pipe", SLOTS_UP);
    slots_now.up[w][slots_now.n_up[w]++] = *outbox;
    memset(outbox, 0, sizeof *outbox);
}

static void
act(const struct slots_action *action)
{
    switch (action->kind) {
    case SLOTS_WITHDRAW:
        slots_now.withdrawals--;
        /* fall through */
    case SLOTS_HAND:
    case SLOTS_SETTLE:
    case SLOTS_RECEIVE:
        slots_now.sup_op.action = *action;
        advance_supervisor();
        break;
    case SLOTS_ON_SUPERVISOR:
        advance_supervisor();
        break;
    case SLOTS_REFUSE:
        slots_now.refusals--;
        /* fall through */
    case SLOTS_CONFIRM:
        slots_supervisor_run(action);
        slots_supervisor_check();
        break;
    case SLOTS_TICK:
        slots_supervisor_run(action);
        break;
    case SLOTS_FLUSH:
        flush(action->worker);
        break;
    case SLOTS_BURY:
        bury(action);
        break;
    case SLOTS_FAIL:
    case SLOTS_SEND:
        action->kind == SLOTS_FAIL ? slots_now.failures-- : slots_now.sends--;
        /* fall through */
    case SLOTS_BEGIN:
    case SLOTS_FINISH:
    case SLOTS_HAND_BACK:
    case SLOTS_LEAVE:
        slots_now.worker_op[action->worker].action = *action;
        /* fall through */
    case SLOTS_ON_WORKER:
        advance_worker(action->worker);
        break;
    case SLOTS_TELL:
        slots_now.tells--;
        slots_now.told[action->worker] = true;
        break;
    case SLOTS_EXIT: /* it handed back what it was on, so there is nothing to pin (rule 10) */
        die(action->worker, false, true);
        break;
    case SLOTS_KILL:
        slots_now.kills--;
        lose(action->worker, action->a);
        die(action->worker, true, true);
        break;
    case SLOTS_DRAIN_KILL:
        slots_now.drain_kills--;
        lose(action->worker, action->a);
        die(action->worker, false, false);
        break;
    }
}

void
slots_act(const struct slots_action *action)
{
    for (uint32_t w = 0; w < slots_setup->workers; w++)
        segment_load(&segments[w].sb, &slots_now.segment[w]);
    act(action);
    for (uint32_t w = 0; w < slots_setup->workers; w++)
        segment_save(&segments[w].sb, &slots_now.segment[w]);
}

static uint32_t
fate_actions(uint8_t w, struct slots_action *out)
{
    uint32_t n = 0;
    if (slots_now.dead[w])
        return 0;
    if (slots_now.tells > 0 && !slots_now.told[w])
        out[n++] = (struct slots_action){SLOTS_TELL, w, 0, 0};
    /* what the supervisor is receiving it has read, and cannot be lost */
    const struct slots_action *doing = &slots_now.sup_op.action;
    uint8_t kept = doing->kind == SLOTS_RECEIVE && doing->worker == w;
    for (; kept <= slots_now.n_up[w]; kept++) {
        if (slots_now.kills > 0)
            out[n++] = (struct slots_action){SLOTS_KILL, w, kept, 0};
        if (slots_now.drain_kills > 0)
            out[n++] = (struct slots_action){SLOTS_DRAIN_KILL, w, kept, 0};
    }
    return n;
}

uint32_t
slots_actions(struct slots_action *out)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < slots_setup->workers; w++)
        segment_load(&segments[w].sb, &slots_now.segment[w]);
    if (slots_now.sup_op.action.kind != SLOTS_NONE)
        out[n++] = (struct slots_action){SLOTS_ON_SUPERVISOR, 0, 0, 0};
    else
        n += slots_supervisor_actions(out + n);
    for (uint8_t w = 0; w < slots_setup->workers; w++) {
        if (slots_now.worker_op[w].action.kind != SLOTS_NONE)
            out[n++] = (struct slots_action){SLOTS_ON_WORKER, w, 0, 0};
        else if (!slots_now.dead[w])
            n += slots_worker_actions(w, out + n);
        n += fate_actions(w, out + n);
    }
    return n;
}

void
slots_start(const struct slots_setup *setup)
{
    slots_setup = setup;
    memset(&slots_now, 0, sizeof slots_now);
    slots_now.kills = (uint8_t)setup->kills;
    slots_now.drain_kills = (uint8_t)setup->drain_kills;
    slots_now.failures = (uint8_t)setup->failures;
    slots_now.sends = (uint8_t)setup->sends;
    slots_now.refusals = (uint8_t)setup->refusals;
    slots_now.withdrawals = (uint8_t)setup->withdrawals;
    slots_now.tells = (uint8_t)setup->tells;
    slots_supervisor_start();
    for (uint32_t w = 0; w < setup->workers; w++)
        birth(w);
}
