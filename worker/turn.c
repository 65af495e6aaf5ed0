/* turn.c - whose turn it is: the worker's half of the slot protocol.
 *
 * Owns: which record is on, and which lanes are barred.
 * Guarantees: a record is begun only by winning its slot from WAITING to ON, so never one that the supervisor
 *   took back; after a failure nothing more of its lane is begun until the supervisor has taken the lane back
 *   and handed it out anew under a higher epoch (rule 3); a failure's reason stands on the scoreboard before
 *   the slot says FAILED; a process whose scoreboard was written over as a whole ends before it begins another record.
 * Must not know: frames, sockets, tasks.
 *
 * `taken` moves before the slot is won: the supervisor looks for begun records below `taken` only, so a record
 * that is ON is always below it. */
#include "worker/turn.h"

#include <stdio.h>
#include <string.h>

#include "shared/log.h"

static bool
barred(const struct turn *t, uint32_t lane, uint32_t epoch)
{
    for (uint32_t i = 0; i < t->n_bars; i++)
        if (t->bars[i].lane == lane && t->bars[i].epoch == epoch)
            return true;
    return false;
}

static void
bar(struct turn *t, uint32_t lane, uint32_t epoch)
{
    if (lane == 0) /* a record that is its own lane: nothing comes after it */
        return;
    if (t->n_bars == TURN_BARS)
        panic("more bars than unread reasons: %u", t->n_bars);
    t->bars[t->n_bars++] = (struct turn_bar){lane, epoch, t->failures};
}

void
turn_init(struct turn *t, struct scoreboard *sb)
{
    memset(t, 0, sizeof *t);
    t->sb = sb;
    t->slots = sb->slots;
    t->mark = sb->mark;
}

/* believe ends a process whose task has written over the scoreboard: by what stands there now, it would skip records and
 * run others out of their turn. */
static void
believe(const struct turn *t)
{
    if (!scoreboard_intact(t->sb, t->slots, t->mark))
        panic("the task has written over memory that is not its own: the scoreboard");
}

bool
turn_begin(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch)
{
    if (t->on)
        panic("record %llu begun while %llu is on", (unsigned long long)seq, (unsigned long long)t->seq);
    return turn_join(t, seq, lane, epoch);
}

void
turn_select(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch)
{
    t->seq = seq;
    t->lane = lane;
    t->epoch = epoch;
}

bool
turn_join(struct turn *t, uint64_t seq, uint32_t lane, uint32_t epoch)
{
    atomic_store_explicit(&t->sb->taken, seq + 1, memory_order_release);
    if (t->n_bars > 0 && barred(t, lane, epoch))
        return false;
    bool won = slot_move(scoreboard_slot(t->sb, seq, t->slots), SLOT_WAITING, SLOT_ON);
    believe(t);
    if (!won)
        return false;
    t->others += t->on;
    t->on = true;
    turn_select(t, seq, lane, epoch);
    return true;
}

static void
end_as(struct turn *t, enum slot_state state)
{
    if (!t->on)
        panic("no record is on");
    believe(t);
    slot_set(scoreboard_slot(t->sb, t->seq, t->slots), state);
    t->on = t->others > 0;
    t->others -= t->on;
}

void
turn_finish(struct turn *t)
{
    end_as(t, SLOT_FINISHED);
}

void
turn_sent(struct turn *t)
{
    end_as(t, SLOT_SENT);
}

void
turn_hand_back(struct turn *t)
{
    end_as(t, SLOT_WAITING);
}

bool
turn_may_fail(const struct turn *t)
{
    uint32_t read = atomic_load_explicit(&t->sb->failures_read, memory_order_acquire);
    return t->failures - read < SCOREBOARD_REASONS && t->n_bars < TURN_BARS;
}

void
turn_fail(struct turn *t, enum failure_kind kind, const char *text)
{
    turn_fail_after(t, kind, text, -1);
}

void
turn_fail_after(struct turn *t, enum failure_kind kind, const char *text, int64_t retry_after_ns)
{
    struct reason *reason = &t->sb->reasons[t->failures % SCOREBOARD_REASONS];
    reason->seq = t->seq;
    reason->kind = kind;
    reason->retry_after_ns = retry_after_ns;
    snprintf(reason->text, sizeof reason->text, "%s", text);
    t->failures++;
    atomic_store_explicit(&t->sb->failures, t->failures, memory_order_release);
    bar(t, t->lane, t->epoch);
    end_as(t, SLOT_FAILED);
}

void
turn_leave(struct turn *t, uint64_t end)
{
    atomic_store_explicit(&t->sb->passed, end, memory_order_release);
}

void
turn_handled(struct turn *t, uint32_t handled)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n_bars; i++)
        if ((int32_t)(t->bars[i].failure - handled) > 0)
            t->bars[kept++] = t->bars[i];
    t->n_bars = kept;
}
