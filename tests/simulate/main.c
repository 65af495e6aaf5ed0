/* main.c - the simulator: schedules made of seeds, until the time is over or one goes wrong.
 *
 * simulate [SEED]     with a seed (or SIM_SEED): that schedule alone; SIM_TRACE=1 shows its steps
 * SIM_SECONDS         how long (3)
 *
 * Without a seed it begins at one taken from the clock, or at SIM_FROM. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "tests/simulate/simulate.h"

/* clang-format off */
/* What it is able to find. Each line was broken in a copy of the sources, and the first seed from 1 on said so (the rules
 * are those of the slot protocol; i5: the fifth invariant). Seeds change with the simulator: these are from before it knew
 * order by key and batches.
 *
 *  rule  broken                                                    seed  what is said
 *  1     a lane is withdrawn oldest first                            20  a record was begun behind a failed one of its lane
 *  2     slots are used again before the worker left the frame       38  it sends for a record that it has not finished
 *  2     slots are used again before all of them are settled          5  the ledger says 1 are held, the workers hold 0
 *  3     the worker bars nothing                                     68  record 0/1 begins before 0/0 has ended
 *  3     the worker forgets a bar at once                            75  record 0/1 begins before 0/0 has ended
 *  3     the lane is not taken back after a failure                 183  (a panic: entry 2 (offset 7) is in state 1, not 0)
 *  3     no epoch is raised and no bar is forgotten                  15  it does not come to its end
 *  4     settling does not stop at what was sent and is not here  12612  record 0/1 is said to be finished, but is not
 *  4     a death settles what was finished behind lost sends      12612  record 0/1 is said to be finished, but is not
 *  4     it gives back what other lanes finished, too              3612  record 1/0 is done, and begins again
 *  4     it takes what was sent and is not here for finished         50  record 1/4 is said to be finished, but is not
 *  4     a record behind lost sends is given up on                  904  record 2/2 is given up on before 2/1 has ended
 *  4     what a failed attempt sends is not dropped                  19  what 2/3 sends is given ... from a run that did not finish
 *  5     a worker leaves its frame with a full outbox                 2  it does not come to its end
 *  6     what is refused for good is run again                       17  record 0/3 is done, and begins again
 *  6     what is refused for good counts as done                     57  the commit point 5 of partition 0 passes record 0
 *  8     the scoreboard is read before the process has ended         14  (a fault)
 *  8     the next life gets the same scoreboard                       1  it took more than it was given
 *  8     the reason is written after the state                       51  record 1/0/1 failed with the reason ""
 *  9     a kill at drain_timeout counts as an attempt               975  1 failed attempts are told of 0
 *  9     a partition is given up while it is held                 11783  partition 2 is given up while 0 of it is on worker 1
 *  9     drain_timeout kills nobody                                 975  partition 0 is held for 4020 ms after ...
 *  9     after a loss the lane opens at once                        975  record 0/1 begins on worker 0.2 while 0/1 is on 0.0
 *  10    told to stop, a worker leaves its record on               6561  1 failed attempts are told of 0
 *  10    it hands its record back as failed                        6561  record 1/0/1 failed with the reason ""
 *  12    a window admits nothing where it is too small                5  it does not come to its end
 *  12    so does the credit of a worker                              73  it does not come to its end
 *  12    so does the memory of the app                              148  it does not come to its end
 *  13    the commit does not note the attempt                        17  it does not come to its end
 *  13    bad ends are not counted                                    17  it does not come to its end
 *  13    singly, but not waiting for the commit                      49  it does not come to its end
 *  13    noted singly, handed out in batches                      15699  record 2/2 begins attempt 2: 0 failed, 0 ends
 *  13    a turn goes on behind a record of another group             91  it does not come to its end
 *  13    a turn goes on behind a record given up unread            1350  it does not come to its end
 *  13    a frame goes on behind a record given up unread             17  record 0/5 begins before 0/4 has ended
 *  i5    `taken` is published after the swap                      17207  record 1/0 begins attempt 1 after 1 that failed
 *  i5    a suspect is followed by others                              5  record 0/2 ... does not travel alone
 *  -     a lane does not wait for its dead letter                   256  record 0/1 begins before 0/0 has ended
 *  -     a lane goes to two workers                                   1  record 0/5 begins on worker 1.1 while 0/3 is on 1.0
 *  -     one attempt more than `attempts`                             5  record 0/2 is dead-lettered after 3 attempts
 *  -     a letter on its way counts as done                           5  the commit point 2 of partition 0 passes record 0
 *  -     so do sends on their way                                     2  (a panic: no entry at 1)
 *  -     sends of a partition given up are waited for              3067  (a panic: no entry at 0)
 *
 * Two things can be taken out unseen, for others do the same: the epoch of a lane (bars are forgotten by `handled`), and
 * the stop of holding_withdraw at the first record that was begun (what lies before it in a lane has ended or is barred). */
/* clang-format on */

#define STEPS 120

struct sim_world sim;
bool sim_tracing;

static uint64_t state;

/* ---- the one source of chance (xorshift64*) ---- */

static void
seed_with(uint64_t seed)
{
    uint64_t z = seed + 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    state = (z ^ z >> 31) | 1;
}

uint32_t
sim_below(uint32_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(((state * 0x2545f4914f6cdd1du >> 32) * n) >> 32);
}

bool
sim_once_in(uint32_t n)
{
    return sim_below(n) == 0;
}

/* ---- telling ---- */

static void
tell_seed(void)
{
    char text[160];
    int n = snprintf(text, sizeof text,
                     "simulate: seed %" PRIu64 " failed; again: SIM_TRACE=1 SIM_SEED=%" PRIu64 "\n", sim.seed,
                     sim.seed);
    ssize_t ignored = write(2, text, (size_t)n);
    (void)ignored;
}

void
sim_wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "simulate: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    tell_seed();
    exit(1);
}

/* A panic or a fault of the core is a find like any other. */
static void
on_abort(int number)
{
    (void)number;
    tell_seed();
    _exit(1);
}

void
sim_trace(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%6.2f %s", (double)sim.now / (double)NS_PER_S,
            sim_acting && sim_depth > 1 ? "  > " : "");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
}

/* ---- running ---- */

static void
run(uint64_t seed)
{
    sim.seed = seed;
    seed_with(seed);
    world_make();
    for (uint32_t n = 20 + sim_below(STEPS); n > 0; n--)
        sim_step();
    sim_settle_down();
    world_end();
}

static int
run_for(double seconds, uint64_t first)
{
    mono_ns start = clock_mono(), end = start + (mono_ns)(seconds * (double)NS_PER_S);
    uint64_t seed = first;
    for (; clock_mono() < end; seed++)
        run(seed);
    double took = (double)(clock_mono() - start) / (double)NS_PER_S;
    printf("simulate: %" PRIu64 " schedules from seed %" PRIu64 " on, %.0f schedules/s, none failed\n",
           seed - first, first, (double)(seed - first) / took);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *seed = argc > 1 ? argv[1] : getenv("SIM_SEED");
    const char *seconds = getenv("SIM_SECONDS"), *from = getenv("SIM_FROM");
    log_init("simulate", LOG_LEVEL_ERROR);
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    sim_tracing = getenv("SIM_TRACE") != NULL;
    if (seed) {
        run(strtoull(seed, NULL, 10));
        printf("simulate: seed %s passed\n", seed);
        return 0;
    }
    return run_for(seconds ? strtod(seconds, NULL) : 3,
                   from ? strtoull(from, NULL, 10) : (uint64_t)clock_wall() << 20);
}
