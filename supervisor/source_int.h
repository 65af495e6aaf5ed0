/* source_int.h - the insides of a source, for source.c, source_read.c, rebalance.c, commit.c and ends.c only. */
#ifndef SUPERVISOR_SOURCE_INT_H
#define SUPERVISOR_SOURCE_INT_H

#include <stdatomic.h>

#include "supervisor/expired.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

/* How a partition starts, see recovery.c. */
enum recovery { RECOVERY_ASK, RECOVERY_PEEK, RECOVERY_MARK, RECOVERY_DONE };

/* One assigned partition, with its own queue. While that queue is not read, librdkafka stops fetching into it by itself. */
struct fetch {
    struct partition part; /* first: the dispatcher's partition is found back as its fetch */
    struct source *source;
    rd_kafka_queue_t *queue;
    atomic_bool signalled; /* set by librdkafka's threads: the queue is not empty any more */
    uint64_t sent_base;    /* the ledger's base when the commit under way was sent */
    uint64_t sent_letters; /* the ledger's, likewise */
    int64_t committed;     /* -1: not known */
    enum recovery recovery;
    int64_t start_point;    /* the offset of an unclean start, -1: none */
    uint32_t starts;        /* unclean starts there */
    uint32_t first_attempt; /* of the first record read */
    int64_t marked_point;   /* single: the offset that was marked */
    uint32_t next_attempt;  /* single: of the record about to be handed out, for the metadata */
    bool marking;           /* the commit under way is what it waits for */
    bool leaving_clean;     /* the commit under way says that it is left in order, */
    bool said_clean;        /* and was confirmed */
    int64_t reset_from;    /* librdkafka went on elsewhere than here, for what was here is gone; -1: it did not */
    uint64_t read_on;      /* fetching.c: bytes that were read since its broker's thread was woken */
    bool was_full;         /* its queue, so that it may not be fetched */
    bool leaving;          /* being revoked: drains */
    mono_ns lost_at;
    bool lost;             /* not ours any more: waits only for what is held */
};

/* Where a partition ended when the run began. */
struct end {
    char *topic;
    int32_t number;
    int64_t low, end;
    bool reached; /* and committed, by whoever it was assigned to */
};

/* What the broker may not allow, see reach.c. */
enum refused { REFUSED_TOPIC, REFUSED_GROUP, REFUSED_KINDS };

#define TROUBLE_MAX 640 /* of a text about the broker */
#define COMPLAINTS 8

/* A line that was written, so that it is not written again at once. */
struct complaint {
    char text[TROUBLE_MAX];
    mono_ns at;
};

enum source_state {
    SOURCE_RUNNING,
    SOURCE_DRAINING,   /* stop: until nothing is held */
    SOURCE_COMMITTING, /* until the last commit is answered */
    SOURCE_CLOSING,    /* until the group is left */
    SOURCE_CLOSED
};

struct question {
    mono_ns next; /* not before that is it asked again */
    int wait_ms;  /* for an answer; 0: as long as for the first */
};

struct source {
    struct task *task;
    rd_kafka_t *rk;
    rd_kafka_queue_t *main; /* the consumer's own: rebalances, errors, commits; polled all the time for max.poll.interval */
    int wake_fd;
    struct loop_watch watch;
    atomic_bool woken;
    enum source_state state;
    bool headers_known; /* headers.h */
    struct expired expired;
    struct fetch **fetches;
    uint32_t n_fetches;
    uint64_t queue_bytes, queue_records; /* fetching.c: when the queue of a partition is full; 0: need not be known */
    struct fetch *sleeper; /* its broker's thread is to be woken, */
    mono_ns next_wake;     /* not before */
    /* rebalance.c */
    rd_kafka_topic_partition_list_t *revoking; /* NULL: none is being answered */
    mono_ns drain_deadline;
    bool drain_forced;
    /* commit.c */
    bool commit_in_flight;
    bool commit_failed;    /* the last one */
    atomic_bool joining;   /* the group is being joined anew: nothing may be committed; set by librdkafka's threads, too */
    mono_ns next_poll, next_commit, next_mark, next_letters, close_deadline;
    /* recovery.c */
    uint32_t single_left;  /* records still to be handed out one by one; 0: in batches */
    uint32_t single_turn;
    struct fetch *active;  /* whose turn it is; NULL: nobody's */
    struct question recovery_question;
    /* how the broker is */
    bool reached;
    bool complained;       /* a line said that it cannot be reached */
    bool probe;            /* look whether it is there again: commit though nothing changed */
    mono_ns unreached_since, next_complaint;
    mono_ns doubted_at;    /* since a connection failed; 0: no doubt */
    char last_error[TROUBLE_MAX];
    bool login_refused;    /* that is what the last error says */
    char refusal[REFUSED_KINDS][TROUBLE_MAX]; /* rights that are missing; empty: none */
    char missing[256];     /* what Kafka says of a topic that is not there */
    struct complaint complaints[COMPLAINTS];
    mono_ns last_complaint_at, next_look;
    uint64_t rebalances;
    bool assigned_once;
    atomic_bool join_answered; /* the group knows us; set by librdkafka's threads */
    bool left_uncommitted; /* a partition was given up during the stop with something done and not committed */
    bool unconfirmed;      /* closed, but the last commit was not answered */
    /* ends.c */
    struct end *ends;
    uint32_t n_ends;
    bool ends_known;
    struct question group_question;
};

