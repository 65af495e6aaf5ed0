/* slots_truth.c - what really happens to the records of the slot protocol's check, seen from above.
 *
 * Owns: slots_truth, the slots' tags, where frames really were left. It is told of each access to a slot as
 * it happens, and so knows what neither side can know for sure. Checks, at the moment a record is begun: it
 * is the one its slot was given to; it is on nowhere else; it was not finished or given up before; everything
 * before it in its lane was; `taken` is past it. And when a slot is given: its old frame was left (rule 2),
 * and its new record is not on anywhere. A record that sends has finished when it is SENT; if its worker dies
 * before the supervisor received its frame, neither it nor what its lane finished behind it has (rule 4). */
#include "tests/unit/slots_model.h"

#include <stddef.h>

static struct slots_truth *
truth_of(uint8_t tag)
{
    return &slots_now.truth[(tag - 1) / SLOTS_RECORDS][(tag - 1) % SLOTS_RECORDS];
}

/* current is the tag of the record that the worker is at. */
static uint8_t
current(uint32_t w)
{
    const struct slots_worker *worker = &slots_now.worker[w];
    uint32_t i = worker->current;
    return (uint8_t)(1 + worker->pipe[0].records[i].part * SLOTS_RECORDS + worker->pipe[0].records[i].pos);
}

static void
saw_begin(uint32_t w, uint32_t slot)
{
    uint8_t tag = current(w);
    uint32_t lane = (uint32_t)(tag - 1) / SLOTS_RECORDS, pos = (uint32_t)(tag - 1) % SLOTS_RECORDS;
    struct slots_truth *truth = truth_of(tag);
    const struct slots_account *account = slots_now.sup.account[lane];
    if (slots_now.tag[w][slot] != tag)
        slots_wrong("worker %u began record %u/%u in a slot that is not its own", w, lane, pos);
    if (truth->on)
        slots_wrong("worker %u began record %u/%u, which is on worker %d", w, lane, pos, truth->on - 1);
    if (truth->finished || account[pos].given_up)
        slots_wrong("worker %u began record %u/%u, which had ended", w, lane, pos);
    for (uint32_t i = 0; i < pos; i++)
        if (slots_same(i, pos) && !slots_now.truth[lane][i].finished && !account[i].given_up &&
            !(slots_setup->batches && slots_now.truth[lane][i].on == w + 1)) /* it is of the same batch */
            slots_wrong("worker %u began record %u/%u before %u/%u had ended", w, lane, pos, lane, i);
    if (slots_scoreboard(w)->taken <= slots_now.worker[w].pipe[0].first + slots_now.worker[w].current)
        slots_wrong("worker %u began record %u/%u, and `taken` is not past it", w, lane, pos);
    truth->on = (uint8_t)(w + 1);
}

static void
saw_end(uint32_t w, unsigned state)
{
    struct slots_truth *truth = truth_of(current(w));
    truth->on = 0;
    truth->finished |= state == SLOT_FINISHED || state == SLOT_SENT;
    truth->sends |= state == SLOT_SENT;
    if (state == SLOT_SENT)
        truth->unsent = (uint8_t)(w + 1);
    truth->failures += state == SLOT_FAILED;
}

/* saw_given: the supervisor makes a slot WAITING for the next record of the frame it fills. */
static void
saw_given(uint32_t w, uint32_t slot)
{
    const struct holding *h = &slots_now.sup.hold[w];
    const struct holding_frame *open = NULL;
    for (uint32_t i = 0; i < SLOTS_FRAMES; i++)
        if (slots_now.sup.frames[w][i].frame.first + slots_now.sup.frames[w][i].frame.n == h->head + 1)
            open = &slots_now.sup.frames[w][i].frame;
    const struct holding_item *item = &open->items[open->n - 1];
    uint8_t tag = (uint8_t)(1 + (item->part - slots_now.sup.parts) * SLOTS_RECORDS + (int64_t)item->pos);
    if (h->head >= h->slots && slots_now.left[w] <= h->head - h->slots)
        slots_wrong("slot %u of worker %u is given anew, and its old frame was not left", slot, w);
    if (truth_of(tag)->on)
        slots_wrong("record %d/%d is handed out while it is on worker %d", (tag - 1) / SLOTS_RECORDS,
                    (tag - 1) % SLOTS_RECORDS, truth_of(tag)->on - 1);
    slots_now.tag[w][slot] = tag;
}

void
slots_saw_state(uint32_t w, uint32_t slot, unsigned from, unsigned to)
{
    if (to == SLOT_ON)
        saw_begin(w, slot);
    else if (to == SLOT_WITHDRAWN)
        slots_now.tag[w][slot] = 0;
    else if (slots_running == &slots_now.sup_op)
        saw_given(w, slot);
    else
        saw_end(w, to);
    (void)from;
}

void
slots_saw_store(uint32_t w, uint64_t field, uint64_t value)
{
    if (field == offsetof(struct scoreboard, passed))
        slots_now.left[w] = value;
}

/* Of a batch, which one did it is not known, and none has had an attempt. */
void
slots_saw_crash(uint32_t w)
{
    uint32_t on = 0;
    for (uint32_t lane = 0; lane < SLOTS_LANES; lane++)
        for (uint32_t pos = 0; pos < SLOTS_RECORDS; pos++)
            on += slots_now.truth[lane][pos].on == w + 1;
    if (on > 1)
        return;
    for (uint32_t lane = 0; lane < SLOTS_LANES; lane++)
        for (uint32_t pos = 0; pos < SLOTS_RECORDS; pos++)
            if (slots_now.truth[lane][pos].on == w + 1)
                slots_now.truth[lane][pos].crashes++;
}

/* is_lost: what this record sends, or one before it in its lane, was not on the wire. */
static bool
is_lost(uint32_t w, uint32_t lane, uint32_t pos)
{
    for (uint32_t i = 0; i <= pos; i++)
        if (slots_now.truth[lane][i].unsent == w + 1 && (i == pos || slots_same(i, pos)))
            return true;
    return false;
}

static void
lose(uint32_t w, uint32_t lane, uint32_t pos)
{
    struct slots_truth *truth = &slots_now.truth[lane][pos];
    if (!truth->finished || !is_lost(w, lane, pos))
        return;
    if (slots_now.sup.account[lane][pos].finished || slots_now.sup.account[lane][pos].sending)
        slots_wrong("record %u/%u counts as done, and what its lane sends before it is lost", lane, pos);
    truth->finished = truth->sends = false;
    truth->unsent = 0;
}

/* slots_saw_loss: the worker is dead, and its pipe was read to the end. */
void
slots_saw_loss(uint32_t w)
{
    for (uint32_t lane = 0; lane < slots_setup->lanes; lane++)
        for (uint32_t pos = slots_setup->records[lane];
             pos-- > 0;) /* what decides about one stands before it */
            lose(w, lane, pos);
}
