/* waits.c - how far a lane was passed by while it waited for others.
 *
 * DESIGN: a lane waits from the end of a record to the beginning of the one right after it. (Where it waits for a bad
 * record of its own there is no such pair: that one has begun and not ended, or is passed over.) Meanwhile other lanes end
 * records: the most that any single one of them ended is how far this one was passed by. With more lanes than workers it
 * is some frames full; where a lane is kept behind a record that hangs, it is all that a worker does in that time.
 * It is counted in records and not in seconds, so a slow machine says the same. */
#include "tests/kafka/chaos/waits.h"

#include <string.h>

#include "tests/kafka/chaos/topics.h"

static struct {
    long ended;                      /* records */
    long others[TOPICS_PARTITIONS];  /* how many each lane had ended when this one ended its last */
    int64_t last;
    bool waits;
} lanes[TOPICS_PARTITIONS];

static long
passed_by(int lane)
{
    long most = 0;
    for (int i = 0; i < TOPICS_PARTITIONS; i++)
        if (i != lane && lanes[i].ended - lanes[lane].others[i] > most)
            most = lanes[i].ended - lanes[lane].others[i];
    return most;
}

long
waits_line(const struct line *l)
{
    int lane = l->partition;
    bool ends = strcmp(l->what, "end") == 0;
    long passed = !ends && lanes[lane].waits && l->offset == lanes[lane].last + 1 ? passed_by(lane) : 0;
    lanes[lane].waits = ends;
    lanes[lane].last = l->offset;
    if (ends) {
        lanes[lane].ended++;
        for (int i = 0; i < TOPICS_PARTITIONS; i++)
            lanes[lane].others[i] = lanes[i].ended;
    }
    return passed;
}
