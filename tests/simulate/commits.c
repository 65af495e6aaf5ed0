/* commits.c - what is done, told to the broker. Imitates supervisor/commit.c, and the broker that takes it.
 *
 * A commit may be taken when it is sent or when it is answered; one that is refused may have been taken all
 * the same. */
#include "tests/simulate/simulate.h"

static bool
changed(const struct tenure *t)
{
    int64_t point = ledger_commit_point(&t->part.led);
    return !t->lost && point >= 0 && point != t->committed;
}

/* last_word: the partition is left with nothing in hand, and its commit has not said so yet. */
static bool
last_word(const struct tenure *t)
{
    bool left = t->leaving || t->sup->stopping;
    return left && !t->lost && !t->said_clean && t->recovery == RECOVERY_DONE && t->part.led.held == 0 &&
           ledger_confirming(&t->part.led) == 0 && ledger_commit_point(&t->part.led) >= 0;
}

bool
commits_pending(const struct sim_sup *s)
{
    EACH_TENURE(t, s)
    if (changed(t) || last_word(t))
        return true;
    return false;
}

void
commits_apply(const struct sim_sup *s)
{
    EACH_TENURE(t, s)
    {
        const struct sim_commit *c = &t->committing;
        struct sim_part *part = &sim.part[t->p];
        if (!t->in_commit || part->owner != t)
            continue;
        truth_commit(t, c->offset);
        part->committed = c->offset;
        part->running = !c->clean;
        part->starts = c->starts;
        part->attempt = c->attempt;
        part->noted_begun = part->other_begun = false;
        sim_note("partition %d is committed to %lld%s, %u starts, attempt %u", t->p, (long long)c->offset,
                 c->clean ? " clean" : "", c->starts, c->attempt);
    }
}

static void
list(struct tenure *t)
{
    int64_t point = ledger_commit_point(&t->part.led);
    t->in_commit = !t->lost && point >= 0 && (changed(t) || recovery_wants_mark(t) || last_word(t));
    if (!t->in_commit)
        return;
    bool clean = last_word(t);
    recovery_marking(t);
    t->committing = (struct sim_commit){point, clean, 0, 0};
    if (clean)
        return;
    t->committing.starts = point == t->start_point ? t->starts : 0;
    t->committing.attempt = t->sup->active == t && point == t->marked_point ? t->next_attempt : 0;
}

void
commits_send(struct sim_sup *s)
{
    bool any = false;
    if (!s->up || s->commit_in_flight)
        return;
    recovery_tick(s); /* whose turn it is, as source_tick has it */
    EACH_TENURE(t, s)
    {
        list(t);
        any = any || t->in_commit;
    }
    if (!any)
        return;
    s->commit_in_flight = true;
    s->commit_applied = sim_once_in(2);
    if (s->commit_applied)
        commits_apply(s);
}

void
commits_answer(struct sim_sup *s)
{
    if (!s->up || !s->commit_in_flight)
        return;
    bool good = !s->lost_pending && (sim.calm || !sim_once_in(8));
    s->commit_in_flight = false;
    s->commit_failed = !good;
    if (good && !s->commit_applied)
        commits_apply(s);
    EACH_TENURE(t, s)
    {
        if (good && t->in_commit && !t->lost) {
            t->committed = t->committing.offset;
            t->said_clean = t->said_clean || t->committing.clean;
        }
        recovery_marked(t, good && t->in_commit && !t->lost);
        t->in_commit = false;
    }
}
