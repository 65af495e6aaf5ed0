/* dead.c - `headrace dead list|show|replay TOPIC`: the command line of the three.
 *
 * Owns: which options each of them takes.
 * Must not know: what a letter is (letter.c), how a topic is read (reader.c). */
#include "supervisor/client/dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/letter.h"
#include "supervisor/client/usage.h"

#define NEWEST_MAX 1000000 /* they are kept in memory */
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { OPTION_OFFSET = 0x100, OPTION_TO, OPTION_TASK, OPTION_REASON, OPTION_JSON };

/* clang-format off */
static const struct option list_options[] = {
    KAFKA_OPTIONS_LONG,
    {"newest", required_argument, NULL, 'n'},
    {"task", required_argument, NULL, OPTION_TASK},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};
static const struct option show_options[] = {
    KAFKA_OPTIONS_LONG,
    {"offset", required_argument, NULL, OPTION_OFFSET},
    {NULL, 0, NULL, 0},
};
static const struct option replay_options[] = {
    KAFKA_OPTIONS_LONG,
    {"offset", required_argument, NULL, OPTION_OFFSET},
    {"to", required_argument, NULL, OPTION_TO},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

static const struct action {
    const char *name, *command;
    int (*function)(struct dead_wish *w);
    const struct option *options;
    const char *letters;
} actions[] = {
    {"list", "dead list", dead_list, list_options, ":" KAFKA_OPTIONS_SHORT "n:"},
    {"show", "dead show", dead_show, show_options, ":" KAFKA_OPTIONS_SHORT},
    {"replay", "dead replay", dead_replay, replay_options, ":" KAFKA_OPTIONS_SHORT},
};

static const struct action *
find_action(const char *name)
{
    const char *known[COUNT(actions)];
    for (size_t i = 0; i < COUNT(actions); i++) {
        known[i] = actions[i].name;
        if (strcmp(known[i], name) == 0)
            return &actions[i];
    }
    const char *nearest = conf_nearest(name, known, COUNT(actions));
    if (nearest)
        usage_error("dead", "takes list, show or replay first, not '%s'; did you mean %s?", name, nearest);
    else
        usage_error("dead", "takes list, show or replay first, not '%s'", name);
    return NULL;
}

static int
take_place(struct dead_wish *w, const char *arg)
{
    struct reader_place place;
    if (!reader_place_read(arg, &place))
        return usage_error(w->command, "--offset takes PARTITION:OFFSET, as in 0:17, not '%s'", arg);
    for (size_t i = 0; i < w->n_places; i++)
        if (w->places[i].partition == place.partition && w->places[i].offset == place.offset)
            return usage_error(w->command, "--offset %s is given twice", arg);
    w->places = mem_grow(w->places, w->n_places + 1, sizeof *w->places);
    w->places[w->n_places++] = place;
    return 0;
}

static int
take_option(struct dead_wish *w, int opt, char **argv, const struct option *options)
{
    int taken = kafka_options_take(&w->kafka, opt, optarg);
    if (taken != 0)
        return taken < 0 ? EX_USAGE : 0;
    switch (opt) {
    case 'n':
        return usage_number(optarg, 1, NEWEST_MAX, &w->newest)
                   ? 0
                   : usage_error(w->command, "-n takes a number from 1 to %d, not '%s'", NEWEST_MAX, optarg);
    case OPTION_OFFSET:
        return take_place(w, optarg);
    case OPTION_TO:
        w->to = optarg;
        return letter_topic_name(optarg, strlen(optarg))
                   ? 0
                   : usage_error(w->command, "--to: '%s' is no name for a topic", optarg);
    case OPTION_TASK:
        w->task = optarg;
        return 0;
    case OPTION_REASON:
        w->reason = optarg;
        return 0;
    case OPTION_JSON:
        w->json = true;
        return 0;
    default:
        return usage_option(w->command, argv, options, opt);
    }
}

static int
check(struct dead_wish *w)
{
    if (!letter_topic_name(w->topic, strlen(w->topic)))
        return usage_error(w->command, "'%s' is no name for a topic", w->topic);
    if (w->to && strcmp(w->to, w->topic) == 0)
        return usage_error(w->command, "--to names the topic that the letters are read from");
    for (size_t i = 0; i < w->kafka.n_properties; i++) {
        char *name = mem_prefix(w->kafka.properties[i], strcspn(w->kafka.properties[i], "="));
        int code = conf_kafka_owner(name)
                       ? usage_error(w->command, "-X %s: is set by headrace; leave it out", name)
                       : 0;
        free(name);
        if (code)
            return code;
    }
    return 0;
}

static int
parse(struct dead_wish *w, const struct action *a, int argc, char **argv)
{
    int opt, code;
    while ((opt = getopt_long(argc, argv, a->letters, a->options, NULL)) != -1)
        if ((code = take_option(w, opt, argv, a->options)) != 0)
            return code;
    if (optind == argc)
        return usage_error(w->command, "needs the name of a dead-letter topic, by default GROUP.dlq");
    if (argc - optind > 1)
        return usage_error(w->command, "takes one TOPIC, but there is '%s' too", argv[optind + 1]);
    w->topic = argv[optind];
    return check(w);
}

int
dead_open(struct dead_wish *w, struct reader *r, const char *group)
{
    *r = (struct reader){0};
    rd_kafka_conf_t *conf = reader_conf();
    int code = kafka_options_apply(&w->kafka, conf);
    if (code == 0)
        return reader_open(r, w->command, w->topic, group, conf);
    rd_kafka_conf_destroy(conf);
    return code;
}

const char *
dead_time(int64_t ms, char text[DEAD_TIME_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    size_t n = 0;
    if (ms >= 0 && gmtime_r(&seconds, &utc))
        n = strftime(text, DEAD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    if (n == 0)
        return strcpy(text, "-");
    snprintf(text + n, DEAD_TIME_SIZE - n, ".%03dZ", (int)(ms % 1000));
    return text;
}

int
dead_main(int argc, char **argv)
{
    if (argc < 2)
        return usage_error("dead", "takes list, show or replay first, then the name of a dead-letter topic");
    const struct action *a = find_action(argv[1]);
    if (!a)
        return EX_USAGE;
    struct dead_wish w = {.command = a->command, .kafka.command = a->command};
    int code = parse(&w, a, argc - 1, argv + 1);
    if (code == 0)
        code = a->function(&w);
    kafka_options_free(&w.kafka);
    free(w.places);
    return code;
}
