/* lanes.c - each partition as the task saw it: what began and ended, in which order, and what was done again.
 *
 * The file is in the order of what happened, but a worker may be stopped between looking at the clock and
 * writing its line; so the time of a line is the latest time seen so far.
 *
 * An upset (upsets.h) of the supervisor that began the last record explains that the partition goes back,
 * once: whoever begins next has been assigned it after the upset. Only a supervisor that lost its assignment
 * may still write one line more, of a record that a worker had in hand.
 *
 * A worker that dies takes the record along that it is on. In a task that sends, it may also take finished ones along, whose
 * sends are still with it: one outbox, of all its lanes together, or what it did in its last RECENT_MS, for on a machine with
 * more to do than it can, a frame may wait so long for the thread that puts it on the wire. That is a short repeat, and may
 * lie within a longer one, which goes on behind it. */
#include "tests/kafka/chaos/lanes.h"

#include <inttypes.h>
#include <stddef.h>

#include "tests/kafka/chaos/verdict.h"

#define RECENT_MS 50

static const enum cause cause_of_upset[] = {
    [UPSET_KILLED] = BY_KILL, [UPSET_LOST] = BY_LOSS, [UPSET_UNCONFIRMED] = BY_UNCONFIRMED};

static int64_t
time_of(const struct line *l)
{
    static int64_t latest;
    latest = l->at > latest ? l->at : latest;
    return latest;
}

static void
note_worker(struct lanes *lanes, const struct line *l, int64_t now)
{
    struct taken *t = &lanes->taken[l->pid];
    if (t->owner != l->owner)
        *t = (struct taken){.owner = l->owner};
    t->last_at = now;
}

/* Whether the worker that began the last record may have taken the finished ones from `first` on along. */
static bool
take_along(struct lanes *lanes, const struct part *p, int64_t first)
{
    struct taken *t = &lanes->taken[p->last_pid];
    int64_t records = p->last - first;
    bool recent = lanes->outbox > 0 && p->recs[first].ended_at >= t->last_at - RECENT_MS;
    if (records > lanes->outbox - t->records && !recent)
        return false;
    t->records += (int)records;
    lanes->most_taken = records > lanes->most_taken ? records : lanes->most_taken;
    return true;
}

static enum cause
cause_of(struct lanes *lanes, const struct part *p, const struct line *l, const struct upset *upset)
{
    if (upset)
        return cause_of_upset[upset->kind];
    if (l->pid == p->last_pid || !take_along(lanes, p, l->offset))
        return UNEXPLAINED;
    return l->owner == p->last_owner ? BY_WORKER : BY_HANDOVER;
}

static void
check_next(struct lanes *lanes, const struct part *p, const struct line *l)
{
    bool may = p->last < 0 || p->ended || p->recs[p->last].letters > 0;
    for (int64_t at = p->last + 1; may && at < l->offset; at++)
        may = p->recs[at].letters > 0;
    if (!may)
        wrong(&lanes->order,
              "%d:%" PRId64 " begins at pid %d, though %" PRId64 " (pid %d) or one between has not ended",
              l->partition, l->offset, l->pid, p->last, p->last_pid);
}

/* The lane goes back, at least to the record that ended just now: why? Where it goes back further than that,
 * what follows is repeated for the same cause. */
static enum cause
go_back(struct lanes *lanes, struct part *p, const struct line *l, const struct upset *upset)
{
    enum cause cause = cause_of(lanes, p, l, upset);
    lanes->goings_back += cause == BY_WORKER;
    int64_t back = p->last - l->offset + (p->ended ? 1 : 0);
    if (upset && back > lanes->deepest)
        lanes->deepest = back;
    if (upset && back > lanes->limit)
        wrong(&lanes->window, "%d:%" PRId64 " is repeated after %" PRId64 " had begun at supervisor %d",
              l->partition, l->offset, p->last, p->last_owner);
    if (cause == UNEXPLAINED)
        wrong(&lanes->repeated,
              "%d:%" PRId64 " is repeated by pid %d of %d, after %" PRId64 " by pid %d of %d, at %" PRId64,
              l->partition, l->offset, l->pid, l->owner, p->last, p->last_pid, p->last_owner, l->at);
    if (l->offset < p->last && (cause == BY_WORKER || cause == BY_HANDOVER))
        p->by_worker_until = p->last > p->by_worker_until ? p->last : p->by_worker_until;
    else if (l->offset < p->last) {
        p->cause = cause;
        p->by_worker_until = -1;
    }
    return cause;
}

