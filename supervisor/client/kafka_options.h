/* kafka_options.h - how commands that talk to a broker are told which one, and how.
 *
 *     -b BROKERS, -X PROPERTY=VALUE, --app APP (its `kafka` section), -a NAME or --runtime-dir DIR (the
 * brokers of a running app)
 *
 * What is nearer to the command line wins: -X, then -b, then the running app, then the section of APP. Where
 * none of them is given: the brokers of the running app, if exactly one runs, which is said on stderr; else
 * localhost:9092. */
#ifndef SUPERVISOR_CLIENT_KAFKA_OPTIONS_H
#define SUPERVISOR_CLIENT_KAFKA_OPTIONS_H

#include <getopt.h>
#include <librdkafka/rdkafka.h>

#include "supervisor/client/ask.h"

enum { KAFKA_OPTION_APP = 0x200, KAFKA_OPTION_RUNTIME_DIR };

#define KAFKA_OPTIONS_SHORT "b:X:a:"
/* clang-format off */
#define KAFKA_OPTIONS_LONG                                         \
    {"brokers", required_argument, NULL, 'b'},                     \
    {"property", required_argument, NULL, 'X'},                    \
    {"app", required_argument, NULL, KAFKA_OPTION_APP},            \
    {"name", required_argument, NULL, 'a'},                        \
    {"runtime-dir", required_argument, NULL, KAFKA_OPTION_RUNTIME_DIR}
/* clang-format on */

struct kafka_options {
    const char *command; /* whose errors these are; set it first */
    const char *brokers, *app;
    const char **properties;
    size_t n_properties;
    struct ask_target running;
};

/* kafka_options_take takes one option: 1 if it was one of these, 0 if not, -1 if it is wrong (then the usage
 * error was printed). `arg` must last as long as the options. */
int kafka_options_take(struct kafka_options *k, int opt, const char *arg);

/* kafka_options_apply sets what was given on `conf`: 0, or an exit code; what is wrong was then printed. It may be
 * called again for another client. */
int kafka_options_apply(struct kafka_options *k, rd_kafka_conf_t *conf);
void kafka_options_free(struct kafka_options *k);

#endif
