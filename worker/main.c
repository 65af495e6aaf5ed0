/* main.c - the headrace-worker program: one instance of one task, or a look into a module.
 *
 *   headrace-worker TASK INSTANCE              started by `headrace run`
 *   headrace-worker --describe MODULE          started by `headrace check`, `run` and `tasks`
 *   headrace-worker --try MODULE TASK [FILE [TOPIC]]
 *                                              started by `headrace try`, or by hand, or in a debugger
 *   headrace-worker --try-record MODULE TASK FD  started by `headrace try --record`, with the record on FD
 *
 * Everything else is in the files beside it, which make up a library, so that a program in another language
 * can be a worker too. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/describe.h"
#include "worker/life.h"
#include "worker/try.h"

static int
usage(void)
{
    fputs("headrace-worker is started by `headrace run`. By hand:\n"
          "  headrace-worker --try MODULE TASK [FILE [TOPIC]]   run a task over the lines of a file or stdin "
          "(-)\n"
          "  headrace-worker --describe MODULE                  show what a module declares, as JSON\n",
          stderr);
    return 64;
}

int
main(int argc, char **argv)
{
    json_set_alloc_funcs(mem_plain, free); /* also for the module: a record is not refused for want of memory */
    if (argc == 3 && strcmp(argv[1], "--describe") == 0)
        return describe_write(argv[2]);
    if (argc >= 4 && argc <= 6 && strcmp(argv[1], "--try") == 0)
        return try_run(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : NULL);
    if (argc == 5 && strcmp(argv[1], "--try-record") == 0)
        return try_record(argv[2], argv[3], atoi(argv[4]));
    if (argc != 3 || argv[1][0] == '-')
        return usage();
    return life_run();
}
