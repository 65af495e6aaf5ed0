/* options.c - the options of a tool of the Kafka ring: a table, read with getopt. */
#include "tests/kafka/common/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define OPTIONS_MAX 32

void
options_refuse(const char *wrong, const char *usage)
{
    fprintf(stderr, "%s: %s\nusage: %s %s\n", program_invocation_short_name, wrong, program_invocation_short_name,
            usage);
    exit(64);
}

static long
number_of(const char *text, const struct tool_option *o, const char *usage)
{
    char *end, wrong[120];
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && n >= o->least)
        return n;
    snprintf(wrong, sizeof wrong, "-%c %.40s: must be a number of at least %ld", o->letter, text, o->least);
    options_refuse(wrong, usage);
}

static void
take(const struct tool_option *o, const char *usage)
{
    if (o->text)
        *o->text = optarg;
    else if (o->number)
        *o->number = number_of(optarg, o, usage);
    else
        *o->flag = true;
}

char **
options_read(int argc, char **argv, const struct tool_option *table, int words, const char *usage)
{
    char letters[2 * OPTIONS_MAX + 1], wrong[40];
    bool given[OPTIONS_MAX] = {false};
    int n = 0, used = 0;
    for (; table[n].letter && n < OPTIONS_MAX; n++)
        used += sprintf(letters + used, table[n].flag ? "%c" : "%c:", table[n].letter);
    for (int letter; (letter = getopt(argc, argv, letters)) != -1;) {
        int i = 0;
        while (i < n && table[i].letter != letter)
            i++;
        if (i == n)
            options_refuse("that is no option of this tool, or it lacks its value", usage);
        take(&table[i], usage);
        given[i] = true;
    }
    for (int i = 0; i < n; i++)
        if (table[i].needed && !given[i]) {
            snprintf(wrong, sizeof wrong, "-%c is missing", table[i].letter);
            options_refuse(wrong, usage);
        }
    if (argc - optind != words)
        options_refuse("another number of words is expected", usage);
    return argv + optind;
}
