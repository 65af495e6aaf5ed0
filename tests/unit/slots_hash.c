/* slots_hash.c - a state of the slot protocol's check as a number.
 *
 * Owns: what makes two states the same. Everything that can bear on what happens later is written into the
 * hash, field by field, so that neither padding nor memory that is not in use tells equal states apart. */
#include "tests/unit/slots_model.h"

#include <stddef.h>
#include <string.h>

static uint64_t hash;

static void
put(uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
}

static void
put_ledger(struct ledger *led)
{
    put(led->base);
    put(led->head);
    for (uint64_t pos = led->base; pos < led->head; pos++) {
        const struct entry *e = ledger_entry(led, pos);
        put(e->state | (uint64_t)e->suspect << 8 | (uint64_t)e->attempt << 16);
        put((uint64_t)e->due);
    }
}

static void
put_lane(const struct lane *lane)
{
    const struct seat *s = lane->holder;
    uint64_t holder =
        s ? 1 + (uint64_t)((const struct holding *)((const char *)s - offsetof(struct holding, seat)) -
                           slots_now.sup.hold)
          : 0;
    put(holder | (uint64_t)lane->waits << 4 | (uint64_t)lane->held << 8 | (uint64_t)lane->letters << 16 | (uint64_t)lane->epoch << 32);
    put(lane->next);
}

static void
put_list(struct lane_list list)
{
    put(list.first | (uint64_t)list.last << 32);
}

/* put_keyed: what the order by key adds; the table's chains follow from the rest, but for numbers not in use.
 */
static void
put_keyed(const struct lanes *l)
{
    put(l->n | (uint64_t)l->unused << 32);
    for (uint32_t i = 1; i < l->n; i++) {
        const struct lane *lane = &l->at[i];
        put_lane(lane);
        put(lane->part ? 1 + (uint64_t)(lane->part - slots_now.sup.parts) : 0);
        put(lane->part ? lane->newest | lane->redo << 8 | (uint64_t)lane->live << 16 : lane->chain);
        put(lane->part ? lane->before | (uint64_t)lane->after << 8 | (uint64_t)lane->seat << 16 |
                             (uint64_t)lane->place << 24
                       : 0);
    }
}

static void
put_links(const struct partition *p)
{
    for (uint64_t pos = p->led.base; pos < p->led.head; pos++) {
        struct lane_link link = p->links[pos & (SLOTS_RECORDS - 1)];
        put(link.lane | (uint64_t)link.ahead << 32);
    }
    put_list(p->free);
    for (uint32_t i = 0; i < p->n_seats; i++)
        put_list(p->seats[i]);
}

static void
put_partition(struct partition *p)
{
    put_ledger(&p->led);
    put(p->more);
    put_lane(&p->lane);
    put(p->redo.n);
    for (uint32_t i = 0; i < p->redo.n; i++)
        put(p->redo.at[i]);
    if (slots_setup->order == DISPATCH_KEY)
        put_links(p);
}

static void
put_holding(const struct holding *h)
{
    put(h->tail);
    put(h->head);
    put(h->unsettled | (uint64_t)h->handled << 16 | (uint64_t)h->n_frames << 32 | (uint64_t)h->alone << 48);
    for (const struct holding_frame *f = h->oldest; f; f = f->next) {
        put(f->first | (uint64_t)f->n << 32);
        for (uint32_t i = 0; i < f->n; i++) {
            const struct partition *p = f->items[i].part;
            put(p ? 1 + (uint64_t)(p - slots_now.sup.parts) * SLOTS_RECORDS + f->items[i].pos : 0);
        }
    }
}

static void
put_supervisor(void)
{
    struct slots_supervisor *sup = &slots_now.sup;
    put((uint64_t)sup->now);
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++) {
        put_partition(&sup->parts[lane]);
        for (uint32_t pos = 0; pos < slots_setup->records[lane]; pos++) {
            const struct slots_account *a = &sup->account[lane][pos];
            put(a->failures | (uint64_t)a->crashes << 8 | (uint64_t)a->finished << 16 |
                (uint64_t)a->given_up << 17 | (uint64_t)a->sending << 18 | (uint64_t)a->given << 24);
        }
    }
    if (slots_setup->order == DISPATCH_KEY)
        put_keyed(&sup->dispatch.lanes);
    for (uint32_t w = 0; w < slots_setup->workers; w++)
        put_holding(&sup->hold[w]);
}

