/* supervisor.h - the running app: what the supervisor's parts know of each other.
 *
 * One struct app, with its tasks and their workers in arrays that never move. Each part has a heading below, named for its
 * file, with the calls that the others may make. */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "shared/clock.h"
#include "shared/scoreboard.h"
#include "supervisor/attempts.h"
#include "supervisor/autopsy.h"
#include "supervisor/batch.h"
#include "supervisor/child.h"
#include "supervisor/dispatch.h"
#include "supervisor/embedded.h"
#include "supervisor/filling.h"
#include "supervisor/holding.h"
#include "supervisor/loop.h"
#include "supervisor/pace.h"
#include "supervisor/restart.h"
#include "supervisor/rundir.h"
#include "supervisor/run.h"

struct app;
struct task;
struct source;
struct emitter;
struct control;

enum worker_state {
    WORKER_DOWN,     /* no process; started again at start_at */
    WORKER_STARTING, /* born, not yet ready */
    WORKER_UP,
    WORKER_STOPPING, /* told to stop */
    WORKER_GONE,     /* no process, and none to come */
    WORKER_STATES
};
const char *worker_state_name(enum worker_state state);

/* How long a worker has been on what it is on (watch.c). */
struct watch {
    uint64_t what;       /* the record or trigger, as a number */
    mono_ns on_for;
    mono_ns looked_at, look_at;
    mono_ns aborted_at;  /* when it was told to end for it; 0: not yet */
    mono_ns age_at;      /* when its age is looked at next */
};

/* One instance of one task: the same struct over all its lives. */
struct worker {
    struct task *task;
    int instance;
    enum worker_state state;
    struct child child;
    struct scoreboard *sb;   /* of the life now; NULL without one */
    struct holding holding;
    struct filling filling;
    struct restart_worker restart;
    mono_ns start_at;        /* WORKER_DOWN */
    mono_ns born_at;
    mono_ns cut_off_at;      /* since its pipe could not be written to; 0: it can */
    bool expendable;         /* we kill it: what it is on is not its fault (rule 9) */
    const char *killed_for;  /* expendable: why, a constant text */
    bool held_back;          /* it waits for what it sent to be confirmed: its clock stands still */
    bool misbehaved;         /* killed for a bad frame or scoreboard: */
    const char *wrong;       /* what was wrong, a constant text */
    bool past_deadline;      /* killed for what it was on */
    struct watch watch;
    struct autopsy *autopsy; /* of the last death; NULL: it left no frames */
    char cause[REASON_MAX];  /* of the last death, as the reason of the record that was on says it */
    char returned_on[320];   /* the record that its body returned on in this life; "": none */
    int64_t counted[SCOREBOARD_COUNTERS]; /* in this life, when it was last to be believed */
    uint64_t finished_life;  /* records finished in this life */
    uint64_t processed, restarts;
    bool running;            /* timers: a trigger is being run */
    uint64_t trigger;        /* its number */
    mono_ns trigger_started;
    int64_t seen_offset;     /* the record status last saw it on, and since when */
    int32_t seen_partition;
    mono_ns seen_at;
};

/* One timer's grid and what became of its triggers. */
struct trigger {
    uint64_t step;           /* last step that was fired */
    uint64_t fired, skipped;
    uint64_t number;         /* of triggers handed out */
    bool queued;
    mono_ns start;           /* of the grid */
    mono_ns lateness;        /* of the last one */
    wall_ms last;            /* 0: none yet */
};

struct task {
    struct app *app;
    struct conf_task *conf;
    struct worker *workers;
    int n_workers;
    struct restart_task restart;
    struct attempts_policy policy;
    char **environment;
    bool counts[SCOREBOARD_COUNTERS]; /* its module declares that counter */
    uint64_t processed, failed, retried, skipped, redelivered, dead_lettered;
    uint64_t expired;          /* offsets that the broker had deleted before they could be read */
    uint64_t letters_in_a_row; /* records given up on since one finished */
    struct emitter *emitter; /* NULL: the task writes no dead letters, and has sent nothing yet */
    size_t sent_bytes;       /* moving average of what a record that sends something sends; 0: none did */
    bool failed_for_good;    /* given up on */
    double rate;             /* records/s over the last second */
    uint64_t rate_processed;
    mono_ns rate_at;
    bool hungry;             /* something changed that may let records be handed out */
    mono_ns settle_at;       /* when the scoreboards are looked at next, asked or not */
    /* streams */
    mono_ns due_at;          /* when the next record that waits for an attempt may go */
    struct source *source;
    struct dispatch dispatch;
    struct pace pace;
    size_t record_bytes;     /* moving average of what a record takes in a frame */
    /* timers */
    struct trigger trigger_state;
};

enum app_state { APP_STARTING, APP_RUNNING, APP_STOPPING, APP_STATES };

