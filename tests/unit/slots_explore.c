/* slots_explore.c - every state of a setup, breadth first, and whether each one can still come to its end.
 *
 * Owns: the states seen (by hash), the way to each, the steps between them.
 * Guarantees: the first state found to be wrong is one of those that the fewest steps lead to; the steps are
 * printed. When all is explored, every state has been shown to lead to the end (all records done) by steps in
 * which nothing more goes wrong: so there is no deadlock, and nothing that only another failure would
 * resolve. */
#include "tests/unit/slots_model.h"

#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

struct seen {
    uint32_t parent;
    struct slots_action action;
};

struct step {
    uint32_t from, to;
};

static struct {
    uint64_t *hashes; /* open addressing; 0: empty */
    uint32_t *places; /* the state of each hash */
    uint64_t size;
    struct seen *seen;
    uint8_t *ends; /* states in which all is done, and later those that lead there */
    uint32_t n, room;
    struct step *steps;
    uint64_t n_steps, steps_room;
    uint32_t here;
    struct slots_action doing;
} all;

/* ---- telling ---- */

static const char *const names[SLOTS_KINDS] = {
    [SLOTS_HAND] = "supervisor hands out to",
    [SLOTS_SETTLE] = "supervisor settles",
    [SLOTS_RECEIVE] = "supervisor receives sends of",
    [SLOTS_WITHDRAW] = "supervisor withdraws from",
    [SLOTS_BURY] = "supervisor buries",
    [SLOTS_TICK] = "a retry is due",
    [SLOTS_CONFIRM] = "the broker has",
    [SLOTS_REFUSE] = "the broker refuses",
    [SLOTS_BEGIN] = "begins",
    [SLOTS_FINISH] = "finishes",
    [SLOTS_SEND] = "finishes, and sends",
    [SLOTS_FLUSH] = "empties its outbox",
    [SLOTS_FAIL] = "fails",
    [SLOTS_HAND_BACK] = "hands back",
    [SLOTS_LEAVE] = "leaves the frame",
    [SLOTS_EXIT] = "exits",
    [SLOTS_ON_SUPERVISOR] = "supervisor goes on",
    [SLOTS_ON_WORKER] = "goes on",
    [SLOTS_TELL] = "is told to stop",
    [SLOTS_KILL] = "is killed",
    [SLOTS_DRAIN_KILL] = "is killed at the end of a drain",
};

static void
tell_action(const struct slots_action *a)
{
    if (a->kind == SLOTS_HAND)
        fprintf(stderr, "  %s worker %u: %u of lanes %x\n", names[a->kind], a->worker, a->a, a->b);
    else if (a->kind == SLOTS_WITHDRAW)
        fprintf(stderr, "  %s worker %u: lane %u\n", names[a->kind], a->worker, a->a);
    else if (a->kind <= SLOTS_BURY)
        fprintf(stderr, "  %s worker %u\n", names[a->kind], a->worker);
    else if (a->kind == SLOTS_CONFIRM || a->kind == SLOTS_REFUSE)
        fprintf(stderr, "  %s %u/%u\n", names[a->kind], a->a, a->b);
    else if (a->kind >= SLOTS_KILL)
        fprintf(stderr, "  worker %u %s, %u frames of sends were on the wire\n", a->worker, names[a->kind],
                a->a);
    else if (a->kind == SLOTS_TICK || a->kind == SLOTS_ON_SUPERVISOR)
        fprintf(stderr, "  %s\n", names[a->kind]);
    else
        fprintf(stderr, "  worker %u %s\n", a->worker, names[a->kind]);
}

static void
tell_way(uint32_t state)
{
    uint32_t n = 0, way[1000];
    for (; state > 0 && n < 1000; state = all.seen[state].parent)
        way[n++] = state;
    fprintf(stderr, "%s: %u steps lead there:\n", slots_setup->name, n);
    while (n-- > 0)
        tell_action(&all.seen[way[n]].action);
}

_Noreturn void
slots_wrong(const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell_way(all.here);
    tell_action(&all.doing);
    fprintf(stderr, "%s: %s\n", slots_setup->name, text);
    ck_abort_msg("%s: %s", slots_setup->name, text);
    abort();
}

/* A panic of the core is a find like any other. */
static void
on_abort(int signal_number)
{
    (void)signal_number;
    tell_way(all.here);
    tell_action(&all.doing);
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* ---- the states seen ---- */

static uint64_t
find(uint64_t hash)
{
    uint64_t at = hash & (all.size - 1);
    while (all.hashes[at] != 0 && all.hashes[at] != hash)
        at = (at + 1) & (all.size - 1);
    return at;
}

static void
grow(void)
{
    uint64_t old_size = all.size, *old = all.hashes;
    uint32_t *old_places = all.places;
    all.size *= 2;
    all.hashes = mem_array(all.size, sizeof *all.hashes);
    all.places = mem_array(all.size, sizeof *all.places);
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i] != 0) {
            uint64_t at = find(old[i]);
            all.hashes[at] = old[i];
            all.places[at] = old_places[i];
        }
    free(old);
    free(old_places);
}

