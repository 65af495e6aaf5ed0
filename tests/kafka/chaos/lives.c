/* lives.c - what the supervisors of scripts/chaos.sh took while they lived: memory and descriptors.
 *
 * The script writes "sample PID KB DESCRIPTORS MS" for each supervisor, once a second. A life of a minute and
 * more is flat where the median of its last third is not above that of its first one, less some play: a fresh
 * supervisor still fills its windows, workers come and go, and so do connections to brokers. The first
 * seconds do not count, nor does the time in which it hands out records one by one, which takes little memory: it
 * ends with "batches supervisor PID MS". */
#include "tests/kafka/chaos/lives.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kafka/chaos/verdict.h"

#define LONG_MS 60000
#define WARM_MS 10000
#define PLAY_KB(kb) ((kb) / 4 + 8192)
#define PLAY_DESCRIPTORS 24

struct sample {
    int64_t at;
    long kb, descriptors;
};

static struct life {
    int pid, n;
    int64_t from; /* what was before does not count */
    struct sample *samples;
} * lives;
static int n_lives;

static struct life *
life_of(int pid)
{
    for (int i = n_lives - 1; i >= 0; i--)
        if (lives[i].pid == pid)
            return &lives[i];
    return NULL;
}

void
lives_take(const char *text)
{
    int pid;
    struct sample s;
    if (sscanf(text, "start supervisor %d", &pid) == 1) {
        lives = realloc(lives, (size_t)(n_lives + 1) * sizeof *lives);
        lives[n_lives++] = (struct life){.pid = pid};
    } else if (sscanf(text, "sample %d %ld %ld %" SCNd64, &pid, &s.kb, &s.descriptors, &s.at) == 4) {
        struct life *l = life_of(pid);
        if (!l)
            return;
        l->samples = realloc(l->samples, (size_t)(l->n + 1) * sizeof s);
        l->samples[l->n++] = s;
    } else if (sscanf(text, "batches supervisor %d %" SCNd64, &pid, &s.at) == 2) {
        struct life *l = life_of(pid);
        if (l && l->from < s.at)
            l->from = s.at;
    }
}

static int
compare(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return x < y ? -1 : x > y;
}

static long
median(const struct sample *samples, int n, int of_descriptors)
{
    long *values = calloc((size_t)n, sizeof *values);
    for (int i = 0; i < n; i++)
        values[i] = of_descriptors ? samples[i].descriptors : samples[i].kb;
    qsort(values, (size_t)n, sizeof *values, compare);
    long middle = values[n / 2];
    free(values);
    return middle;
}

static void
judge(const struct life *l, struct lives_sum *sum)
{
    int64_t from_at = l->n > 0 && l->from > l->samples[0].at ? l->from : l->n > 0 ? l->samples[0].at : 0;
    int warm = 0;
    while (warm < l->n && l->samples[warm].at < from_at + WARM_MS)
        warm++;
    const struct sample *from = l->samples + warm;
    int n = l->n - warm, third = n / 3;
    if (third < 5 || l->samples[l->n - 1].at - from_at < LONG_MS)
        return;
    const struct sample *last = from + n - third;
    long kb = median(from, third, 0), kb_more = median(last, third, 0) - kb;
    long descriptors = median(from, third, 1), descriptors_more = median(last, third, 1) - descriptors;
    sum->judged++;
    sum->kb_grown = sum->judged == 1 || kb_more > sum->kb_grown ? kb_more : sum->kb_grown;
    sum->descriptors_grown = sum->judged == 1 || descriptors_more > sum->descriptors_grown
                                 ? descriptors_more
                                 : sum->descriptors_grown;
    if (kb_more > PLAY_KB(kb) || descriptors_more > PLAY_DESCRIPTORS)
        wrong(&sum->wrong, "supervisor %d grew from %ld KB and %ld descriptors by %ld and %ld", l->pid, kb,
              descriptors, kb_more, descriptors_more);
}

void
lives_judge(struct lives_sum *sum)
{
    *sum = (struct lives_sum){0};
    for (int i = 0; i < n_lives; i++) {
        for (int j = 0; j < lives[i].n; j++) {
            const struct sample *s = &lives[i].samples[j];
            sum->kb_most = s->kb > sum->kb_most ? s->kb : sum->kb_most;
            sum->descriptors_most =
                s->descriptors > sum->descriptors_most ? s->descriptors : sum->descriptors_most;
        }
        judge(&lives[i], sum);
    }
}
