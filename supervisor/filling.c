/* filling.c - the frame that is being filled for one worker.
 *
 * Owns: the frame until it is sent.
 * Guarantees: a worker is given records only within its credit; each record that is put in is held from then
 * on, and its bytes stay where the frame has them until it is done. Must not know: which record is next, and
 * for whom (feed.c, dispatch.c). */
#include "supervisor/filling.h"

#include "supervisor/source.h"
#include "supervisor/supervisor.h"

bool
filling_open(struct worker *w, uint32_t want)
{
    uint32_t room = holding_room(&w->holding, HELD_BYTES);
    if (room == 0)
        return false;
    w->filling.want = want < room ? want : room;
    w->filling.frame = holding_open(&w->holding, w->filling.want);
    writing_begin(&w->filling.writing, w->filling.want * (w->task->record_bytes + 64));
    return true;
}

bool
filling_full(const struct worker *w)
{
    const struct filling *o = &w->filling;
    return o->frame->n >= o->want || o->writing.builder.size >= FRAME_BYTES || holding_full(&w->holding, o->frame);
}

static struct writing_stamp
stamp_for(const struct worker *w, struct partition *p, uint64_t pos)
{
    struct writing_stamp stamp = {.attempt = ledger_entry(&p->led, pos)->attempt};
    dispatch_stamp(&w->task->dispatch, p, pos, &stamp.lane, &stamp.epoch);
    return stamp;
}

static void
put(struct worker *w, struct partition *p, uint64_t pos, size_t at, size_t bytes)
{
    struct filling *o = &w->filling;
    ledger_body(&p->led, pos, batch_ref(o->writing.batch), (uint32_t)at, (uint32_t)bytes);
    holding_put(&w->holding, o->frame, p, pos);
    source_handed(p);
}

void
filling_message(struct worker *w, struct partition *p, uint64_t pos, const struct message *m)
{
    struct writing *writing = &w->filling.writing;
    size_t at = writing_message(writing, p, m, stamp_for(w, p, pos));
    put(w, p, pos, at, writing->builder.size - at);
}

void
filling_entry(struct worker *w, struct partition *p, uint64_t pos)
{
    struct entry *e = ledger_entry(&p->led, pos);
    put(w, p, pos, writing_entry(&w->filling.writing, p, e, stamp_for(w, p, pos)), e->bytes);
}

void
filling_send(struct worker *w, mono_ns now)
{
    struct filling *o = &w->filling;
    struct holding_frame *frame = o->frame;
    if (!frame)
        return;
    o->frame = NULL;
    if (frame->n == 0) {
        holding_drop(&w->holding, frame);
        writing_abandon(&o->writing);
        return;
    }
    struct batch *batch = writing_finish(&o->writing, w->child.generation, frame->first, w->holding.handled);
    holding_close(&w->holding, frame, batch->size);
    /* The reference is libzmq's now. Where sending fails, the worker is just ending (or has to, see
     * worker_tick): its burial gives the records back. */
    if (pipe_send_owned(&w->child.pipe, batch->data, batch->size, batch_sent, batch) < 0)
        w->cut_off_at = now;
}
