/* expired.c - records that the broker deleted before they could be read.
 *
 * Owns: the partitions that librdkafka has reset and nobody has asked about yet.
 * Guarantees: a note is taken once; one too many (EXPIRED_NOTES at a time) is not counted, but librdkafka's line is in the
 *   debug log all the same. Must not know: what is done about it.
 *
 * The line is "TOPIC [PARTITION]: offset reset (at ...) to ...", with facility OFFSET and level warning where an error is the
 * reason; a partition that has no committed offset yet is reset without one, at debug level. */
#include "supervisor/expired.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

void
expired_init(struct expired *x)
{
    pthread_mutex_init(&x->lock, NULL);
    x->n = 0;
}

bool
expired_note(struct expired *x, int level, const char *facility, const char *text)
{
    char topic[250];
    int partition;
    if (level > LOG_WARNING || strcmp(facility, "OFFSET") != 0)
        return false;
    const char *line = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;
    line = line ? line + 3 : text;
    if (!strstr(line, "]: offset reset (at") || sscanf(line, "%249s [%d]", topic, &partition) != 2)
        return false;
    pthread_mutex_lock(&x->lock);
    bool room = x->n < EXPIRED_NOTES;
    if (room) {
        memcpy(x->notes[x->n].topic, topic, sizeof topic);
        x->notes[x->n++].partition = partition;
    }
    pthread_mutex_unlock(&x->lock);
    return room;
}

bool
expired_next(struct expired *x, char *topic, int32_t *partition)
{
    pthread_mutex_lock(&x->lock);
    bool any = x->n > 0;
    if (any) {
        memcpy(topic, x->notes[0].topic, sizeof x->notes[0].topic);
        *partition = x->notes[0].partition;
        memmove(&x->notes[0], &x->notes[1], --x->n * sizeof x->notes[0]);
    }
    pthread_mutex_unlock(&x->lock);
    return any;
}