struct app {
    struct conf *conf;
    const struct run_options *options;
    enum app_state state;
    struct loop loop;
    int signal_fd;
    struct loop_watch signal_watch;
    mono_ns interrupted_at;  /* by a first SIGINT; 0: not yet */
    void *zmq;
    struct rundir rundir;
    int lifeline[2];         /* children hold the reading end: it ends with us */
    int totals_fd;
    struct totals *totals;
    int64_t counters_base[SCOREBOARD_COUNTERS]; /* what dead lives added */
    struct task *tasks;
    size_t n_tasks;
    struct child timekeeper; /* the timer process */
    struct restart_task timekeeper_restart;
    struct restart_worker timekeeper_backoff;
    mono_ns timekeeper_start_at;
    struct control *control;
    struct embedded embedded;
    struct loop_watch embedded_watch;
    bool has_embedded;
    mono_ns started_at;
    mono_ns stop_began, stop_deadline, next_stop_line;
    const char *forced_by;   /* what asked to stop at once; NULL: the time ran out */
    bool forced;             /* the stop had to be forced */
    int exit_code;
    uint32_t random;         /* state of a small generator, for jitter */
    uint32_t pipes;          /* opened so far: each has a name of its own */
    char *worker_program, *timer_program, *symbolize_program;
    char **environment;      /* of the timer process: ours, less the secrets */
    mono_ns totals_at;       /* when the totals are published next */
    mono_ns progress_at;     /* when the bar of --until-end is drawn next */
    bool progress_drawn;
};

/* worker.c: birth, frames and death of workers */
void worker_init(struct worker *w, struct task *t, int instance);
void worker_start(struct worker *w);
/* worker_tick starts what is due and buries the dead; returns when it wants to be called again. */
mono_ns worker_tick(struct worker *w, mono_ns now);
void worker_stop(struct worker *w);                       /* finish what was begun, then end */
void worker_expend(struct worker *w, const char *why);    /* kill; what it is on goes back without an attempt */
void worker_replace(struct worker *w, const char *wrong); /* kill a worker that breaks the protocol */
void worker_settle(struct worker *w);
void worker_hear(struct worker *w); /* take notice of how it takes its records */
void worker_look(struct worker *w, mono_ns now); /* now and then: is its pipe still there? */
void worker_relieve(struct worker *w); /* one that stands still: others do what it has not begun */
bool worker_has_credit(const struct worker *w);
int64_t worker_rss(const struct worker *w); /* resident bytes of its process; 0: not to be had */

void worker_drop_scoreboard(struct worker *w);

/* burial.c: the end of a life; called when its process was reaped and its pipe was read to the end */
void burial_of(struct child *c);

/* watch.c: deadlines and recycling; returns when it wants to be called again */
mono_ns watch_worker(struct worker *w, mono_ns now);

/* records.c: what becomes of a record that ended */
/* records_took_supervisor_down: a record just read that was on, alone, at each of the last ends (recovery.c). */
void records_took_supervisor_down(struct task *t, struct partition *p, uint64_t pos);
/* What a finished record sends (its entry is in ENTRY_SENDING) is confirmed; or was refused for good, which gives it up. */
void records_sent(struct task *t, struct partition *p, uint64_t pos);
void records_send_refused(struct task *t, struct partition *p, uint64_t pos, const char *error);
void records_ended(void *worker, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason);

/* received.c: what workers send */
void received_sends(struct worker *w, const void *frame, size_t size);
/* received_hold_back tells workers without records whether what they sent before is to be confirmed first. */
void received_hold_back(struct worker *w);

/* feed.c: frames for workers, from the ledger and from Kafka */
void feed_task(struct task *t, mono_ns now);
/* feed_peek reads one record of a partition, if there is one, into the ledger, where it waits. */
void feed_peek(struct task *t, struct partition *p);

/* totals.c: the counters of the app */
void totals_open(struct app *a);
void totals_of_task(struct app *a, struct task *t); /* which counters are its module's */
void totals_close(struct app *a);
void totals_fold(struct app *a, struct worker *w); /* a life ends: keep what it counted */
void totals_publish(struct app *a);
int64_t totals_of(const struct app *a, size_t counter);

/* trigger.c: timers: from the timer process to the workers */
void trigger_init(struct app *a);
mono_ns trigger_tick(struct app *a, mono_ns now);
void trigger_worker_free(struct worker *w); /* a timer's worker became ready, or ended its run */
void trigger_stop(struct app *a);

/* drain.c: the stop, step by step */
void drain_begin(struct app *a, const char *why);
void drain_at_once(struct app *a, const char *why);
mono_ns drain_tick(struct app *a, mono_ns now);
bool drain_done(struct app *a); /* says what was not confirmed when its time is over */

/* control.c and status.c: the running app asked */
void control_open(struct app *a);
void control_close(struct app *a);
json_t *status_json(struct app *a);

/* start.c: 0, or an exit code */
int start_app(struct app *a);

/* app-wide helpers in run.c */
uint32_t app_random(struct app *a);
/* app_endpoint is that of the next pipe, for a child that runs as this user (NULL: as we do); free it. */
char *app_endpoint(struct app *a, const struct conf_user *user);
/* app_give_up: a task cannot go on; the app stops with exit code 1. */
void app_give_up(struct app *a, const char *task, const char *why, const char *hint);
/* app_refused: the broker does not let a task do its work. With --until-end the app stops, with exit code 69, instead of
 * waiting for it. */
void app_refused(struct app *a);

#endif
