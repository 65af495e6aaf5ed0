/* ending.c - what becomes of a record that ended, and its dead letter. Imitates supervisor/records.c and
 * emit.c.
 *
 * Owns: the letters on their way. A letter that the broker has taken may be reported as failed; it is then
 * sent again. */
#include <stdio.h>
#include <string.h>

#include "tests/simulate/simulate.h"

/* check_told compares an ending with what really happened. */
static struct sim_truth *
check_told(struct tenure *t, uint32_t idx, enum ending ending, const struct reason *reason)
{
    struct sim_truth *truth = &t->truth[idx];
    char text[32];
    if (truth->told_finished || truth->given_up)
        sim_wrong("record %d/%u ends a second time", t->p, idx);
    if (ending == ENDING_FINISHED || ending == ENDING_SENT) {
        if (!truth->finished)
            sim_wrong("record %d/%u is said to be finished, but is not", t->p, idx);
        if ((truth->unsent != NULL) != (ending == ENDING_SENT))
            sim_wrong("record %d/%u is finished %s what it sends", t->p, idx,
                      truth->unsent ? "without" : "with");
        truth->told_finished = true;
        return truth;
    }
    if (++truth->told != truth->endings || truth->finished)
        sim_wrong("record %d/%u: %u failed attempts are told of %u", t->p, idx, truth->told, truth->endings);
    sprintf(text, "%d/%u/%u", t->p, idx, t->base[idx] + truth->told);
    if (reason && strcmp(reason->text, text) != 0)
        sim_wrong("record %s failed with the reason \"%s\"", text, reason->text);
    return truth;
}

static void
write_letter(struct sim_sup *s, struct tenure *t, uint64_t pos, uint32_t idx, uint32_t attempts)
{
    dispatch_letter(&s->d, &t->part, pos);
    for (int i = 0; i < SIM_LETTERS; i++)
        if (s->letter[i].state == LETTER_NONE) {
            s->letter[i] = (struct sim_letter){LETTER_TO_SEND, t, t, pos, idx, attempts, sim.now};
            return;
        }
    sim_wrong("more than %d letters", SIM_LETTERS);
}

static void
give_up(struct sim_sup *s, struct tenure *t, uint64_t pos, uint32_t idx, struct sim_truth *truth)
{
    sim_note("record %d/%u is given up on", t->p, idx);
    truth_given_up(t, idx);
    if (!truth->rejected && !truth->refused && t->base[idx] + truth->endings < sim.policy.attempts)
        sim_wrong("record %d/%u is given up on after %u attempts of %u", t->p, idx, truth->endings,
                  sim.policy.attempts);
    if (!sim.skip) {
        write_letter(s, t, pos, idx, ledger_entry(&t->part.led, pos)->attempt);
        return;
    }
    truth->given_up = true;
    sim.part[t->p].rec[idx].skipped = true;
    dispatch_done(&s->d, &t->part, pos);
}

/* repeated: what its lane sends before it was lost, and so it is taken as not tried. */
static void
repeated(struct sim_sup *s, struct tenure *t, uint64_t pos)
{
    struct sim_truth *truth = &t->truth[t->idx[pos]];
    truth->endings--;
    truth->told--;
    truth->rejected = false;
    dispatch_returned(&s->d, &t->part, pos);
}

void
ending_told(void *worker, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    struct sim_worker *w = worker;
    struct tenure *t = (struct tenure *)p;
    uint32_t idx = t->idx[pos], attempt = ledger_entry(&p->led, pos)->attempt;
    struct sim_truth *truth = check_told(t, idx, ending, reason);
    if (ending == ENDING_FINISHED || ending == ENDING_SENT) {
        w->useful = true;
        return;
    }
    bool final = ending == ENDING_FAILED && reason->kind == FAILURE_REJECTED;
    mono_ns asked = ending == ENDING_FAILED ? reason->retry_after_ns : -1;
    if (attempt != t->base[idx] + truth->endings)
        sim_wrong("record %d/%u: attempt %u ends, it is the one of number %u", t->p, idx, attempt,
                  truth->endings);
    struct attempts_decision d = attempts_decide(&sim.policy, attempt, final, asked, sim_below(UINT32_MAX));
    truth->due = d.again ? sim.now + d.wait : 0;
    if (d.again)
        dispatch_retry(&w->sup->d, p, pos, truth->due);
    else if (dispatch_goes_back(&w->sup->d, p, pos))
        repeated(w->sup, t, pos);
    else
        give_up(w->sup, t, pos, idx, truth);
}

/* ending_took_down: it was on, alone, at each of the last ends of its owners. */
void
ending_took_down(struct sim_sup *s, struct tenure *t, uint64_t pos)
{
    uint32_t idx = t->idx[pos];
    t->base[idx] = sim.policy.attempts;
    truth_down(t, idx);
    give_up(s, t, pos, idx, &t->truth[idx]);
}

/* ending_refused: the broker refused what it sends for good. It has finished, and is never run again (rule
 * 6). */
void
ending_refused(struct sim_sup *s, struct tenure *t, uint64_t pos)
{
    uint32_t idx = t->idx[pos];
    t->truth[idx].refused = true;
    give_up(s, t, pos, idx, &t->truth[idx]);
}

/* ---- letters ---- */

void
letters_send(struct sim_sup *s)
{
    for (int i = 0; i < SIM_LETTERS; i++)
        if (s->letter[i].state == LETTER_TO_SEND && s->letter[i].due <= sim.now)
            s->letter[i].state = LETTER_SENT;
}

static void
taken(struct sim_letter *l)
{
    struct sim_record *r = &sim.part[l->from->p].rec[l->idx];
    sim_note("the letter of %d/%u is written", l->from->p, l->idx);
    truth_letter(l);
    r->letters++;
}

static void
confirmed(struct sim_sup *s, struct sim_letter *l)
{
    l->state = LETTER_NONE;
    if (!l->t)
        return;
    l->t->truth[l->idx].given_up = true;
    dispatch_done(&s->d, &l->t->part, l->pos);
}

static void
report(struct sim_sup *s, struct sim_letter *l)
{
    bool good = sim.calm || !sim_once_in(3);
    if (good || sim_once_in(2))
        taken(l);
    if (good) {
        confirmed(s, l);
        return;
    }
    sim.part[l->from->p].rec[l->idx].letter_ok = true; /* it may be there, and comes again */
    l->state = l->t ? LETTER_TO_SEND : LETTER_NONE;
    l->due = sim.now + 2 * NS_PER_S;
}

void
letters_report(struct sim_sup *s)
{
    for (int i = 0; i < SIM_LETTERS; i++)
        if (s->letter[i].state == LETTER_SENT)
            report(s, &s->letter[i]);
}

void
letters_forget(struct sim_sup *s, const struct tenure *t)
{
    for (int i = 0; i < SIM_LETTERS; i++) {
        struct sim_letter *l = &s->letter[i];
        if (l->state == LETTER_NONE || l->t != t)
            continue;
        l->t = NULL;
        if (l->state == LETTER_TO_SEND)
            l->state = LETTER_NONE;
        /* it may be there, or still come; the next owner does not know, and tries the record */
        sim.part[t->p].rec[l->idx].repeat_ok = sim.part[t->p].rec[l->idx].letter_ok = true;
    }
}
