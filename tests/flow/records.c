/* records.c - what the module `recorder` wrote: which record was seen when, by whom.
 *
 * One line a record: topic partition offset pid attempt value. Lines are written whole (one write(2) each, to a
 * file opened for appending), so the order of the lines is the order of the writing over all processes. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define PARTITIONS_MAX 4096

static struct flow_record *records;

const char *
flow_record_file(void)
{
    return flow_path("records.txt");
}

size_t
flow_records(const struct flow_record **out)
{
    free(records);
    records = NULL;
    size_t n = 0, room = 0;
    FILE *file = fopen(flow_record_file(), "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL && strchr(line, '\n') != NULL) {
        if (n == room) {
            room = room == 0 ? 256 : 2 * room;
            records = mem_grow(records, room, sizeof *records);
        }
        struct flow_record *r = &records[n++];
        int fields = sscanf(line, "%63s %d %" SCNd64 " %d %d %223[^\n]", r->topic, &r->partition, &r->offset, &r->pid,
                            &r->attempt, r->value);
        if (fields == 5)
            r->value[0] = '\0';
        ck_assert_msg(fields >= 5, "the recorder wrote: %s", line);
    }
    if (file != NULL)
        fclose(file);
    *out = records;
    return n;
}

int
flow_seen(const char *value)
{
    const struct flow_record *all;
    size_t n = flow_records(&all);
    int seen = 0;
    for (size_t i = 0; i < n; i++)
        seen += value == NULL || strcmp(all[i].value, value) == 0;
    return seen;
}

void
flow_check_order(bool repeats)
{
    const struct flow_record *all;
    size_t n = flow_records(&all);
    static int64_t last[PARTITIONS_MAX];
    for (int i = 0; i < PARTITIONS_MAX; i++)
        last[i] = -1;
    for (size_t i = 0; i < n; i++) {
        const struct flow_record *r = &all[i];
        ck_assert_int_lt(r->partition, PARTITIONS_MAX);
        int64_t *l = &last[r->partition];
        bool repeat = repeats && r->offset <= *l;
        ck_assert_msg(repeat || *l == -1 || r->offset > *l, "partition %d: offset %lld seen after %lld (line %zu)",
                      r->partition, (long long)r->offset, (long long)*l, i + 1);
        ck_assert_msg(repeat || *l == -1 || r->offset == *l + 1, "partition %d: offset %lld follows %lld (line %zu)",
                      r->partition, (long long)r->offset, (long long)*l, i + 1);
        *l = r->offset;
    }
}

void
scene_end_records(void)
{
    free(records);
    records = NULL;
}
