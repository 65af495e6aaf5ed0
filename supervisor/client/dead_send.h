/* dead_send.h - dead letters on their way back. */
#ifndef SUPERVISOR_CLIENT_DEAD_SEND_H
#define SUPERVISOR_CLIENT_DEAD_SEND_H

#include "supervisor/client/dead.h"
#include "supervisor/client/letter.h"

/* What was sent where, for the report. */
struct tally {
    char topic[LETTER_TOPIC_MAX + 1];
    char *group; /* NULL: for all */
    uint64_t sent;
};

struct dead_sender {
    struct dead_wish *w;
    const struct reader *reader;
    rd_kafka_t *rk;
    int64_t *failed; /* for each partition: the oldest letter that was not confirmed; INT64_MAX: none */
    struct tally *tallies;
    size_t n_tallies;
    uint64_t sent, left, unsent;
    bool stop; /* there is no point in going on; code says why, it was printed */
    int code;
    char last_error[512]; /* of the connection */
};

/* dead_sender_open makes the producer; `w` and `reader` are set before. 0, or an exit code; what is wrong was
 * then printed. Close it either way. `s` must not move afterwards. */
int dead_sender_open(struct dead_sender *s);

/* dead_send sends a letter back to where it came from, or to w->to. */
void dead_send(struct dead_sender *s, const rd_kafka_message_t *m);

/* dead_sender_settle waits until each letter is confirmed, refused or given up on. */
void dead_sender_settle(struct dead_sender *s);

/* dead_sender_stop ends the replay; only the first reason is printed. */
void dead_sender_stop(struct dead_sender *s, int code, const char *why);

void dead_sender_report(const struct dead_sender *s);
void dead_sender_close(struct dead_sender *s);

#endif
