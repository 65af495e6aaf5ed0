/* simulate.h - the world of the simulator: one broker, one group, up to two supervisors with their workers.
 *
 * The pure core is the real code (ledger, dispatch, holding, attempts, restart, pace; worker/turn). What
 * surrounds it in the supervisor (sockets, librdkafka, processes) is imitated as thinly as possible. One seed
 * makes one schedule: a world, some tens of steps in which everything may go wrong, then a time in which
 * nothing does and all must be done.
 *
 * Two parts of a record's story are kept apart. The core knows what it is told on the scoreboard; the model
 * (truth.c) sees what workers really do, at the very access that does it, and compares. */
#ifndef TESTS_SIMULATE_SIMULATE_H
#define TESTS_SIMULATE_SIMULATE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/attempts.h"
#include "supervisor/dispatch.h"
#include "supervisor/holding.h"
#include "supervisor/pace.h"
#include "supervisor/restart.h"
#include "worker/turn.h"

#define SIM_PARTS 3
#define SIM_RECORDS 6
#define SIM_SUPS 2
#define SIM_WORKERS 3  /* of a supervisor */
#define SIM_SLOTS 8    /* of a ring, at most */
#define SIM_TENURES 64 /* assignments in one schedule */
#define SIM_PIPE 16    /* frames on a pipe: more than the protocol allows */
#define SIM_LETTERS 64
#define SIM_ATTEMPTS 3
#define SIM_UP SIM_SLOTS /* frames of sends on a pipe: what they are for is held */
#define SIM_SENDS 256    /* records whose sends a producer has */
#define SIM_RUNS 4096    /* begins of records in one schedule */
#define SIM_DUTIES 18    /* kinds of steps of a supervisor */

/* What one attempt at a record does. */
enum sim_act {
    ACT_FINISH,
    ACT_FAIL,
    ACT_RETRY_AFTER,
    ACT_REJECT,
    ACT_CRASH,
    ACT_HANG,
    ACT_RETURN,
    ACT_DOWN,
    ACT_KINDS
};

/* A record in the broker's log, and what is known of it over all assignments. */
struct sim_record {
    int64_t offset;
    uint32_t bytes;
    uint8_t key;               /* 0: none */
    bool pass;                 /* it is for another group: done when it is read */
    uint8_t act[SIM_ATTEMPTS]; /* enum sim_act; attempts beyond: the last one */
    uint32_t sends;            /* messages, at each attempt; it is done when the broker has them */
    uint32_t seen;             /* how many the broker has, counted once */
    bool refused;              /* the broker refused one for good */
    bool finished, skipped;
    uint32_t letters; /* in the dead-letter topic */
    bool repeat_ok;   /* an owner ended badly after it was done: it may come again */
    bool letter_ok;   /* and so may its letter */
    uint32_t failed;  /* attempts that failed, in all assignments */
    uint32_t downs;   /* bad ends of owners that had noted it as the one to be tried */
};

struct sim_part {
    uint32_t n;
    struct sim_record rec[SIM_RECORDS];
    int64_t low, end;
    int64_t committed; /* -1: nothing yet */
    bool running;      /* the commit's metadata: not left in order, */
    uint32_t starts, attempt;
    bool noted_begun, other_begun; /* since that commit: the record it notes, another one */
    struct tenure *owner;
};

/* What really happened to one record in one assignment. */
struct sim_truth {
    uint8_t endings, crashes; /* attempts that failed, in all, and by death */
    uint8_t told;             /* of those, what the core has said */
    bool finished, told_finished, given_up, rejected, refused;
    bool giving_up; /* its letter is on its way */
    uint32_t most;  /* it was on with others at a death: at most so many are in its frame from then on; 0: any number */
    mono_ns due;    /* it is tried again, but not before */
    struct sim_worker *unsent; /* finished, and what it sends is in this worker's outbox or on its pipe, */
    uint32_t run;              /* from this run */
};

/* How far what one run of a record sends has come. */
enum sim_run { RUN_NONE, RUN_SENT, RUN_GIVEN };

enum sim_recovery { RECOVERY_PEEK, RECOVERY_MARK, RECOVERY_DONE };

/* What a commit says of one partition. */
struct sim_commit {
    int64_t offset;
    bool clean;
    uint32_t starts, attempt;
};

/* One assignment of a partition to a supervisor, from assign to the end. Never used twice in a schedule. */
struct tenure {
    struct partition part; /* first: the dispatcher's partition is found back as its tenure */
    struct sim_sup *sup;
    int p;
    uint32_t first, next;       /* records: where it starts, the next one to read */
    uint32_t idx[SIM_RECORDS];  /* the record at each position of the ledger */
    uint32_t base[SIM_RECORDS]; /* attempts at it that were counted before this assignment */
    bool leaving, lost, over;
    mono_ns left_at;
    int64_t committed;
    bool in_commit; /* the one under way */
    struct sim_commit committing;
    enum sim_recovery recovery;
    int64_t start_point;
    uint32_t starts, first_attempt, next_attempt;
    int64_t marked_point; /* the commit point that next_attempt is for */
    bool marking, said_clean;
    int bodies; /* references not given back */
    struct sim_truth truth[SIM_RECORDS];
};

