/* main.c - the simulator: schedules made of seeds, until the time is over or one goes wrong.
 *
 * simulate [SEED]     with a seed (or SIM_SEED): that schedule alone; SIM_TRACE=1 shows its steps
 * SIM_SECONDS         how long (3)
 *
 * Without a seed it begins at one taken from the clock, or at SIM_FROM. What it is able to find: `make broken`. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/log.h"
#include "tests/simulate/simulate.h"

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
