/* try_record.h - the record that `headrace try --record` runs a task on. */
#ifndef SUPERVISOR_CLIENT_TRY_RECORD_H
#define SUPERVISOR_CLIENT_TRY_RECORD_H

#include <stdbool.h>

#include "conf/conf.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/reader.h"

struct try_record {
    char topic[LETTER_TOPIC_MAX + 1];
    struct reader_place place;
};

/* try_record_read reads "TOPIC:PARTITION:OFFSET"; false if it is none. */
bool try_record_read(const char *text, struct try_record *record);

/* try_record_fetch fetches the record from the task's brokers, and puts it as a frame into a file in memory,
 * for headrace-worker --try-record. A dead letter becomes the record that died, as it was, unless the task
 * reads that topic itself. Returns the descriptor, which survives exec; or -1 with *code, what is wrong was
 * then printed. */
int try_record_fetch(const struct try_record *record, const struct conf_task *t, int *code);

/* try_record_frame is the part of it that needs no broker: the frame, to be freed. */
unsigned char *try_record_frame(const rd_kafka_message_t *m, const char *topic, const char *task_topics,
                                size_t *size);

#endif