/* A frame on the pipe. */
struct sim_frame {
    uint64_t first;
    uint32_t n, handled;
    struct {
        struct tenure *t;
        uint32_t idx, lane, epoch, attempt;
    } rec[SIM_SLOTS];
};

/* A frame of sends. The model knows which run of which record each is from; the core is told the number only.
 */
struct sim_sends {
    uint32_t n;
    struct {
        uint64_t seq;
        struct tenure *t;
        uint32_t idx, run;
    } rec[SIM_SLOTS];
};

/* A record that is on with others, in a batch. */
struct sim_on {
    struct tenure *t;
    uint32_t idx, attempt, run, lane, epoch;
    uint64_t seq;
};

enum sim_state { WORKER_DOWN, WORKER_UP, WORKER_STOPPING };

struct sim_worker {
    struct sim_sup *sup;
    int number;
    /* what the supervisor knows */
    enum sim_state state;
    struct holding holding;
    struct restart_worker restart;
    mono_ns start_at, watch_since;
    uint64_t watch_what;
    bool expendable, killed, useful;
    /* the process */
    bool alive, told, doomed, inside, busy;
    bool frozen; /* stopped by a signal */
    struct turn turn;
    struct sim_frame pipe[SIM_PIPE];
    uint32_t n_pipe, at;
    uint32_t draft;                      /* the run whose messages wait for its end; 0: none */
    struct sim_sends outbox, up[SIM_UP]; /* up: on the pipe */
    uint32_t n_up;
    jmp_buf died;
    /* what it really is on, once that has begun */
    bool begun;
    struct tenure *on;
    uint32_t on_idx, on_attempt, on_frame, on_run;
    struct sim_on batch[SIM_SLOTS]; /* sim.batches: n_batch of them, of which `ended` have ended; `on` is the one at hand */
    uint32_t n_batch, ended;
};

enum letter_state { LETTER_NONE, LETTER_TO_SEND, LETTER_SENT };

struct sim_letter {
    enum letter_state state;
    struct tenure *t, *from; /* t: NULL when nobody waits for it any more */
    uint64_t pos;
    uint32_t idx, attempts;
    mono_ns due;
};

/* What one record sends, with the producer. */
struct sim_send {
    struct tenure *t; /* NULL when nobody waits for it any more */
    int p;
    uint64_t pos;
    uint32_t idx, run;
    uint32_t taken, told; /* messages that the broker has, or has refused; that we were told of */
    uint32_t refused;     /* 1 + the message that was refused for good; 0: none */
};

struct sim_sup {
    bool up, busy, stopping, lost_pending;
    bool down; /* a record takes it down */
    uint32_t single_left, single_turn;
    struct tenure *active;
    bool revoking, drain_forced, commit_in_flight, commit_failed, commit_applied;
    mono_ns drain_deadline, stop_deadline;
    struct dispatch d;
    struct pace pace;
    struct restart_task restart;
    struct sim_worker worker[SIM_WORKERS];
    struct sim_letter letter[SIM_LETTERS];
    struct sim_send send[SIM_SENDS]; /* in the order in which they were given to the producer */
    uint32_t n_sends;
};

struct sim_world {
    uint64_t seed;
    uint32_t n_parts, n_sups, n_workers, slots, n_tenures;
    enum dispatch_order order;
    struct attempts_policy policy;
    uint64_t window, window_bytes, memory;
    size_t credit, frame_bytes; /* of a worker; of a frame */
    uint32_t singly;            /* records handed out one by one after two bad ends */
    bool skip;                  /* on_failure: skip, else dead letters */
    bool batches;               /* workers take records together, and send nothing */
    bool refusing;              /* the broker refuses some messages for good */
    bool calm;                  /* nothing goes wrong any more */
    uint32_t preempt;           /* one access in so many lets the other side move */
    uint32_t faults;            /* how many more may happen */
    uint32_t n_runs;
    mono_ns now;
    struct sim_part part[SIM_PARTS];
    struct sim_sup sup[SIM_SUPS];
    struct tenure tenure[SIM_TENURES];
    uint8_t run[SIM_RUNS]; /* enum sim_run */
};

extern struct sim_world sim;

#define EACH_TENURE(t, s)                                                                                    \
    for (struct tenure *t = sim.tenure; t < sim.tenure + sim.n_tenures; t++)                                 \
        if (t->sup == (s) && !t->over)

#define SIM_DEADLINE (5 * NS_PER_S)
#define SIM_DRAIN (3 * NS_PER_S)

