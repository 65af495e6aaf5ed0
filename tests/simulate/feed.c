/* feed.c - frames for workers. Imitates supervisor/feed.c, with a log for Kafka and a row for a pipe. */
#include "tests/simulate/simulate.h"

struct feeding {
    struct sim_sup *sup;
    struct sim_worker *w;
    struct holding_frame *frame;
    struct sim_frame out;
    uint32_t want;
    size_t bytes;
};

static bool
has_room(const struct feeding *f)
{
    return f->frame->n < f->want && f->bytes < sim.frame_bytes && !holding_full(&f->w->holding, f->frame);
}

static void
put(struct feeding *f, struct partition *p, uint64_t pos)
{
    struct tenure *t = (struct tenure *)p;
    const struct entry *e = ledger_entry(&p->led, pos);
    uint32_t idx = t->idx[pos];
    f->out.rec[f->frame->n].t = t;
    f->out.rec[f->frame->n].idx = idx;
    dispatch_stamp(&f->sup->d, p, pos, &f->out.rec[f->frame->n].lane, &f->out.rec[f->frame->n].epoch);
    f->out.rec[f->frame->n].attempt = e->attempt;
    f->bytes += e->bytes;
    sim_note("supervisor %d hands %d/%u to worker %d", (int)(f->sup - sim.sup), t->p, idx, f->w->number);
    holding_put(&f->w->holding, f->frame, p, pos);
    recovery_handed(t);
}

/* put_waiting is false where the next one must travel alone and cannot now. */
static bool
put_waiting(struct feeding *f, struct partition *p)
{
    while (has_room(f) && dispatch_supplies(&f->sup->d, p, &f->w->holding.seat, sim.now) == SUPPLY_WAITING) {
        uint64_t pos = dispatch_waiting(&f->sup->d, p, &f->w->holding.seat, sim.now);
        if (!holding_admits(&f->w->holding, f->frame, ledger_entry(&p->led, pos)))
            return false;
        put(f, p, pos);
    }
    return true;
}

/* add puts the next record into the ledger. */
static uint64_t
add(struct tenure *t, uint32_t attempt)
{
    const struct sim_record *r = &sim.part[t->p].rec[t->next];
    uint64_t pos = ledger_add(&t->part.led, r->offset, r->pass ? NULL : t, 0, r->pass ? 0 : r->bytes);
    t->bodies += !r->pass;
    t->base[t->next] = attempt - 1;
    ledger_entry(&t->part.led, pos)->attempt = attempt;
    dispatch_entered(&t->sup->d, &t->part, pos, r->key > 0 ? &r->key : NULL, 1);
    t->idx[pos] = t->next++;
    return pos;
}

static bool
at_end(struct tenure *t)
{
    if (t->next < sim.part[t->p].n)
        return false;
    ledger_reach(&t->part.led, sim.part[t->p].end); /* the end of the partition is told */
    t->part.more = t->part.permitted = false;
    return true;
}

void
feed_peek(struct sim_sup *s, struct tenure *t)
{
    if (at_end(t))
        return;
    if (sim.part[t->p].rec[t->next].pass)
        ledger_reach(&t->part.led, sim.part[t->p].rec[t->next++].offset + 1);
    else
        dispatch_kept(&s->d, &t->part, add(t, 1));
}

static uint32_t
fresh_limit(const struct feeding *f, const struct partition *p)
{
    uint64_t flight = ledger_in_flight(&p->led);
    uint64_t window = sim.window > flight ? sim.window - flight : 1,
             limit = p->single ? 1 : f->want - f->frame->n;
    return (uint32_t)(limit < window ? limit : window);
}

/* pass_over: it is for another group; what comes next has not been noted (rule 13). */
static void
pass_over(struct sim_sup *s, struct tenure *t)
{
    t->part.permitted = false;
    dispatch_done(&s->d, &t->part, add(t, 1));
}

/* given_up_unread: the lane waits for the letter, and the turn is over. */
static uint32_t
given_up_unread(struct sim_sup *s, struct tenure *t)
{
    t->part.permitted = false;
    ending_took_down(s, t, add(t, sim.policy.attempts));
    return 0; /* nothing more may be read */
}

/* put_or_keep: one whose lane another worker has, or that must wait for a letter, is kept. */
static void
put_or_keep(struct feeding *f, struct tenure *t, uint64_t pos)
{
    struct dispatch *d = &f->sup->d;
    if (dispatch_taker(d, &t->part, pos, &f->w->holding.seat) == &f->w->holding.seat)
        put(f, &t->part, pos);
    else
        dispatch_kept(d, &t->part, pos);
}

/* put_fresh is false where the frame has suspects, which nothing that is read now may join. */
static bool
put_fresh(struct feeding *f, struct partition *p)
{
    if (!holding_takes_fresh(&f->w->holding))
        return false;
    struct tenure *t = (struct tenure *)p;
    for (uint32_t n = 0, limit = fresh_limit(f, p); n < limit && has_room(f) && !at_end(t); n++) {
        uint32_t attempt = t->first_attempt;
        t->first_attempt = 1;
        if (sim.part[t->p].rec[t->next].pass)
            pass_over(f->sup, t);
        else if (attempt > sim.policy.attempts)
            limit = given_up_unread(f->sup, t);
        else
            put_or_keep(f, t, add(t, attempt));
    }
    return true;
}

static void
send_frame(struct feeding *f)
{
    struct sim_worker *w = f->w;
    f->out.first = f->frame->first;
    f->out.n = f->frame->n;
    f->out.handled = w->holding.handled;
    holding_close(&w->holding, f->frame, f->bytes);
    if (!w->alive) /* nobody reads it */
        return;
    if (w->n_pipe == SIM_PIPE)
        sim_wrong("more than %d frames on a pipe", SIM_PIPE);
    w->pipe[w->n_pipe++] = f->out;
}

static void
feed_worker(struct sim_sup *s, struct sim_worker *w)
{
    enum dispatch_supply supply;
    struct partition *p;
    uint32_t room = holding_room(&w->holding, sim.credit);
    if (room == 0 || !dispatch_has(&s->d, &w->holding.seat, sim.now))
        return;
    if (w->holding.n_frames > 0 && dispatch_has_suspect(&s->d, &w->holding.seat, sim.now))
        return;
    struct feeding f = {
        .sup = s, .w = w, .want = pace_records(&s->pace) < room ? pace_records(&s->pace) : room};
    f.frame = holding_open(&w->holding, f.want);
    while (has_room(&f) && (p = dispatch_pick(&s->d, &w->holding.seat, sim.now, &supply))) {
        if (!(supply == SUPPLY_FRESH ? put_fresh(&f, p) : put_waiting(&f, p)))
            break;
    }
    if (f.frame->n > 0)
        send_frame(&f);
    else
        holding_drop(&w->holding, f.frame);
}

void
feed_all(struct sim_sup *s)
{
    s->d.full = dispatch_bytes(&s->d) >= sim.memory;
    pace_measured(&s->pace, sim_below(8) * NS_PER_MS, 1 + sim_below(8));
    for (uint32_t load = 0; load < HOLDING_FRAMES; load++)
        for (uint32_t i = 0; i < sim.n_workers; i++) {
            struct sim_worker *w = &s->worker[i];
            if (w->state == WORKER_UP && !w->expendable && w->holding.n_frames == load)
                feed_worker(s, w);
        }
}
