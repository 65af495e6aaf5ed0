/* options.h - the options of a tool of the Kafka ring: a table, read with getopt. */
#ifndef TESTS_KAFKA_COMMON_OPTIONS_H
#define TESTS_KAFKA_COMMON_OPTIONS_H

#include <stdbool.h>

/* One letter, and what it sets: exactly one of text, number (at least `least`) and flag. */
struct tool_option {
    char letter;
    bool needed;
    const char **text;
    long *number, least;
    bool *flag;
};

/* options_read reads them and returns the words behind them. The table ends with letter 0. What is wrong is said, with
 * the usage, and ends the program with 64; so does another number of words than `words`. */
char **options_read(int argc, char **argv, const struct tool_option *table, int words, const char *usage);

/* options_refuse says what is wrong and ends the program with 64. */
_Noreturn void options_refuse(const char *wrong, const char *usage);

#endif
