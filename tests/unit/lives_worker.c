/* lives_worker.c - a worker of the long random runs: turn.c, driven at random.
 *
 * Owns: what a worker does next; its outbox, which it empties at times, and always before it leaves its frame
 * or publishes a failure. Checks, while nobody scribbles: a record is begun once, and after all of its lane
 * before it. */
#include <check.h>
#include <string.h>

#include "tests/unit/lives.h"
#include "tests/unit/random.h"

static void
flush(struct life *life)
{
    if (life->outbox.n == 0 || life->n_up == UP)
        return;
    life->up[life->n_up++] = life->outbox;
    life->outbox.n = 0;
}

static struct record *
record_at(const struct message *m, uint32_t i)
{
    return &lives_records[m->records[i].part][m->records[i].pos];
}

static void
check_begun(const struct life *life, uint32_t part, uint64_t pos)
{
    struct record *r = &lives_records[part][pos];
    ck_assert_int_eq(r->on, 0);
    ck_assert(!r->finished);
    ck_assert(!r->given_up);
    for (uint64_t i = 0; i < pos; i++)
        if (life_same(i, pos) && !lives_records[part][i].finished && !lives_records[part][i].given_up)
            ck_abort_msg("record %u/%d begun before %d", part, (int)pos, (int)i);
    r->on = (int)(life - lives) + 1;
}

static void
work_begin(struct life *life)
{
    struct message *m = &life->pipe[0];
    if (!life->inside) {
        turn_handled(&life->turn, m->handled);
        life->inside = true;
        life->at = 0;
    }
    if (life->at == m->n) {
        flush(life);
        turn_leave(&life->turn, m->first + m->n);
        life->inside = false;
        memmove(m, m + 1, --life->n_pipe * sizeof *m);
        return;
    }
    uint32_t i = life->at++;
    if (turn_begin(&life->turn, m->first + i, m->records[i].lane, m->records[i].epoch) && !scribbled_hostile)
        check_begun(life, m->records[i].part, m->records[i].pos);
}

static void
work_send(struct life *life, struct record *r)
{
    if (life->outbox.n == SLOTS) /* its pipe is not read: a worker that is scribbled over */
        life->outbox.n = 0;
    life->outbox.item[life->outbox.n++] = (struct holding_sends){
        .seq = scribbled_hostile && random_once_in(4) ? random_below(200) : life->turn.seq};
    turn_sent(&life->turn);
    r->finished |= !scribbled_hostile;
    r->unsent = scribbled_hostile ? 0 : (int)(life - lives) + 1;
}

void
life_work(struct life *life)
{
    if (!life->turn.on) {
        if (life->n_pipe > 0)
            work_begin(life);
        return;
    }
    struct record *r = record_at(&life->pipe[0], life->at - 1);
    r->on = 0;
    if (random_once_in(6) && turn_may_fail(&life->turn)) {
        flush(life);
        turn_fail(&life->turn, FAILURE_FAILED, "no luck");
    } else if (random_once_in(2)) {
        turn_finish(&life->turn);
        r->finished |= !scribbled_hostile;
    } else {
        work_send(life, r);
    }
    if (random_once_in(3))
        flush(life);
}
