/* main.c - the headrace-symbolize program: makes the backtrace of a dead worker readable.
 *
 *   headrace-symbolize <frames     one line, "function (file:line) < function (file:line) < ..."
 *
 * A program of its own: the frames name files, and what stands in a file that a task was in is not to be
 * trusted; reading it may take any time and any memory, or crash. Nothing of that is to happen to the
 * supervisor, which only waits for a while for the line. So it also limits itself, and gains no rights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "worker/symbolize/symbolize.h"

#define FRAMES_MAX (64 << 10)
#define MEMORY_MAX (1ul << 30)
#define CPU_SECONDS 10

enum { EXIT_USAGE = 64 };

static void
limit(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max > most)
        setrlimit(resource, &(struct rlimit){most, most});
}

static void
limit_process(void)
{
#ifndef __SANITIZE_ADDRESS__ /* its shadow is larger */
    limit(RLIMIT_DATA, MEMORY_MAX);
#endif
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 1 << 20); /* stdout may be a file */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int
main(int argc, char **argv)
{
    (void)argv;
    static char frames[FRAMES_MAX];
    if (argc != 1) {
        fputs("headrace-symbolize is started by `headrace run`. By hand: headrace-symbolize <FRAMES,\n"
              "a line PATH+0xOFFSET for each frame, innermost first\n",
              stderr);
        return EXIT_USAGE;
    }
    limit_process();
    unsetenv("DEBUGINFOD_URLS"); /* else debug information would be fetched from there */
    size_t n = fread(frames, 1, sizeof frames - 1, stdin);
    frames[n] = '\0';
    char *line = symbolize(frames);
    puts(line);
    free(line);
    return fflush(stdout) == 0 ? 0 : 1;
}
