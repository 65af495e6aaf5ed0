/* check.c - accounts for the records that `fill` wrote, by the file that the recorder wrote.
 *
 *   check -n RECORDS -p PARTITIONS [-r REPEATS] [-a ABORTED] [-u] FILE
 *
 * Every record must have been seen: exactly once, or with -r with up to that many repeats in all. In each
 * partition records must have been seen in order (unless -u), where a repeat may go back to a record that was seen
 * already and must go on in order from there. With -a exactly so many records of aborted transactions must have been
 * seen too, without it none. Lines are "topic partition offset pid attempt value". */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/common/options.h"

#define SHOWN 10 /* wrong lines; the rest is counted */
#define PIDS_MAX 4096

struct check {
    long records, partitions, repeats_allowed, aborted_wanted;
    bool unordered;
    const char *file;
    long *last;          /* by partition: the sequence number seen last, -1 none */
    unsigned char *seen; /* by sequence number * partitions + partition; counts up to 255 */
    long lines, repeats, aborted, wrong;
    long pids[PIDS_MAX], n_pids;
};

static void
wrong(struct check *c, const char *what, const char *line)
{
    if (c->wrong++ < SHOWN)
        fprintf(stderr, "check: line %ld: %s: %s", c->lines, what, line);
}

static void
note_pid(struct check *c, long pid)
{
    for (long i = c->n_pids - 1; i >= 0; i--)
        if (c->pids[i] == pid)
            return;
    if (c->n_pids < PIDS_MAX)
        c->pids[c->n_pids++] = pid;
}

/* A record of a transaction that was taken back: fill gives it this value. */
static bool
is_aborted(const char *line)
{
    static const char end[] = " aborted\n";
    size_t n = strlen(line);
    return n >= sizeof end - 1 && strcmp(line + n - (sizeof end - 1), end) == 0;
}

static void
check_line(struct check *c, const char *line)
{
    long column, offset, pid, attempt, partition, sequence;
    c->lines++;
    if (is_aborted(line)) {
        if (c->aborted++ >= c->aborted_wanted)
            wrong(c, "a record of an aborted transaction", line);
        return;
    }
    if (sscanf(line, "%*s %ld %ld %ld %ld %ld/%ld", &column, &offset, &pid, &attempt, &partition, &sequence) != 6) {
        wrong(c, "not a record of fill", line);
        return;
    }
    long place = sequence * c->partitions + partition;
    if (partition < 0 || partition >= c->partitions || column != partition || sequence < 0 || place >= c->records) {
        wrong(c, "no such record was written", line);
        return;
    }
    note_pid(c, pid);
    bool repeat = c->seen[place] > 0;
    c->repeats += repeat;
    if (c->seen[place] < 255)
        c->seen[place]++;
    if (repeat && c->repeats > c->repeats_allowed)
        wrong(c, "seen again", line);
    if (!c->unordered && !repeat && sequence != c->last[partition] + 1)
        wrong(c, "out of order", line);
    if (!c->unordered && repeat && sequence > c->last[partition] + 1)
        wrong(c, "a repeat that is out of order", line);
    c->last[partition] = sequence;
}

static void
read_file(struct check *c)
{
    FILE *file = fopen(c->file, "r");
    char *line = NULL;
    size_t size = 0;
    if (file == NULL) {
        fprintf(stderr, "check: %s: %s\n", c->file, strerror(errno));
        exit(1);
    }
    while (getline(&line, &size, file) > 0)
        check_line(c, line);
    free(line);
    fclose(file);
}

static long
count_missing(struct check *c)
{
    long missing = 0;
    for (long i = 0; i < c->records; i++)
        if (c->seen[i] == 0 && missing++ < SHOWN)
            fprintf(stderr, "check: never seen: %ld/%ld\n", i % c->partitions, i / c->partitions);
    return missing;
}

static void
read_options(struct check *c, int argc, char **argv)
{
    const struct tool_option table[] = {
        {'n', .number = &c->records, .least = 1, .needed = true},
        {'p', .number = &c->partitions, .least = 1, .needed = true},
        {'r', .number = &c->repeats_allowed},
        {'a', .number = &c->aborted_wanted},
        {'u', .flag = &c->unordered},
        {0},
    };
    c->file = *options_read(argc, argv, table, 1, "-n RECORDS -p PARTITIONS [-r REPEATS] [-a ABORTED] [-u] FILE");
}

int
main(int argc, char **argv)
{
    static struct check c;
    read_options(&c, argc, argv);
    c.seen = calloc((size_t)c.records, 1);
    c.last = malloc((size_t)c.partitions * sizeof *c.last);
    for (long p = 0; p < c.partitions; p++)
        c.last[p] = -1;
    read_file(&c);
    long missing = count_missing(&c);
    if (c.aborted < c.aborted_wanted)
        fprintf(stderr, "check: %ld records of aborted transactions were seen, not %ld\n", c.aborted, c.aborted_wanted);
    printf("%ld records in %ld partitions: %ld missing, %ld repeated, %ld wrong lines; seen by %ld processes\n",
           c.records, c.partitions, missing, c.repeats, c.wrong, c.n_pids);
    free(c.seen);
    free(c.last);
    return missing == 0 && c.wrong == 0 && c.aborted >= c.aborted_wanted ? 0 : 1;
}