/* note finds or adds slots_now; true if it is new. */
static bool
note(uint32_t *place)
{
    uint64_t hash = slots_hash(), at;
    if (2 * (uint64_t)all.n >= all.size)
        grow();
    at = find(hash);
    if (all.hashes[at] != 0) {
        *place = all.places[at];
        return false;
    }
    if (all.n == all.room) {
        all.room *= 2;
        all.seen = mem_grow(all.seen, all.room, sizeof *all.seen);
        all.ends = mem_grow(all.ends, all.room, sizeof *all.ends);
    }
    *place = all.n++;
    all.hashes[at] = hash;
    all.places[at] = *place;
    all.seen[*place] = (struct seen){all.here, all.doing};
    all.ends[*place] = slots_supervisor_done();
    return true;
}

static bool
goes_wrong(const struct slots_action *a)
{
    return a->kind == SLOTS_FAIL || a->kind == SLOTS_REFUSE || a->kind == SLOTS_WITHDRAW ||
           a->kind >= SLOTS_TELL;
}

static void
note_step(uint32_t to)
{
    if (goes_wrong(&all.doing))
        return;
    if (all.n_steps == all.steps_room) {
        all.steps_room *= 2;
        all.steps = mem_grow(all.steps, all.steps_room, sizeof *all.steps);
    }
    all.steps[all.n_steps++] = (struct step){all.here, to};
}

/* ---- exploring ---- */

static void
expand(const struct slots_world *world, struct slots_front *next)
{
    struct slots_action actions[SLOTS_ACTIONS];
    slots_now = *world;
    uint32_t n = slots_actions(actions);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t place;
        if (i > 0)
            slots_now = *world;
        all.doing = actions[i];
        slots_act(&actions[i]);
        if (note(&place) && !all.ends[place])
            slots_front_add(next, place);
        note_step(place);
    }
}

static void
explore_all(void)
{
    struct slots_front now = {0}, next = {0};
    struct slots_world world;
    uint32_t place;
    note(&place);
    slots_front_first();
    for (slots_front_add(&next, place); next.end > 0;) {
        struct slots_front swap = now;
        now = next;
        next = swap;
        while (slots_front_take(&now, &world, &all.here))
            expand(&world, &next);
    }
    slots_front_clear(&now);
    slots_front_clear(&next);
}

/* ---- the end can be reached ---- */

/* by_target sorts the steps by where they lead: starts[s] to starts[s + 1] are those that lead to s. */
static uint32_t *
by_target(uint64_t *starts)
{
    uint32_t *from = mem_array(all.n_steps, sizeof *from);
    for (uint64_t i = 0; i < all.n_steps; i++)
        starts[all.steps[i].to + 1]++;
    for (uint32_t s = 0; s < all.n; s++)
        starts[s + 1] += starts[s];
    uint64_t *at = mem_array(all.n, sizeof *at);
    for (uint64_t i = 0; i < all.n_steps; i++)
        from[starts[all.steps[i].to] + at[all.steps[i].to]++] = all.steps[i].from;
    free(at);
    return from;
}

static uint64_t
check_ends(void)
{
    uint64_t *starts = mem_array(all.n + 1ul, sizeof *starts), ends = 0;
    uint32_t *from = by_target(starts), *todo = mem_array(all.n, sizeof *todo), n = 0;
    for (uint32_t s = 0; s < all.n; s++)
        if (all.ends[s])
            todo[n++] = s;
    ends = n;
    while (n > 0) {
        uint32_t s = todo[--n];
        for (uint64_t i = starts[s]; i < starts[s + 1]; i++)
            if (!all.ends[from[i]]) {
                all.ends[from[i]] = 1;
                todo[n++] = from[i];
            }
    }
    for (uint32_t s = 0; s < all.n; s++)
        if (!all.ends[s]) {
            all.here = all.seen[s].parent;
            all.doing = all.seen[s].action;
            slots_wrong("from here on the records cannot all be done");
        }
    free(starts);
    free(from);
    free(todo);
    return ends;
}

struct slots_found
slots_explore(const struct slots_setup *setup)
{
    signal(SIGABRT, on_abort);
    memset(&all, 0, sizeof all);
    all.size = all.room = all.steps_room = 1 << 16;
    all.hashes = mem_array(all.size, sizeof *all.hashes);
    all.places = mem_array(all.size, sizeof *all.places);
    all.seen = mem_array(all.room, sizeof *all.seen);
    all.ends = mem_array(all.room, sizeof *all.ends);
    all.steps = mem_array(all.steps_room, sizeof *all.steps);
    slots_start(setup);
    explore_all();
    struct slots_found found = {all.n, all.n_steps, check_ends()};
    free(all.hashes);
    free(all.places);
    free(all.seen);
    free(all.ends);
    free(all.steps);
    return found;
}
