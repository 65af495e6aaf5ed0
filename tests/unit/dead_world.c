/* dead_world.c - what the tests of dead letters stand on.
 *
 * Owns: the mock cluster, a folder, and what the last program said. */
#include "tests/unit/dead_world.h"

#include <check.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 24
#define LIMIT (20 * NS_PER_S)

rd_kafka_mock_cluster_t *dead_cluster;
char dead_folder[64];
char *dead_out, *dead_err;

static rd_kafka_t *rk; /* the cluster hangs on it; it produces */
static char out_path[96], err_path[96];
static wall_ms now; /* of the next record */

/* ---- the broker ---- */

void
dead_setup(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ck_assert_int_eq(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", text, sizeof text),
                     RD_KAFKA_CONF_OK);
    ck_assert_int_eq(rd_kafka_conf_set(conf, "linger.ms", "0", text, sizeof text), RD_KAFKA_CONF_OK);
    ck_assert_int_eq(rd_kafka_conf_set(conf, "log_level", "3", text, sizeof text), RD_KAFKA_CONF_OK);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    ck_assert_ptr_nonnull(rk);
    dead_cluster = rd_kafka_handle_mock_cluster(rk);
    rd_kafka_mock_topic_create(dead_cluster, DLQ, 3, 1);
    rd_kafka_mock_topic_create(dead_cluster, "logs", 4, 1);
    strcpy(dead_folder, "/tmp/headrace-dead-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dead_folder));
    snprintf(out_path, sizeof out_path, "%s/out", dead_folder);
    snprintf(err_path, sizeof err_path, "%s/err", dead_folder);
    now = 1700000000000;
}

void
dead_teardown(void)
{
    char command[128];
    rd_kafka_destroy(rk);
    snprintf(command, sizeof command, "rm -r %s", dead_folder);
    ck_assert_int_eq(system(command), 0);
    free(dead_out);
    free(dead_err);
    dead_out = dead_err = NULL;
}

void
dead_put(const char *topic, int32_t partition, const char *key, const char *value, size_t size,
         rd_kafka_headers_t *headers_take)
{
    rd_kafka_resp_err_t wrong = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(key, key ? strlen(key) : 0), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, size),
        RD_KAFKA_V_TIMESTAMP(now++), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADERS(headers_take), RD_KAFKA_V_END);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(rd_kafka_flush(rk, 10000), 0);
}

void
dead_add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, -1);
}

rd_kafka_headers_t *
dead_headers(const char *topic, int partition, int offset, const char *reason)
{
    char number[16];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    dead_add(headers, "trace", "7");
    if (topic)
        dead_add(headers, "headrace.topic", topic);
    snprintf(number, sizeof number, "%d", partition);
    dead_add(headers, "headrace.partition", number);
    snprintf(number, sizeof number, "%d", offset);
    dead_add(headers, "headrace.offset", number);
    dead_add(headers, "headrace.timestamp", "1600000000123");
    dead_add(headers, "headrace.group", "logs.read");
    dead_add(headers, "headrace.task", "read");
    dead_add(headers, "headrace.reason", reason);
    dead_add(headers, "headrace.attempts", "5");
    return headers;
}

void
dead_put_letter(int32_t into, const char *topic, int partition, int offset, const char *value)
{
    dead_put(DLQ, into, "key", value, strlen(value),
             dead_headers(topic, partition, offset, "crash: SIGSEGV"));
}

/* ---- the programs ---- */

char *
dead_slurp(const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *copy = open_memstream(&text, &size), *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    for (int c; (c = fgetc(file)) != EOF;)
        fputc(c, copy);
    fclose(copy);
    fclose(file);
    return text;
}

static int
await(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    free(dead_out);
    free(dead_err);
    dead_out = dead_slurp(out_path);
    dead_err = dead_slurp(err_path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* start starts `headrace` with the words of `line` and "-b" of the cluster. */
static pid_t
start(const char *format, va_list args)
{
    char line[1024], *argv[ARGUMENTS_MAX] = {(char *)"headrace"}, *rest = line;
    int n = 1;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    vsnprintf(line, sizeof line, format, args);
    for (char *word; (word = strsep(&rest, " "));)
        argv[n++] = word;
    argv[n++] = (char *)"-b";
    argv[n++] = (char *)(uintptr_t)rd_kafka_mock_cluster_bootstraps(dead_cluster);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(posix_spawn(&pid, BUILD_DIR "/headrace", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

__attribute__((format(printf, 2, 3))) void
dead_run(int expected, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = await(start(format, args));
    va_end(args);
    ck_assert_msg(code == expected, "exit code %d, expected %d\n%s\n%s", code, expected, dead_out, dead_err);
}

void
dead_said(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "expected: %s\nsaid: %s", part, text);
}

/* ---- what is in a topic ---- */

static void
append(struct dead_content *c, const char *format, ...)
{
    va_list args;
    size_t at = strlen(c->text);
    va_start(args, format);
    vsnprintf(c->text + at, sizeof c->text - at, format, args);
    va_end(args);
}

static void
note(struct dead_content *c, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;
    append(c, "%d:%.*s=%.*s", m->partition, m->key ? (int)m->key_len : 6, m->key ? (char *)m->key : "(null)",
           m->payload ? (int)m->len : 6, m->payload ? (char *)m->payload : "(null)");
    rd_kafka_message_headers(m, &headers);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        append(c, " %s=%.*s", name, value ? (int)size : 6, value ? (const char *)value : "(null)");
    append(c, "\n");
    c->records++;
}

/* read_partition reads up to the end of one partition. */
static void
read_partition(rd_kafka_topic_t *topic, int32_t partition, struct dead_content *c)
{
    mono_ns until = clock_mono() + LIMIT;
    ck_assert_int_eq(rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING), 0);
    for (bool ended = false; !ended;) {
        rd_kafka_message_t *m = rd_kafka_consume(topic, partition, 100);
        ck_assert_int_lt(clock_mono(), until);
        if (!m)
            continue;
        ended = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!m->err)
            note(c, m);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consume_stop(topic, partition);
}

static rd_kafka_t *
new_consumer(const char *group)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(dead_cluster), NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", NULL, 0);
    if (group)
        rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    ck_assert_ptr_nonnull(consumer);
    return consumer;
}

struct dead_content
dead_content(const char *name, int32_t partitions)
{
    struct dead_content c = {0};
    rd_kafka_t *consumer = new_consumer(NULL);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer, name, NULL);
    const struct rd_kafka_metadata *metadata; /* asked for now, or it is only in half a second */
    ck_assert_int_eq(rd_kafka_metadata(consumer, 0, topic, &metadata, 10000), 0);
    rd_kafka_metadata_destroy(metadata);
    for (int32_t i = 0; i < partitions; i++)
        read_partition(topic, i, &c);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(consumer);
    return c;
}

int64_t
dead_committed(int32_t partition)
{
    rd_kafka_t *consumer = new_consumer(DLQ ".replay");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, DLQ, partition);
    ck_assert_int_eq(rd_kafka_committed(consumer, list, 10000), 0);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(consumer);
    return offset < 0 ? -1 : offset;
}
