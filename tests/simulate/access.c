/* access.c - shared memory of the simulator: one segment for each worker.
 *
 * Owns: the segments. At each access the other side may move first: in the middle of a supervisor's operation
 * a worker makes a step, in the middle of a worker's step the supervisor does something, or the worker is
 * killed. What a worker writes into a slot is shown to the model the moment it is written. */
#include <stddef.h>
#include <string.h>

#include "tests/simulate/simulate.h"

struct sim_worker *sim_acting;
int sim_depth;

static union {
    struct scoreboard sb;
    unsigned char bytes[sizeof(struct scoreboard) + SIM_SLOTS + sizeof(uint64_t)]; /* the mark at its end */
} segments[SIM_SUPS][SIM_WORKERS];

struct scoreboard *
sim_scoreboard(const struct sim_worker *w)
{
    return &segments[w->sup - sim.sup][w->number].sb;
}

/* sim_scoreboard_new gives the worker's new life a segment as a new memfd is: all zero. */
void
sim_scoreboard_new(const struct sim_worker *w)
{
    struct scoreboard *sb = sim_scoreboard(w);
    memset(sb, 0, offsetof(struct scoreboard, reasons));
    for (int i = 0; i < SCOREBOARD_REASONS; i++)
        memset(&sb->reasons[i], 0, offsetof(struct reason, text) + 1);
    memset((void *)sb->state, 0, SIM_SLOTS + sizeof(uint64_t)); /* with the mark at its end */
    sb->slots = sim.slots;
}

static void
others_move(void)
{
    if (sim_depth > 1 || sim.preempt == 0 || !sim_once_in(sim.preempt))
        return;
    if (sim_acting) {
        struct sim_worker *w = sim_acting;
        sim_preempt_worker(w);
        sim_acting = w;
        if (!w->alive)
            longjmp(w->died, 1);
    } else {
        for (int s = 0; s < SIM_SUPS; s++)
            if (sim.sup[s].busy)
                sim_preempt_supervisor(&sim.sup[s]);
    }
}

static void
see(const volatile void *object, unsigned from, unsigned to)
{
    const unsigned char *at = (const unsigned char *)object;
    if (!sim_acting)
        return;
    const unsigned char *first = (const unsigned char *)sim_scoreboard(sim_acting)->state;
    if (at >= first && at < first + SIM_SLOTS)
        truth_saw(sim_acting, from, to);
}

uint64_t access_load(const volatile void *object, size_t size);
void access_store(volatile void *object, size_t size, uint64_t value);
bool access_swap(volatile void *object, uint8_t from, uint8_t to);
void access_text(char *text, size_t size, const char *from);

uint64_t
access_load(const volatile void *object, size_t size)
{
    uint64_t value = 0;
    others_move();
    memcpy(&value, (const void *)object, size);
    return value;
}

void
access_store(volatile void *object, size_t size, uint64_t value)
{
    others_move();
    see(object, *(const volatile uint8_t *)object, (unsigned)value);
    memcpy((void *)object, &value, size);
}

bool
access_swap(volatile void *object, uint8_t from, uint8_t to)
{
    volatile uint8_t *slot = object;
    others_move();
    if (*slot != from)
        return false;
    see(object, from, to);
    *slot = to;
    return true;
}

void
access_text(char *text, size_t size, const char *from)
{
    size_t length = strlen(from);
    others_move();
    memcpy(text, from, length < size ? length + 1 : size);
}
