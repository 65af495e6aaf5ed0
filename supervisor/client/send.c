/* send.c - `headrace send TOPIC [FILE]`: the lines of a file, or of stdin, as records.
 *
 * Owns: what a line is: everything up to a newline, NULs and all, of any length; the key in front of a
 * separator. Must not know: how records are sent (producer.c) and where to (kafka_options.c). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/kafka_options.h"
#include "supervisor/client/producer.h"
#include "supervisor/client/usage.h"

#define COMMAND "send"

struct wish {
    struct kafka_options kafka;
    const char *topic, *file; /* file NULL: stdin */
    const char *key;
    char *separator; /* NULL: lines have no key of their own */
    int64_t partition;
};

/* How many INT and TERM came, and how many of them are borne: one that ends the reading. */
static volatile sig_atomic_t signals;
static int borne = 1;

static void
on_signal(int signal)
{
    (void)signal;
    signals++;
}

/* watch_signals: the first INT or TERM ends the reading, and what was read is still sent; the next one, and
 * any that comes when all was read, gives up. */
static void
watch_signals(void)
{
    struct sigaction end = {.sa_handler = on_signal}; /* no SA_RESTART: read returns */
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
}

static bool
give_up(void)
{
    return signals > borne;
}

static int
take_option(struct wish *w, int opt, char **argv, const struct option *options)
{
    int taken = kafka_options_take(&w->kafka, opt, optarg);
    if (taken != 0)
        return taken < 0 ? EX_USAGE : 0;
    switch (opt) {
    case 'k':
        w->key = optarg;
        break;
    case 'K':
        if (*optarg == '\0')
            return usage_error(COMMAND, "-K takes what stands between key and value; it is empty");
        free(w->separator);
        w->separator = mem_string(strcmp(optarg, "\\t") == 0 ? "\t" : optarg);
        break;
    case 'p':
        if (!usage_number(optarg, 0, INT32_MAX, &w->partition))
            return usage_error(COMMAND, "-p takes the number of a partition, not '%s'", optarg);
        break;
    default:
        return usage_option(COMMAND, argv, options, opt);
    }
    return w->key && w->separator
               ? usage_error(COMMAND, "-k and -K both say what the key is; give one of them")
               : 0;
}

static int
parse(struct wish *w, int argc, char **argv)
{
    static const struct option options[] = {
        KAFKA_OPTIONS_LONG,
        {"key", required_argument, NULL, 'k'},
        {"key-separator", required_argument, NULL, 'K'},
        {"partition", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    int opt, code;
    while ((opt = getopt_long(argc, argv, ":" KAFKA_OPTIONS_SHORT "k:K:p:", options, NULL)) != -1)
        if ((code = take_option(w, opt, argv, options)) != 0)
            return code;
    if (optind == argc || argv[optind][0] == '\0')
        return usage_error(COMMAND, "needs the name of a topic");
    if (argc - optind > 2)
        return usage_error(COMMAND, "takes one TOPIC and one FILE, but there is '%s' too", argv[optind + 2]);
    w->topic = argv[optind];
    w->file = argv[optind + 1];
    if (w->file && strcmp(w->file, "-") == 0)
        w->file = NULL;
    return 0;
}

/* send_line splits a line and sends it; without a separator in it, it has no key. */
static bool
send_line(const struct wish *w, struct producer *p, uint64_t number, const char *line, size_t length)
{
    struct producer_text key = {NULL, 0}, value = {line, length};
    size_t between = w->separator ? strlen(w->separator) : 0;
    const char *at = w->separator ? memmem(line, length, w->separator, between) : NULL;
    if (at) {
        key = (struct producer_text){line, (size_t)(at - line)};
        value = (struct producer_text){at + between, length - key.size - between};
    } else if (w->key) {
        key = (struct producer_text){w->key, strlen(w->key)};
    }
    return producer_send(p, number, key, value);
}

/* send_lines reads to the end: 0, or an exit code where the file cannot be read. */
static int
send_lines(const struct wish *w, struct producer *p, FILE *in)
{
    char *line = NULL;
    size_t space = 0;
    ssize_t length;
    uint64_t number = 0;
    bool go_on = true;
    while (go_on && !signals && (errno = 0, length = getline(&line, &space, in)) >= 0) {
        if (length > 0 && line[length - 1] == '\n')
            length--;
        go_on = send_line(w, p, ++number, line, (size_t)length);
    }
    int failed = go_on && !signals && !feof(in) ? errno : 0;
    free(line);
    if (!failed)
        return 0;
    return command_error(COMMAND, EX_NOINPUT, "%s: cannot be read: %s", w->file ? w->file : "stdin",
                         strerror(failed));
}

static int
send_file(struct wish *w, rd_kafka_conf_t *conf, FILE *in)
{
    struct producer p;
    int code = producer_open(&p, COMMAND, w->topic, conf);
    if (code)
        return code;
    if (w->partition >= 0)
        p.partition = (int32_t)w->partition;
    p.give_up = give_up;
    watch_signals();
    int read_code = send_lines(w, &p, in);
    borne = signals > 0;
    if (signals > 0 && rd_kafka_flush(p.rk, 500) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fprintf(stderr, "headrace " COMMAND
                        ": interrupted; waiting for what was read to be confirmed, once more gives up\n");
    code = producer_close(&p);
    return read_code ? read_code : code;
}

static int
open_and_send(struct wish *w)
{
    FILE *in = w->file ? fopen(w->file, "re") : stdin;
    if (!in)
        return command_error(COMMAND, EX_NOINPUT, "%s: %s", w->file, strerror(errno));
    rd_kafka_conf_t *conf = producer_conf();
    int code = kafka_options_apply(&w->kafka, conf);
    if (code)
        rd_kafka_conf_destroy(conf);
    else
        code = send_file(w, conf, in);
    if (in != stdin)
        fclose(in);
    return code;
}

int
send_main(int argc, char **argv)
{
    struct wish w = {.kafka.command = COMMAND, .partition = -1};
    int code = parse(&w, argc, argv);
    if (code == 0)
        code = open_and_send(&w);
    kafka_options_free(&w.kafka);
    free(w.separator);
    return code;
}
