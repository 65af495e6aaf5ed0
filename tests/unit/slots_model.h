/* slots_model.h - the world in which the check of the slot protocol runs: one supervisor, two workers.
 *
 * Both halves of the protocol are the real code (supervisor/holding.c with dispatch.c and ledger.c,
 * worker/turn.c). Everything they touch stands in one `struct slots_world`, at one address, so that a state
 * is a copy of it.
 *
 * What runs is an operation (settle, withdraw, hand out; begin, finish, ...) of an actor, and an actor moves
 * by one access to shared memory at a time. In the middle of an operation an actor is described by what its
 * own memory was when it began and by the answers that its accesses have got so far: to move on, the
 * operation is run anew with these answers, makes one access more, and is left. So no stack is ever saved,
 * and two runs that led to the same place are one state. */
#ifndef TESTS_UNIT_SLOTS_MODEL_H
#define TESTS_UNIT_SLOTS_MODEL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/holding.h"
#include "worker/turn.h"

#define SLOTS_WORKERS 2
#define SLOTS_LANES 2
#define SLOTS_RECORDS 8 /* per lane: the size of the ledger's ring */
#define SLOTS_MAX 4     /* of a ring */
#define SLOTS_FRAME 2   /* records of a frame */
#define SLOTS_FRAMES 4  /* that the model can hold for one worker: more than the protocol allows */
#define SLOTS_REASONS 2
#define SLOTS_NUMBERS 8    /* of lanes of order key, from 1 on */
#define SLOTS_UP SLOTS_MAX /* frames of sends on a pipe, and records in one: what they are for is held */
#define SLOTS_ANSWERS 24

/* What is explored, and how much may go wrong in it. */
struct slots_setup {
    const char *name;
    enum dispatch_order order;
    uint32_t slots, workers, lanes;
    uint32_t records[SLOTS_LANES];
    const char *keys; /* order key: of the records of each partition, a letter each; '-': none */
    uint32_t attempts;
    uint32_t kills;       /* SIGKILL at any point; the record that is on has crashed */
    uint32_t drain_kills; /* the same at a drain's end: no attempt is counted */
    uint32_t failures, withdrawals, tells;
    uint32_t sends;    /* records that send */
    uint32_t refusals; /* of them, that the broker refuses for good */
    bool batches;      /* workers take what a frame has as batches (rule 7); they send nothing then */
};

enum slots_action_kind {
    SLOTS_NONE,
    /* the supervisor's operations */
    SLOTS_HAND, /* a: records; b: their lanes, one bit each */
    SLOTS_SETTLE,
    SLOTS_RECEIVE,  /* the oldest frame of sends */
    SLOTS_WITHDRAW, /* a: the lane, SLOTS_LANES for all */
    SLOTS_BURY,     /* of a dead worker, who is born again */
    SLOTS_TICK,     /* time goes to the next due retry */
    SLOTS_CONFIRM,  /* a: the lane, b: the record: the broker has what it sends, or its dead letter */
    SLOTS_REFUSE,   /* the same: it is refused for good */
    /* a worker's operations */
    SLOTS_BEGIN, /* a, in batches: how many */
    SLOTS_FINISH,
    SLOTS_SEND, /* the same, and it has sent something */
    SLOTS_FLUSH,
    SLOTS_FAIL,
    SLOTS_HAND_BACK,
    SLOTS_LEAVE,
    SLOTS_EXIT, /* told to stop, and nothing on */
    /* one more access of an operation that is under way */
    SLOTS_ON_SUPERVISOR,
    SLOTS_ON_WORKER,
    /* what happens to a worker */
    SLOTS_TELL,
    SLOTS_KILL, /* a: how many frames of sends were on the wire */
    SLOTS_DRAIN_KILL,
    SLOTS_KINDS
};

struct slots_action {
    uint8_t kind, worker, a, b;
};

/* An operation under way and the answers it has got. */
struct slots_op {
    struct slots_action action; /* kind SLOTS_NONE: idle */
    uint8_t n;
    uint8_t answers[SLOTS_ANSWERS];
};

union slots_frame {
    struct holding_frame frame;
    unsigned char bytes[sizeof(struct holding_frame) + SLOTS_FRAME * sizeof(struct holding_item)];
};

/* What the supervisor knows about one record beyond its ledger. */
struct slots_account {
    uint8_t failures, crashes; /* endings that it was told of */
    bool finished, given_up;
    bool sending;  /* what it sends was received, and given to the producer */
    uint8_t given; /* how often */
};

struct slots_supervisor {
    struct dispatch dispatch;
    struct partition parts[SLOTS_LANES];
    struct entry ring[SLOTS_LANES][SLOTS_RECORDS];
    uint64_t redo[SLOTS_LANES][SLOTS_RECORDS];
    struct lane_link links[SLOTS_LANES][SLOTS_RECORDS];
    struct lane_list seats[SLOTS_LANES][SLOTS_WORKERS];
    struct lane lanes[SLOTS_NUMBERS];
    uint32_t buckets[SLOTS_NUMBERS];
    struct holding hold[SLOTS_WORKERS];
    union slots_frame frames[SLOTS_WORKERS][SLOTS_FRAMES];
    struct slots_account account[SLOTS_LANES][SLOTS_RECORDS];
    mono_ns now;
};

