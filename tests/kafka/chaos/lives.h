/* lives.h - what the supervisors of scripts/chaos.sh took while they lived: memory and descriptors. */
#ifndef TESTS_KAFKA_CHAOS_LIVES_H
#define TESTS_KAFKA_CHAOS_LIVES_H

/* Takes a line of the script; others are passed over. */
void lives_take(const char *text);

struct lives_sum {
    long wrong, judged; /* supervisors in quiet times: that grew, that were there long enough to say so */
    long kb_most, descriptors_most; /* of all samples */
    long kb_grown,
        descriptors_grown; /* the most that the median of a life's last third is above that of its first */
};

void lives_judge(struct lives_sum *sum);

#endif