static inline struct fetch *
fetch_of(struct partition *p)
{
    return (struct fetch *)p;
}

/* source.c */
void source_serve_for(struct source *s, int ms); /* before there is a loop: one event, or the time */
struct fetch *source_fetch(const struct source *s, const char *topic, int32_t number);
struct fetch *source_fetch_add(struct source *s, const char *topic, int32_t number);
void source_fetch_remove(struct source *s, struct fetch *f);
void source_fetch_cut(struct fetch *f); /* no more signals or records from its queue */

/* source_expired.c */
void source_take_resets(struct source *s); /* before records are taken */
void source_look_expired(struct fetch *f, int64_t offset); /* the first one to come after a reset */

/* fetching.c */
#define FETCH_BACKOFF_SINCE 0x020200ff /* the librdkafka that has fetch.queue.backoff.ms */
void fetching_init(struct source *s);
void fetching_read(struct fetch *f, uint32_t records, uint64_t bytes); /* so much was taken out of its queue; not 0 */
mono_ns fetching_tick(struct source *s, mono_ns now);

/* clients.c: NULL with a text (free it) where librdkafka refuses the configuration */
rd_kafka_conf_t *clients_consumer(struct source *s, const struct task *t, char **error);
rd_kafka_conf_t *clients_producer(const struct task *t, char **error);

/* reach.c */
void source_reached(struct source *s); /* the broker answered */
void reach_lost(struct source *s);
void reach_doubt(struct source *s);                /* a connection failed: ask, and wait a little */
void reach_note(struct source *s, rd_kafka_resp_err_t err, const char *why); /* an error that may be why */
void reach_tick(struct source *s, mono_ns now);
/* source_complain logs an error of Kafka, the same one not more often than every 10 s. */
void source_complain(struct source *s, const char *event, const char *text);
/* source_refused: the user lacks a right that the task cannot do without. It is said again until it is there; --until-end does
 * not wait for it. */
void source_refused(struct source *s, enum refused what, const char *name);
void source_allowed(struct source *s, enum refused what);

/* rebalance.c */
void rebalance_event(struct source *s, rd_kafka_event_t *event);
mono_ns rebalance_tick(struct source *s, mono_ns now);
void rebalance_unassign(struct source *s); /* answers the revoke */

/* commit.c */
/* commit_send commits what changed (everything, if `all`): false if there is nothing to. */
bool commit_send(struct source *s, bool all);
bool commit_pending(const struct source *s); /* there is something to commit, if only that it is left in order */
bool commit_differs(const struct fetch *f);  /* of one partition, lost or not */
bool commit_open(const struct source *s);    /* something is done that was not committed */
void commit_event(struct source *s, rd_kafka_event_t *event);
mono_ns commit_tick(struct source *s, mono_ns now);

/* leave.c */
void leave_tick(struct source *s, mono_ns now);

/* recovery.c */
char *recovery_metadata(const struct fetch *f, int64_t point); /* of a commit; free it */
bool recovery_wants_mark(const struct fetch *f); /* a commit has to come before anything is handed out */
void recovery_marking(struct fetch *f);          /* it is in the commit now being sent */
void recovery_marked(struct fetch *f, bool committed);
void recovery_handed(struct partition *p);
void recovery_nothing_there(struct partition *p);
void recovery_tick(struct source *s);
void recovery_ask(struct source *s, mono_ns now);
void recovery_peek(struct source *s); /* where the group never committed: learn where it starts */

/* question.c: `list` gets what is committed, in place. False: nobody answered. To be asked from
 * `next` on. */
bool question_ask(struct question *q, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list);

/* ends.c */
void ends_tick(struct source *s, mono_ns now);
void ends_free(struct source *s);
#endif
