/* sleepers.c - processes that only sleep: what no scheduler of slow work can beat.
 *
 *   sleepers PROCESSES MILLISECONDS SECONDS
 *
 * Each process sleeps so long, again and again. Prints how many sleeps a second ended, of all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
sleep_on(long milliseconds, double until, long *count)
{
    while (now() < until) {
        struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
        nanosleep(&rest, NULL);
        ++*count;
    }
    _exit(0);
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: sleepers PROCESSES MILLISECONDS SECONDS\n");
        return 64;
    }
    long n = atol(argv[1]), milliseconds = atol(argv[2]), all = 0;
    double start = now(), seconds = atof(argv[3]);
    long *counts = mmap(NULL, (size_t)n * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < n; i++)
        if (fork() == 0)
            sleep_on(milliseconds, start + seconds, &counts[i * 8]);
    while (wait(NULL) > 0)
        ;
    for (long i = 0; i < n; i++)
        all += counts[i * 8];
    printf("%.1f\n", (double)all / (now() - start));
    return 0;
}
