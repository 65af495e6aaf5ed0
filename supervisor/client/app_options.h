/* app_options.h - the options of all commands that open an app: run, check, tasks and try.
 *
 *     -c TASK=N, -w N|auto, -b BROKERS, -X PROPERTY=VALUE
 *
 * A command puts APP_OPTIONS_SHORT and APP_OPTIONS_LONG among its own options and hands each result of
 * getopt_long to app_options_take first. */
#ifndef SUPERVISOR_CLIENT_APP_OPTIONS_H
#define SUPERVISOR_CLIENT_APP_OPTIONS_H

#include <getopt.h>

#include "conf/conf.h"

#define APP_OPTIONS_SHORT "c:w:b:X:"
/* clang-format off */
#define APP_OPTIONS_LONG                             \
    {"concurrency", required_argument, NULL, 'c'},   \
    {"workers", required_argument, NULL, 'w'},       \
    {"brokers", required_argument, NULL, 'b'},       \
    {"property", required_argument, NULL, 'X'}
/* clang-format on */

struct app_options {
    const char *command;             /* whose usage errors these are; set it before the first call */
    struct conf_overrides overrides; /* for app_open */
    char **texts;                    /* what the overrides point to */
    size_t n_texts;
};

/* app_options_take takes one option: 1 if it was one of these, 0 if it was not, -1 if its value is wrong; the
 * usage error was then printed and the command returns 64. `arg` must last as long as the options. */
int app_options_take(struct app_options *a, int opt, const char *arg);
void app_options_free(struct app_options *a);

#endif
