/* broker.c - `headrace broker`: an embedded broker in the foreground.
 *
 * Owns: the mock cluster of librdkafka, for as long as the process lives.
 *
 * DESIGN: the cluster serves from a thread of librdkafka's own; the main thread makes it, says its address
 * and waits for a signal. Signals are blocked before any thread exists, so that all threads have them blocked
 * and only the waiting one gets them.
 *
 * Must not know: who uses it; embedded.c starts it with --ready-fd for `headrace run --embedded`. */
#include <errno.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"
#include "supervisor/client/commands.h"
#include "supervisor/client/usage.h"

#define COMMAND "broker"
#define PARTITIONS_MAX 10000
#define TOPIC_MAX 249 /* Kafka's own limit */

enum { OPTION_TOPIC = 0x100, OPTION_READY_FD };

struct topic {
    char *name;
    int64_t partitions;
};

struct broker {
    struct topic *topics;
    size_t n_topics;
    int64_t ready_fd; /* -1: the address goes to stdout */
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
};

static bool
is_topic_name(const char *name, size_t length)
{
    return length > 0 && length <= TOPIC_MAX && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

static int
add_topic(struct broker *b, const char *arg)
{
    struct topic t = {.name = mem_string(arg)};
    char *colon = strrchr(t.name, ':');
    if (!colon || !usage_number(colon + 1, 1, PARTITIONS_MAX, &t.partitions)) {
        free(t.name);
        return usage_error(COMMAND, "--topic takes NAME:PARTITIONS with 1 to %d partitions, not '%s'",
                           PARTITIONS_MAX, arg);
    }
    *colon = '\0';
    b->topics = mem_grow(b->topics, b->n_topics + 1, sizeof *b->topics);
    b->topics[b->n_topics++] = t;
    if (!is_topic_name(t.name, strlen(t.name)))
        return usage_error(COMMAND, "'%s' is no name for a topic: 1 to %d letters, digits, '.', '_' and '-'",
                           t.name, TOPIC_MAX);
    return 0;
}

static int
parse(struct broker *b, int argc, char **argv)
{
    static const struct option options[] = {
        {"topic", required_argument, NULL, OPTION_TOPIC},
        {"ready-fd", required_argument, NULL, OPTION_READY_FD},
        {NULL, 0, NULL, 0},
    };
    int opt, code;
    while ((opt = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (opt == OPTION_TOPIC && (code = add_topic(b, optarg)) != 0)
            return code;
        if (opt == OPTION_READY_FD && !usage_number(optarg, 0, 1 << 20, &b->ready_fd))
            return usage_error(COMMAND, "--ready-fd takes the number of an open descriptor, not '%s'",
                               optarg);
        if (opt == '?' || opt == ':')
            return usage_option(COMMAND, argv, options, opt);
    }
    if (optind < argc)
        return usage_error(COMMAND,
                           "takes no argument, but there is '%s'; a topic is --topic NAME:PARTITIONS",
                           argv[optind]);
    return 0;
}

static void
log_nothing(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text; /* of a client that is never used */
}

static int
create(struct broker *b)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_nothing);
    b->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text); /* a handle to hang the cluster on */
    if (!b->rk) {
        rd_kafka_conf_destroy(conf);
        return command_error(COMMAND, EX_SOFTWARE, "cannot be started: %s", text);
    }
    b->cluster = rd_kafka_mock_cluster_new(b->rk, 1);
    if (!b->cluster)
        return command_error(COMMAND, EX_SOFTWARE, "cannot be started: no port to listen on");
    for (size_t i = 0; i < b->n_topics; i++) {
        const struct topic *t = &b->topics[i];
        rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(b->cluster, t->name, (int)t->partitions, 1);
        if (err)
            return command_error(COMMAND, EX_SOFTWARE, "topic %s: %s", t->name, rd_kafka_err2str(err));
    }
    return 0;
}

/* say_address writes the address where it is waited for. */
static int
say_address(const struct broker *b)
{
    int fd = b->ready_fd >= 0 ? (int)b->ready_fd : STDOUT_FILENO;
    char *line = mem_printf("%s\n", rd_kafka_mock_cluster_bootstraps(b->cluster));
    ssize_t length = (ssize_t)strlen(line);
    ssize_t written = write(fd, line, (size_t)length);
    free(line);
    if (written != length)
        return command_error(COMMAND, EX_SOFTWARE, "the address cannot be written: %s", strerror(errno));
    if (fd != STDOUT_FILENO)
        close(fd);
    return 0;
}

static void
destroy(struct broker *b)
{
    if (b->cluster)
        rd_kafka_mock_cluster_destroy(b->cluster);
    if (b->rk)
        rd_kafka_destroy(b->rk);
    for (size_t i = 0; i < b->n_topics; i++)
        free(b->topics[i].name);
    free(b->topics);
}

int
broker_main(int argc, char **argv)
{
    struct broker b = {.ready_fd = -1};
    sigset_t ends;
    int signal;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int code = parse(&b, argc, argv);
    if (code == 0)
        code = create(&b);
    if (code == 0)
        code = say_address(&b);
    if (code == 0)
        sigwait(&ends, &signal);
    destroy(&b);
    return code;
}