/* A frame as it is on the pipe. */
struct slots_message {
    uint64_t first;
    uint32_t n, handled;
    struct {
        uint32_t lane, epoch;
        uint8_t part, pos;
    } records[SLOTS_FRAME];
};

/* A frame of sends. It is known here which record each one is for; the supervisor is told the number only. */
struct slots_sends {
    uint8_t n;
    struct {
        uint8_t seq, lane, pos;
    } records[SLOTS_UP];
};

struct slots_worker {
    struct turn turn;
    struct slots_sends outbox;
    struct slots_message pipe[SLOTS_FRAMES]; /* the first one is being worked on if `inside` */
    uint32_t n_pipe;
    uint32_t at; /* next record of the frame that is being worked on */
    uint8_t current; /* the record of it whose slot is accessed */
    uint8_t batch[SLOTS_FRAME]; /* those that are on together, n_batch of them, of which `ended` have ended */
    uint8_t n_batch, ended;
    bool handing_back;
    bool inside;
};

/* The part of a segment that matters here. */
struct slots_segment {
    uint64_t taken, passed;
    uint32_t failures, failures_read;
    struct {
        uint64_t seq;
        uint32_t kind;
        char text[8];
    } reasons[SLOTS_REASONS];
    uint8_t state[SLOTS_MAX];
};

/* What really happened to a record, seen from above. */
struct slots_truth {
    uint8_t on; /* 1 + the worker on which it is or was on when that died; 0: none */
    bool finished;
    uint8_t unsent; /* 1 + the worker whose outbox or pipe holds what it sends; 0: none */
    bool sends;     /* it has finished with sends, and they were not lost */
    uint8_t failures, crashes;
};

struct slots_world {
    struct slots_supervisor sup;
    struct slots_worker worker[SLOTS_WORKERS];
    struct slots_segment segment[SLOTS_WORKERS];
    struct slots_op sup_op, worker_op[SLOTS_WORKERS];
    struct slots_sends up[SLOTS_WORKERS][SLOTS_UP]; /* on the pipe to the supervisor */
    uint8_t n_up[SLOTS_WORKERS];
    struct slots_truth truth[SLOTS_LANES][SLOTS_RECORDS];
    uint8_t tag[SLOTS_WORKERS]
               [SLOTS_MAX];       /* 1 + the record (lane * SLOTS_RECORDS + pos) that a slot is for */
    uint64_t left[SLOTS_WORKERS]; /* where the worker's frames really were left */
    bool dead[SLOTS_WORKERS], pinned[SLOTS_WORKERS], told[SLOTS_WORKERS];
    uint8_t kills, drain_kills, failures, withdrawals, tells, sends, refusals; /* that may still happen */
};

extern struct slots_world slots_now;
extern const struct slots_setup *slots_setup;
extern struct slots_op
    *slots_running; /* the operation that makes accesses; NULL: they are made unseen, at once */

/* slots_same says whether two records of a partition keep their order. ("Lane" means a partition elsewhere in
 * the check.) */
static inline bool
slots_same(uint64_t a, uint64_t b)
{
    const char *keys = slots_setup->keys;
    return slots_setup->order == DISPATCH_PARTITION ||
           (slots_setup->order == DISPATCH_KEY && keys[a] == keys[b] && keys[a] != '-');
}

/* slots_scoreboard is the real memory of a worker's segment. */
struct scoreboard *slots_scoreboard(uint32_t w);

/* slots_wrong ends the test: says what is wrong and how the state was reached. */
_Noreturn void slots_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* slots_supervisor.c */
void slots_supervisor_start(void);
void slots_supervisor_birth(uint32_t w);
void slots_supervisor_run(const struct slots_action *action);
bool slots_supervisor_done(void);
void slots_supervisor_check(void);

/* slots_offers.c */
#define SLOTS_CREDIT 1000 /* bytes: more than there are, since credit is not what is checked here */
uint32_t slots_supervisor_actions(struct slots_action *out);

/* slots_worker.c */
void slots_worker_birth(uint32_t w);
uint32_t slots_worker_actions(uint32_t w, struct slots_action *out);
void slots_worker_run(const struct slots_action *action);

/* slots_truth.c: called at each access, before its effect */
void slots_saw_store(uint32_t w, uint64_t field, uint64_t value);
void slots_saw_state(uint32_t w, uint32_t slot, unsigned from, unsigned to);
void slots_saw_crash(uint32_t w);
void slots_saw_loss(uint32_t w);

/* slots_world.c: one action on slots_now, and its state as bytes */
uint32_t slots_actions(struct slots_action *out);
void slots_act(const struct slots_action *action);
uint64_t slots_hash(void);
void slots_start(const struct slots_setup *setup);

/* slots_front.c: a queue of worlds and the numbers of their states */
struct slots_front {
    uint64_t *words;
    size_t start, end, room;
};
/* slots_front_first says that slots_now is what the others are compared with. */
void slots_front_first(void);
/* slots_front_add keeps slots_now; slots_front_take gives the oldest one back, false if there is none. */
void slots_front_add(struct slots_front *front, uint32_t state);
bool slots_front_take(struct slots_front *front, struct slots_world *world, uint32_t *state);
void slots_front_clear(struct slots_front *front);

/* slots_explore.c */
#define SLOTS_ACTIONS 96
struct slots_found {
    uint64_t states, steps, ends;
};
/* slots_explore visits every state; it does not return if something is wrong in one. */
struct slots_found slots_explore(const struct slots_setup *setup);

#endif
