/* lives.c - what the supervisors of scripts/chaos.sh took while they lived: memory and descriptors.
 *
 * The script writes "sample PID KB DESCRIPTORS MS" for each supervisor, once a second, and "quiet MS" and
 * "loud MS" where a time begins and ends in which supervisors and brokers live on, and only workers and
 * timers die. In loud times memory comes and goes by right: what tasks send waits for a broker that is away,
 * partitions come anew. So there it is bounded, and in a quiet time it is flat: the median of its last third
 * is not above that of its first one, less some play, as workers come and go. The first seconds do not count,
 * nor does the time in which records are handed out one by one, which takes little memory: it ends with
 * "batches supervisor PID MS". */
#include "tests/kafka/chaos/lives.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kafka/chaos/verdict.h"

#define LONG_MS 30000
#define WARM_MS 20000
#define MOST_KB (160 * 1024) /* of long runs, which fetch little ahead */
#define PLAY_KB(kb) ((kb) / 4 + 8192)
#define PLAY_DESCRIPTORS 24

struct sample {
    int64_t at;
    long kb, descriptors;
};

/* One supervisor in one quiet time. */
static struct life {
    int pid, time, n;
    int64_t from; /* what was before does not count */
    struct sample *samples;
} * lives;
static int n_lives;
static bool quiet;
static int quiet_times;
static struct sample most;

static struct life *
life_of(int pid)
{
    for (int i = n_lives - 1; i >= 0 && lives[i].time == quiet_times; i--)
        if (lives[i].pid == pid)
            return &lives[i];
    lives = realloc(lives, (size_t)(n_lives + 1) * sizeof *lives);
    lives[n_lives] = (struct life){.pid = pid, .time = quiet_times};
    return &lives[n_lives++];
}

static void
take_sample(int pid, const struct sample *s)
{
    most.kb = s->kb > most.kb ? s->kb : most.kb;
    most.descriptors = s->descriptors > most.descriptors ? s->descriptors : most.descriptors;
    if (!quiet)
        return;
    struct life *l = life_of(pid);
    if (l->n == 0)
        l->from = s->at;
    l->samples = realloc(l->samples, (size_t)(l->n + 1) * sizeof *s);
    l->samples[l->n++] = *s;
}

void
lives_take(const char *text)
{
    int pid;
    struct sample s;
    if (sscanf(text, "sample %d %ld %ld %" SCNd64, &pid, &s.kb, &s.descriptors, &s.at) == 4) {
        take_sample(pid, &s);
    } else if (sscanf(text, "batches supervisor %d %" SCNd64, &pid, &s.at) == 2) {
        if (quiet)
            life_of(pid)->from = s.at;
    } else if (sscanf(text, "quiet %" SCNd64, &s.at) == 1) {
        quiet = true;
        quiet_times++;
    } else if (sscanf(text, "loud %" SCNd64, &s.at) == 1) {
        quiet = false;
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
    int warm = 0;
    while (warm < l->n && l->samples[warm].at < l->from + WARM_MS)
        warm++;
    const struct sample *from = l->samples + warm;
    int n = l->n - warm, third = n / 3;
    if (third < 5 || from[n - 1].at - from[0].at < LONG_MS)
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
    *sum = (struct lives_sum){.kb_most = most.kb, .descriptors_most = most.descriptors};
    for (int i = 0; i < n_lives; i++)
        judge(&lives[i], sum);
    if (sum->judged > 0 && most.kb > MOST_KB)
        wrong(&sum->wrong, "a supervisor took %ld KB, more than %d", most.kb, MOST_KB);
}
