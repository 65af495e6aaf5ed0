/* upsets.c - what made supervisors of scripts/chaos.sh leave work that is done again, and when. */
#include "tests/kafka/chaos/upsets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX 4096
#define SESSION_MS 10000 /* the session timeout, and time to find out */

static struct upset upsets[MAX];
static int n_upsets;
static struct {
    int64_t from, to; /* to: 0 while it is away */
} away[MAX];
static int n_away;
static struct upset moves[MAX]; /* a supervisor heard that its group's coordinator is another broker, or is not ready yet */
static int n_moves;

static void
add(enum upset_kind kind, int pid, int64_t at)
{
    if (n_upsets == MAX) {
        fprintf(stderr, "chaos_check: more than %d upsets\n", MAX);
        exit(1);
    }
    upsets[n_upsets++] = (struct upset){kind, pid, at};
}

void
upsets_take(const char *text)
{
    int pid;
    int64_t at;
    if (sscanf(text, "kill supervisor %d %" SCNd64, &pid, &at) == 2)
        add(UPSET_KILLED, pid, at);
    else if (sscanf(text, "lost supervisor %d %" SCNd64, &pid, &at) == 2)
        add(UPSET_LOST, pid, at);
    else if (sscanf(text, "unconfirmed supervisor %d %" SCNd64, &pid, &at) == 2)
        add(UPSET_UNCONFIRMED, pid, at);
    else if (sscanf(text, "moved supervisor %d %" SCNd64, &pid, &at) == 2 && n_moves < MAX)
        moves[n_moves++] = (struct upset){.pid = pid, .at = at};
    else if (sscanf(text, "kill broker %d %" SCNd64, &pid, &at) == 2 && n_away < MAX)
        away[n_away++].from = at;
    else if (sscanf(text, "back broker %d %" SCNd64, &pid, &at) == 2 && n_away > 0)
        away[n_away - 1].to = at;
}

static bool
was_away(int64_t at)
{
    for (int i = 0; i < n_away; i++)
        if (at >= away[i].from && (away[i].to == 0 || at <= away[i].to + SESSION_MS))
            return true;
    return false;
}

/* had_moved: it heard of it within a session's timeout before. */
static bool
had_moved(const struct upset *u)
{
    for (int i = 0; i < n_moves; i++)
        if (moves[i].pid == u->pid && moves[i].at <= u->at && moves[i].at >= u->at - SESSION_MS)
            return true;
    return false;
}

static int
compare(const void *a, const void *b)
{
    const struct upset *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

int
upsets_sort(void)
{
    int kept = 0, wrong = 0;
    for (int i = 0; i < n_upsets; i++) {
        struct upset u = upsets[i];
        if (u.kind == UPSET_KILLED || was_away(u.at) || had_moved(&u)) {
            upsets[kept++] = u;
            continue;
        }
        printf("      supervisor %d %s at %" PRId64 ", though no broker was away and its coordinator the same\n", u.pid,
               u.kind == UPSET_LOST ? "lost its assignment" : "could not commit", u.at);
        wrong++;
    }
    n_upsets = kept;
    qsort(upsets, (size_t)n_upsets, sizeof upsets[0], compare);
    return wrong;
}

const struct upset *
upsets_of(int pid, int64_t after, int64_t until, bool taken)
{
    int64_t known = until + (taken ? SESSION_MS : 0);
    for (int i = 0; i < n_upsets && upsets[i].at <= known; i++) {
        const struct upset *u = &upsets[i];
        if (u->pid == pid && (u->at > after || u->kind != UPSET_LOST) &&
            (u->at <= until || u->kind != UPSET_KILLED))
            return u;
    }
    return NULL;
}

int
upsets_between(int64_t after, int64_t until, int counts[UPSET_KINDS])
{
    int n = 0;
    for (int i = 0; i < n_upsets && upsets[i].at <= until; i++)
        if (upsets[i].at > after) {
            counts[upsets[i].kind]++;
            n++;
        }
    return n;
}
