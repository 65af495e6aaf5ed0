/* emit_int.h - the insides of an emitter, for emit.c and emit_*.c only. */
#ifndef SUPERVISOR_EMIT_INT_H
#define SUPERVISOR_EMIT_INT_H

#include <librdkafka/rdkafka.h>

#include "supervisor/emit.h"
#include "supervisor/letter.h"
#include "supervisor/source_int.h"
#include "supervisor/supervisor.h"

#define EMIT_AGAIN (2 * NS_PER_S)

/* A topic that is sent to, and what the broker said of it. */
enum emit_topic_state {
    TOPIC_ASKED, /* no answer yet */
    TOPIC_THERE,
    TOPIC_MISSING,
    TOPIC_UNKNOWN /* it cannot be told (no right to ask): the producer will find out */
};

#define EMIT_TOPICS_MAX 1000 /* that a task may send to; headrace.h says it */

struct emit_topic {
    struct emit_topic *next;
    char *name;
    rd_kafka_topic_t *handle; /* of the producer now */
    enum emit_topic_state state;
    bool asking;
    mono_ns answered_at;   /* 0: never */
    mono_ns ask_at;        /* TOPIC_ASKED: ask again; MONO_NEVER: an answer is to come */
    mono_ns missing_since; /* 0: not so far */
    int64_t max_bytes;     /* of one message; 0: not known */
};

/* One message; everything points into its parcel's frame. */
struct outgoing_message {
    enum mail_kind kind; /* first: MAIL_MESSAGE, as in struct letter */
    bool produced;       /* with librdkafka */
    bool settled;        /* confirmed, refused for good, or not to be sent */
    bool suspect;        /* it was in a batch that was refused: it goes alone, to tell whether it is the one */
    struct outgoing *of;
    struct emit_topic *topic;
    struct wire_message_view view;
};

/* What one record sends. */
struct outgoing {
    struct parcel *parcel;
    struct partition *part; /* NULL: nobody waits for it */
    uint64_t pos;
    struct outgoing_message *messages;
    uint32_t n, settled;
    bool no_record; /* of a body without records */
    bool begun;     /* something of it was produced: it is not held back any more */
    bool finished;
    char *refused; /* why a message cannot be sent at all; NULL: it can */
};

/* What came in one frame: one block of memory, the frame itself behind the rest. */
struct parcel {
    struct parcel *before, *next;
    uint64_t number; /* in the order of arrival */
    mono_ns arrived;
    uint32_t n, finished; /* groups */
    uint32_t from;        /* the first group that librdkafka does not have all of */
    size_t bytes;           /* about what it takes in memory, here and in librdkafka */
    struct outgoing *groups;
};

struct emitter {
    struct task *task;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int wake_fd;
    struct loop_watch watch;
    bool failed;                  /* the producer, for good, */
    bool not_allowed;             /* since a right is missing */
    mono_ns renew_at, renewed_at; /* the producer */
    char trouble[TROUBLE_MAX];
    mono_ns next_complaint;
    /* emit_letters.c */
    struct letter *letters;
    uint64_t n_letters;
    mono_ns ask_again; /* for the dead-letter topic; 0: it was answered */
    /* emit_sends.c */
    struct parcel *oldest, *newest;
    struct parcel *to_produce; /* the first one with something that librdkafka does not have */
    uint64_t numbers;
    uint64_t n_messages, bytes, sent;
    uint64_t under_way;             /* messages with librdkafka */
    struct outgoing_message *alone; /* the suspect among them, which nothing may join; NULL: none */
    mono_ns produce_at; /* not before; 0: at once */
    /* emit_topics.c */
    struct emit_topic *topics, *last_topic;
    int64_t max_bytes; /* of one message, the producer's own limit */
    bool compresses;   /* so a topic's limit says little about one message */
    int64_t batch_bytes; /* what the producer puts into one batch at most */
    int64_t batch_limit; /* less than its own limit, since a topic takes no larger ones; 0: none does */
};

/* emit.c */
bool emit_has_letters(const struct emitter *e); /* the task may write dead letters */
void emit_complain(struct emitter *e, const char *what, const char *first, uint64_t waiting, const char *why);

/* emit_letters.c */
void letters_ask_for_topic(struct emitter *e);
void letters_topic_answered(struct emitter *e, rd_kafka_event_t *event);
void letters_report(struct emitter *e, const rd_kafka_message_t *m);
void letters_renew(struct emitter *e); /* there is a new producer */
void letters_forget(struct emitter *e, const struct partition *p);
void letters_free(struct emitter *e);
mono_ns letters_tick(struct emitter *e, mono_ns now);

/* emit_sends.c */
void sends_report(struct emitter *e, struct outgoing_message *m, rd_kafka_resp_err_t err);
void sends_renew(struct emitter *e);
void sends_forget(struct emitter *e, const struct partition *p);
void sends_free(struct emitter *e);
/* sends_refuse_rest: o->refused says why. What is under way is waited for; the group may be finished then. */
void sends_refuse_rest(struct emitter *e, struct outgoing *o);
void sends_note_refused(const struct emitter *e, struct outgoing *o, const struct outgoing_message *m,
                        rd_kafka_resp_err_t err);
bool sends_for_good(rd_kafka_resp_err_t err); /* sending the same message again would end the same way */
void sends_trouble(struct emitter *e, const struct outgoing_message *m, rd_kafka_resp_err_t err);
void sends_drop_finished(struct emitter *e, struct parcel *p); /* frees it if its last group is finished */

/* emit_produce.c */
void sends_produce(struct emitter *e);
mono_ns sends_tick(struct emitter *e, mono_ns now);

/* emit_topics.c */
enum emit_verdict { EMIT_GO, EMIT_WAIT, EMIT_REFUSE };
/* topics_look says whether the group may be produced; where it may not for good, o->refused says why. */
enum emit_verdict topics_look(struct emitter *e, struct outgoing *o);
void topics_open(struct emitter *e, const rd_kafka_conf_t *conf); /* before the producer is made */
void topics_answered(struct emitter *e, rd_kafka_event_t *event);
void topics_renew(struct emitter *e); /* the producer is about to be destroyed */
void topics_free(struct emitter *e);
struct emit_topic *topics_of(struct emitter *e, const char *name); /* NULL: it would be one too many */
rd_kafka_topic_t *topics_handle(struct emitter *e, struct emit_topic *t); /* for producing */
mono_ns topics_tick(struct emitter *e, mono_ns now);

#endif
