/* sends.c - what records send: the producer of each supervisor, and the broker that takes it. Imitates what
 * supervisor/ does between a worker's frame and the confirmations.
 *
 * Owns: the messages on their way. Those of a partition's records go to one partition, which takes them in
 * the order in which the producer got them, refuses some for good, and confirms late. A producer may have to
 * be built anew: then what is not confirmed is sent again, though the broker may have it. */
#include <string.h>

#include "tests/simulate/simulate.h"

static uint32_t
messages(const struct sim_send *m)
{
    return sim.part[m->p].rec[m->idx].sends;
}

void
sends_given(struct sim_sup *s, struct tenure *t, uint64_t pos, uint32_t run)
{
    truth_given(t, t->idx[pos], run);
    if (s->n_sends == SIM_SENDS)
        sim_wrong("more than %d records have sends on their way", SIM_SENDS);
    s->send[s->n_sends++] = (struct sim_send){.t = t, .p = t->p, .pos = pos, .idx = t->idx[pos], .run = run};
}

/* deliver_one: the broker gets one more message, and takes it or refuses it for good. */
static void
deliver_one(struct sim_send *m)
{
    uint32_t i = m->taken++;
    if (sim.refusing && !m->refused && sim_once_in(8)) {
        sim_note("message %u of %d/%u is refused", i, m->p, m->idx);
        m->refused = 1 + i;
        sim.part[m->p].rec[m->idx].refused = true;
        return;
    }
    sim_note("message %u of %d/%u is written", i, m->p, m->idx);
    truth_message(m->p, m->idx, i, m->run);
}

void
sends_deliver(struct sim_sup *s)
{
    bool stops[SIM_PARTS] = {false};
    for (uint32_t i = 0; i < s->n_sends; i++) {
        struct sim_send *m = &s->send[i];
        while (!stops[m->p] && m->taken < messages(m)) {
            stops[m->p] = !sim.calm && sim_once_in(3);
            if (!stops[m->p])
                deliver_one(m);
        }
    }
}

static void
confirmed(struct sim_sup *s, const struct sim_send *m)
{
    if (!m->t)
        return;
    if (m->refused)
        ending_refused(s, m->t, m->pos);
    else
        dispatch_done(&s->d, &m->t->part, m->pos);
}

/* build_anew: who waits for nothing is not sent again. */
static void
build_anew(struct sim_sup *s)
{
    uint32_t kept = 0;
    sim_note("supervisor %d builds its producer anew", (int)(s - sim.sup));
    for (uint32_t i = 0; i < s->n_sends; i++) {
        struct sim_send *m = &s->send[i];
        if (!m->t)
            continue;
        m->taken = m->told;
        m->refused = m->refused > m->told ? 0 : m->refused;
        s->send[kept++] = *m;
    }
    s->n_sends = kept;
}

void
sends_report(struct sim_sup *s)
{
    bool stops[SIM_PARTS] = {false};
    uint32_t kept = 0, n = s->n_sends;
    if (!sim.calm && n > 0 && sim_once_in(12)) {
        build_anew(s);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct sim_send m = s->send[i];
        stops[m.p] = stops[m.p] || (!sim.calm && sim_once_in(3));
        m.told = stops[m.p] ? m.told : m.taken;
        if (m.told == messages(&m))
            confirmed(s, &m);
        else
            s->send[kept++] = m;
    }
    s->n_sends = kept;
}

/* sends_forget: what is on its way may still come; the next owner does not know, and repeats from there on.
 */
void
sends_forget(struct sim_sup *s, const struct tenure *t)
{
    for (uint32_t i = 0; i < s->n_sends; i++)
        if (s->send[i].t == t) {
            s->send[i].t = NULL;
            truth_again(t->p, s->send[i].idx);
        }
}

/* sends_end: the supervisor ends. Some of it arrives. */
void
sends_end(struct sim_sup *s)
{
    sends_deliver(s);
    s->n_sends = 0;
}

uint32_t
sends_of(const struct sim_sup *s, const struct tenure *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_sends; i++)
        n += s->send[i].t == t;
    return n;
}