/* r may have been given up on without beginning, by this owner or others that came and went: once for each
 * upset. */
static void
allow_unbegun(struct rec *r, const int counts[UPSET_KINDS])
{
    for (int k = 0; k < UPSET_KINDS; k++)
        r->again[k] += counts[k];
}

/* Which records may have more letters for what happened between two beginnings. One more: from the one that
 * begins now to the one that began last, where its owner was upset. One for each upset: those next to them
 * that need not begin to be given up on, which is what cannot be decoded and, at the place where the
 * partition starts, one that took supervisors down. */
static void
allow_letters(struct part *p, int64_t next, int64_t now, const struct upset *upset)
{
    int counts[UPSET_KINDS] = {0};
    int64_t after = upset && upset->at <= p->last_at ? upset->at - 1 : p->last_at;
    if (upsets_between(after, upset && upset->at > now ? upset->at : now, counts) == 0)
        return;
    int64_t at = next;
    while (at > 0 && p->recs[at - 1].kind == DECODE)
        allow_unbegun(&p->recs[--at], counts);
    if (upset && at > 0)
        allow_unbegun(&p->recs[--at], counts);
    while (at > 0 && p->recs[at - 1].kind == DECODE)
        allow_unbegun(&p->recs[--at], counts);
    for (at = next; at <= p->last; at++)
        if (p->recs[at].kind == DECODE)
            allow_unbegun(&p->recs[at], counts);
        else if (upset)
            p->recs[at].again[upset->kind]++;
    for (at = (next > p->last ? next : p->last + 1); at < p->n && p->recs[at].kind == DECODE; at++)
        allow_unbegun(&p->recs[at], counts);
}

/* Whether the upset has had its effect. */
static void
pass_upset(struct part *p, const struct line *l, int64_t now, const struct upset *upset)
{
    if (!upset && l->owner == p->last_owner)
        return;
    bool onward = l->owner == p->last_owner && l->offset > p->last;
    if (onward && ++p->after_upset <= 1)
        return;
    p->after_upset = 0;
    p->since = now;
}

static void
begins(struct lanes *lanes, struct part *p, const struct line *l, int64_t now)
{
    struct rec *r = &p->recs[l->offset];
    const struct upset *upset = upsets_of(p->last_owner, p->since, now, l->owner != p->last_owner);
    enum cause cause = l->offset <= p->by_worker_until ? BY_WORKER : p->cause;
    lanes->begins++;
    allow_letters(p, l->offset, now, upset);
    if (l->offset > p->last)
        check_next(lanes, p, l);
    else if (l->offset < p->last || p->ended)
        cause = go_back(lanes, p, l, upset);
    lanes->repeats[cause] += r->ends > 0;
    pass_upset(p, l, now, upset);
    p->last = l->offset;
    p->last_pid = l->pid;
    p->last_owner = l->owner;
    p->last_at = now;
    p->ended = false;
}

static void
ends(struct lanes *lanes, struct part *p, const struct line *l, int64_t now)
{
    if (l->offset != p->last || l->pid != p->last_pid)
        wrong(&lanes->order,
              "%d:%" PRId64 " ends at pid %d of %d, when %" PRId64 " has begun at pid %d of %d", l->partition,
              l->offset, l->pid, l->owner, p->last, p->last_pid, p->last_owner);
    else
        p->ended = true;
    p->recs[l->offset].ends++;
    p->recs[l->offset].ended_at = now;
}

void
lanes_line(struct lanes *lanes, struct part *p, const struct line *l)
{
    int64_t now = time_of(l);
    if (l->what[0] == 'b')
        begins(lanes, p, l, now);
    else
        ends(lanes, p, l, now);
    note_worker(lanes, l, now);
}

void
lanes_end(struct part *p)
{
    allow_letters(p, p->n, INT64_MAX, upsets_of(p->last_owner, p->since, INT64_MAX, false));
}
