/* letter.h - one dead letter: a record that was given up on, and why. */
#ifndef SUPERVISOR_LETTER_H
#define SUPERVISOR_LETTER_H

#include <librdkafka/rdkafka.h>

#include "conf/conf.h"
#include "shared/clock.h"
#include "shared/wire.h"
#include "supervisor/autopsy.h"
#include "supervisor/batch.h"
#include "supervisor/dispatch.h"

enum letter_state { LETTER_TO_SEND, LETTER_SENT };

/* What a delivery report is of: the first member of what its opaque pointer leads to. */
enum mail_kind { MAIL_LETTER, MAIL_MESSAGE };

struct letter {
    enum mail_kind kind; /* MAIL_LETTER */
    struct letter *next;
    struct partition *part; /* NULL: given up, nobody waits for it */
    uint64_t pos;
    enum letter_state state;
    mono_ns due; /* LETTER_TO_SEND */
    struct batch *body;
    uint32_t at;
    uint32_t attempts;
    char topic[256]; /* where the record came from: the partition may be gone when the letter is sent again */
    int32_t number;
    char *reason, *backtrace;
    struct autopsy *autopsy; /* the backtrace is still being made; NULL: it is there, or there is none */
};

/* letter_new makes the letter of the record at `pos`, with references of its own to the record's bytes and to the autopsy
 * (NULL: the record's worker did not crash). */
struct letter *letter_new(struct partition *p, uint64_t pos, const char *reason, struct autopsy *autopsy);
void letter_free(struct letter *l);

/* letter_ready says whether it can be sent: its backtrace is there, or there is none to come. */
bool letter_ready(struct letter *l);

/* letter_headers makes the headers: the record's own, byte for byte, then what SPEC 5 adds. */
rd_kafka_headers_t *letter_headers(const struct letter *l, const struct wire_view *view, const struct conf_task *c);

#endif