/* main.c */
uint32_t sim_below(uint32_t n);
bool sim_once_in(uint32_t n);
/* sim_wrong tells what is wrong, and the seed, and ends the program. */
_Noreturn void sim_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* sim_note shows a step where SIM_TRACE is set. */
extern bool sim_tracing;
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define sim_note(...) (sim_tracing ? sim_trace(__VA_ARGS__) : (void)0)

/* access.c: who makes the accesses to shared memory that happen now */
extern struct sim_worker *sim_acting; /* a worker's step; NULL: the supervisor's */
extern int sim_depth;
struct scoreboard *sim_scoreboard(const struct sim_worker *w);
void sim_scoreboard_new(const struct sim_worker *w);

/* schedule.c */
void sim_step(void);
void sim_settle_down(void);
void sim_preempt_worker(struct sim_worker *w); /* in the middle of w's step: the supervisor, or its death */
void sim_preempt_supervisor(struct sim_sup *s);

/* world.c */
void world_make(void);
void world_end(void);

/* worker.c */
void worker_born(struct sim_worker *w);
void worker_step(struct sim_worker *w);
/* worker_dies: killed, or crashed: what is not on the wire is lost. worker_ends: in order. */
void worker_dies(struct sim_worker *w);
void worker_ends(struct sim_worker *w);

/* keeper.c: what the supervisor does with its workers */
void keeper_start(struct sim_worker *w);
void keeper_stop(struct sim_worker *w);
void keeper_expend(struct sim_worker *w);
void keeper_settle(struct sim_worker *w);
void keeper_receive(struct sim_worker *w);
void keeper_bury(struct sim_worker *w);
void keeper_relieve(struct sim_worker *w);
void keeper_watch(struct sim_worker *w);

/* feed.c */
void feed_all(struct sim_sup *s);
void feed_peek(struct sim_sup *s, struct tenure *t);

/* ending.c: what becomes of records that ended, and their letters */
void ending_took_down(struct sim_sup *s, struct tenure *t, uint64_t pos);
void ending_told(void *worker, struct partition *p, uint64_t pos, enum ending ending,
                 const struct reason *reason);
void letters_send(struct sim_sup *s);
void letters_report(struct sim_sup *s);
void letters_forget(struct sim_sup *s, const struct tenure *t);
void ending_refused(struct sim_sup *s, struct tenure *t, uint64_t pos);

/* sends.c: what records send, from the worker's frame to the broker's confirmation */
void sends_given(struct sim_sup *s, struct tenure *t, uint64_t pos, uint32_t run);
void sends_deliver(struct sim_sup *s);
void sends_report(struct sim_sup *s);
void sends_forget(struct sim_sup *s, const struct tenure *t);
void sends_end(struct sim_sup *s);
uint32_t sends_of(const struct sim_sup *s, const struct tenure *t);

/* group.c: assignments, revokes, stops */
void group_assign(void);
void group_revoke(struct sim_sup *s);
void group_lose(struct sim_sup *s);
void group_tick(struct sim_sup *s);
void group_stop(struct sim_sup *s);
void group_kill(struct sim_sup *s);
void group_start(struct sim_sup *s);

/* commits.c */
bool commits_pending(const struct sim_sup *s);
void commits_send(struct sim_sup *s);
void commits_answer(struct sim_sup *s);
void commits_apply(const struct sim_sup *s);

/* recovery.c: a start after an end that was not clean (rule 13) */
void recovery_begin(struct tenure *t);
void recovery_tick(struct sim_sup *s);
bool recovery_wants_mark(const struct tenure *t);
void recovery_marking(struct tenure *t);
void recovery_marked(struct tenure *t, bool good);
void recovery_handed(struct tenure *t);

/* truth.c: the model */
bool truth_same(int p, uint32_t a, uint32_t b); /* two records of a partition keep their order */
struct sim_record *truth_record(const struct tenure *t, uint32_t idx);
bool truth_owns(const struct tenure *t); /* as the group sees it */
void truth_saw(struct sim_worker *w, unsigned from, unsigned to);
void truth_died(struct sim_worker *w);
void truth_ended(const struct sim_worker *w); /* in order */
void truth_commit(const struct tenure *t, int64_t offset);
void truth_given_up(struct tenure *t, uint32_t idx);
void truth_letter(const struct sim_letter *l);
void truth_down(const struct tenure *t, uint32_t idx);
void truth_broken(int p); /* its owner ends badly: what was done since the commit may come again */
void truth_again(int p, uint32_t idx); /* it, and what comes behind it, may come again */
void truth_over(const struct tenure *t);
void truth_check(void);
void truth_end(void);
bool truth_done(const struct sim_record *r);

/* truth_sends.c */
void truth_lost(struct sim_worker *w); /* it is dead, and its pipe was read to the end */
void truth_given(struct tenure *t, uint32_t idx, uint32_t run);
void truth_message(int p, uint32_t idx, uint32_t message, uint32_t run);

#endif
