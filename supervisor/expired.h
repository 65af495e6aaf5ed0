/* expired.h - records that the broker deleted before they could be read.
 *
 * librdkafka goes on at the oldest record that is left (or the newest, as auto.offset.reset says), and tells that in its log
 * only. One of these for each source; what is noted comes from librdkafka's threads. */
#ifndef SUPERVISOR_EXPIRED_H
#define SUPERVISOR_EXPIRED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPIRED_NOTES 64

struct expired {
    pthread_mutex_t lock;
    struct {
        char topic[250];
        int32_t partition;
    } notes[EXPIRED_NOTES];
    uint32_t n;
};

void expired_init(struct expired *x);
/* expired_note looks at a line of librdkafka's log, from any thread: true if it says that a partition was reset. */
bool expired_note(struct expired *x, int level, const char *facility, const char *text);
/* expired_next takes the oldest note; false: there is none. */
bool expired_next(struct expired *x, char *topic, int32_t *partition);

#endif
