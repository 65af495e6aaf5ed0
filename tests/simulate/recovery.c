/* recovery.c - a start after an end that was not clean (slot protocol rule 13). Imitates
 * supervisor/recovery.c. */
#include "tests/simulate/simulate.h"

#define STARTS_ALLOWED 1

static uint32_t
attempt_to_come(struct tenure *t)
{
    struct ledger *led = &t->part.led;
    return led->base < led->head ? ledger_entry(led, led->base)->attempt : t->first_attempt;
}

static bool
turn_is_over(const struct tenure *t)
{
    const struct partition *p = &t->part;
    return t->lost || t->leaving ||
           (!t->marking && !p->permitted && p->led.held == 0 && ledger_confirming(&p->led) == 0);
}

static void
next_turn(struct sim_sup *s)
{
    if (s->active && !turn_is_over(s->active))
        return;
    s->active = NULL;
    for (uint32_t i = 0; i < sim.n_tenures && !s->active; i++) {
        struct tenure *t = &sim.tenure[(s->single_turn + i) % sim.n_tenures];
        bool has = t->part.more || t->part.led.base < t->part.led.head;
        if (t->sup == s && !t->over && t->part.open && t->part.single && has) {
            s->active = t;
            s->single_turn += i + 1;
        }
    }
}

bool
recovery_wants_mark(const struct tenure *t)
{
    if (t->lost || t->leaving)
        return false;
    return t->recovery == RECOVERY_MARK || (t->part.single && t == t->sup->active && turn_is_over(t));
}

void
recovery_marking(struct tenure *t)
{
    if (!recovery_wants_mark(t))
        return;
    t->marking = true;
    t->next_attempt = attempt_to_come(t);
    t->marked_point = ledger_commit_point(&t->part.led);
}

void
recovery_marked(struct tenure *t, bool good)
{
    if (!t->marking)
        return;
    t->marking = false;
    if (!good)
        return;
    if (t->recovery == RECOVERY_MARK)
        t->recovery = RECOVERY_DONE;
    else
        t->part.permitted = true;
}

void
recovery_handed(struct tenure *handed)
{
    struct sim_sup *s = handed->sup;
    if (!handed->part.single)
        return;
    handed->part.permitted = false;
    if (--s->single_left > 0)
        return;
    EACH_TENURE(t, s)
    t->part.single = false;
    s->active = NULL;
}

static void
work_singly(struct sim_sup *s)
{
    s->single_left = sim.singly;
    EACH_TENURE(t, s)
    t->part.single = true;
}

void
recovery_begin(struct tenure *t)
{
    const struct sim_part *part = &sim.part[t->p];
    t->recovery = part->committed < 0 ? RECOVERY_PEEK : RECOVERY_MARK;
    t->part.single = t->sup->single_left > 0;
    t->start_point = -1;
    t->first_attempt = 1;
    if (part->committed < 0 || !part->running)
        return;
    t->start_point = part->committed;
    t->starts = part->starts + 1;
    t->first_attempt = part->attempt > 0 ? part->attempt + 1 : 1;
    if (t->starts > STARTS_ALLOWED)
        work_singly(t->sup);
}

void
recovery_tick(struct sim_sup *s)
{
    EACH_TENURE(t, s)
    if (t->recovery == RECOVERY_PEEK && !t->lost && !t->leaving && !s->stopping) {
        feed_peek(s, t);
        if (ledger_commit_point(&t->part.led) >= 0)
            t->recovery = RECOVERY_MARK;
    }
    if (s->single_left > 0)
        next_turn(s);
}