static void
put_sends(const struct slots_sends *s)
{
    put(s->n);
    for (uint32_t i = 0; i < s->n; i++)
        put(s->records[i].seq | (uint64_t)s->records[i].lane << 8 | (uint64_t)s->records[i].pos << 16);
}

static void
put_worker(const struct slots_worker *worker)
{
    const struct turn *t = &worker->turn;
    put(t->on ? t->seq + 1 : 0);
    put(t->others);
    put(t->failures | (uint64_t)t->n_bars << 32);
    for (uint32_t i = 0; i < t->n_bars; i++)
        put(t->bars[i].lane | (uint64_t)t->bars[i].epoch << 16 | (uint64_t)t->bars[i].failure << 32);
    put_sends(&worker->outbox);
    put(worker->n_batch | (uint64_t)worker->ended << 8 | (uint64_t)worker->handing_back << 16);
    for (uint32_t i = worker->ended; t->on && i < worker->n_batch; i++)
        put(worker->batch[i]);
    put(worker->n_pipe | (uint64_t)worker->at << 16 | (uint64_t)worker->inside << 32);
    for (uint32_t i = 0; i < worker->n_pipe; i++) {
        const struct slots_message *m = &worker->pipe[i];
        put(m->first | (uint64_t)m->n << 16 | (uint64_t)m->handled << 32);
        for (uint32_t r = 0; r < m->n; r++)
            put(m->records[r].lane | (uint64_t)m->records[r].epoch << 16 |
                (uint64_t)m->records[r].part << 32 | (uint64_t)m->records[r].pos << 40);
    }
}

static void
put_segment(const struct slots_segment *segment)
{
    put(segment->taken | segment->passed << 16 | (uint64_t)segment->failures << 32 |
        (uint64_t)segment->failures_read << 48);
    for (uint32_t i = 0; i < slots_setup->slots; i++)
        put(segment->state[i]);
    for (uint32_t i = 0; i < SLOTS_REASONS; i++) {
        put(segment->reasons[i].seq | (uint64_t)segment->reasons[i].kind << 32);
        uint64_t text;
        memcpy(&text, segment->reasons[i].text, sizeof text);
        put(text);
    }
}

static void
put_op(const struct slots_op *op)
{
    put(op->action.kind | op->action.worker << 8 | op->action.a << 16 | (uint64_t)op->action.b << 24 |
        (uint64_t)op->n << 32);
    for (uint32_t i = 0; i < op->n; i++)
        put(op->answers[i]);
}

static void
put_truth(void)
{
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++)
        for (uint32_t pos = 0; pos < slots_setup->records[lane]; pos++) {
            const struct slots_truth *t = &slots_now.truth[lane][pos];
            put(t->on | (uint64_t)t->finished << 8 | (uint64_t)t->failures << 16 |
                (uint64_t)t->crashes << 24 | (uint64_t)t->unsent << 32 | (uint64_t)t->sends << 40);
        }
    for (uint32_t w = 0; w < slots_setup->workers; w++) {
        put(slots_now.left[w] | (uint64_t)slots_now.dead[w] << 32 | (uint64_t)slots_now.pinned[w] << 33 |
            (uint64_t)slots_now.told[w] << 34);
        for (uint32_t i = 0; i < slots_setup->slots; i++)
            put(slots_now.tag[w][i]);
        put(slots_now.n_up[w]);
        for (uint32_t i = 0; i < slots_now.n_up[w]; i++)
            put_sends(&slots_now.up[w][i]);
    }
    put(slots_now.kills | slots_now.drain_kills << 8 | slots_now.failures << 16 |
        (uint64_t)slots_now.withdrawals << 24 | (uint64_t)slots_now.tells << 32 |
        (uint64_t)slots_now.sends << 40 | (uint64_t)slots_now.refusals << 48);
}

uint64_t
slots_hash(void)
{
    hash = 0x243f6a8885a308d3u;
    put_supervisor();
    put_op(&slots_now.sup_op);
    for (uint32_t w = 0; w < slots_setup->workers; w++) {
        put_worker(&slots_now.worker[w]);
        put_segment(&slots_now.segment[w]);
        put_op(&slots_now.worker_op[w]);
    }
    put_truth();
    return hash ? hash : 1;
}
