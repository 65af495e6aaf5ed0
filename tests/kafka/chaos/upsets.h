/* upsets.h - what made supervisors of scripts/chaos.sh leave work that is done again, and when.
 *
 * An upset of a supervisor: it was killed; it lost its assignment, as its log says, because the broker was away or the
 * coordinator of its group moved to another one, as its log says too (Kafka gives a broker back what it led, some time after
 * its return); it left without a confirmation of its last commit, as its log says. Each has its time, and explains what it
 * led to once. */
#ifndef TESTS_KAFKA_CHAOS_UPSETS_H
#define TESTS_KAFKA_CHAOS_UPSETS_H

#include <stdbool.h>
#include <stdint.h>

enum upset_kind { UPSET_KILLED, UPSET_LOST, UPSET_UNCONFIRMED, UPSET_KINDS };

struct upset {
    enum upset_kind kind;
    int pid;    /* of the supervisor */
    int64_t at; /* ms */
};

/* Takes a line of the script; others are passed over. upsets_sort comes after the last one; it returns how
 * many losses cannot be believed, for there was no reason then; they are none, and are shown. */
void upsets_take(const char *text);
int upsets_sort(void);

/* The first upset of that supervisor not after `until`; NULL: none. A loss only after `after`; whoever was
 * killed or left does not come back, so that is not looked at there. Where another one has taken over
 * (`taken`), what it says of itself may come later: it does not hear at once that the group went on without
 * it. */
const struct upset *upsets_of(int pid, int64_t after, int64_t until, bool taken);

/* Adds to `counts` what happened to any supervisor after `after` and not after `until`; returns how much that
 * is. */
int upsets_between(int64_t after, int64_t until, int counts[UPSET_KINDS]);
#endif
