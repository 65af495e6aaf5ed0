/* test_kafka_options.c - which brokers a command talks to: what wins, what is refused, and whose are taken
 * where none are named. */
#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/mem.h"
#include "supervisor/client/kafka_options.h"
#include "supervisor/client/usage.h"

Suite *kafka_options_suite(void);

static char folder[64], said[512]; /* said: on stderr, by the last apply */
static struct kafka_options k;
static rd_kafka_conf_t *conf;

static void
setup(void)
{
    strcpy(folder, "/tmp/kafka-options-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_RUNTIME_DIR", folder, 1);
    k = (struct kafka_options){.command = "send"};
    conf = rd_kafka_conf_new();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void
teardown(void)
{
    kafka_options_free(&k);
    rd_kafka_conf_destroy(conf);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int
apply(void)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    int code = kafka_options_apply(&k, conf);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return code;
}

static const char *
brokers(void)
{
    static char text[256];
    size_t size = sizeof text;
    ck_assert_int_eq(rd_kafka_conf_get(conf, "bootstrap.servers", text, &size), RD_KAFKA_CONF_OK);
    return text;
}

/* must_refuse: the option is wrong, with this text. */
static void
must_refuse(int option, const char *value, const char *text)
{
    k = (struct kafka_options){.command = "send"};
    if (option != 'b') /* else an app that happens to run on this machine is found, and said */
        kafka_options_take(&k, 'b', "h1:1");
    ck_assert_int_eq(kafka_options_take(&k, option, value), 1);
    ck_assert_int_eq(apply(), EX_USAGE);
    ck_assert_str_eq(said, text);
    kafka_options_free(&k);
    k = (struct kafka_options){.command = "send"};
}

START_TEST(test_command_line_wins)
{
    ck_assert_int_eq(kafka_options_take(&k, 'b', "h1:1"), 1);
    ck_assert_int_eq(apply(), 0);
    ck_assert_str_eq(brokers(), "h1:1");
    ck_assert_int_eq(kafka_options_take(&k, 'X', "metadata.broker.list=h2:2,h3"), 1);
    ck_assert_int_eq(apply(), 0);
    ck_assert_str_eq(brokers(), "h2:2,h3");
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(test_what_is_refused)
{
    must_refuse('b', "",
                "headrace send: -b: names no broker; give HOST:PORT, several separated by commas, such as "
                "localhost:9092 (see headrace send --help)\n");
    must_refuse('b', "h:65536",
                "headrace send: -b: \"h:65536\" has no port from 1 to 65535 (see headrace send --help)\n");
    must_refuse('X', "bootstrap.servers=:1",
                "headrace send: -X bootstrap.servers: \":1\" names no host (see headrace send --help)\n");
    must_refuse(
        'X', "sasl.pasword=secret",
        "headrace send: -X sasl.pasword: No such configuration property: \"sasl.pasword\" (see headrace "
        "send --help)\n");
}
END_TEST

/* answer is an app that runs and is asked once for its status; it says through `ready` that it can be found.
 */
static void
answer(int ready)
{
    struct rundir r;
    char *error, request[256];
    const char *reply = "{\"ok\": true, \"status\": {\"brokers\": \"running:4711\"}}";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (rundir_open(&r, "only", NULL, false, &error))
        _exit(1);
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REP);
    char *endpoint = rundir_endpoint(&r, RUNDIR_CONTROL);
    if (zmq_bind(socket, endpoint) < 0 || write(ready, "", 1) != 1 ||
        zmq_recv(socket, request, sizeof request, 0) < 0 || zmq_send(socket, reply, strlen(reply), 0) < 0)
        _exit(1);
    zmq_close(socket);
    zmq_ctx_term(context); /* when the reply is on its way */
    rundir_close(&r);
    _exit(0);
}

/* only_app starts that app; 0 where it is not the only one on this machine, and nothing can be tested. */
static pid_t
only_app(void)
{
    int fds[2];
    char byte, *path, *error;
    struct rundir_owner owner;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0)
        answer(fds[1]);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    bool only = rundir_find(NULL, NULL, &path, &owner, &error) == 0;
    free(path);
    free(error);
    if (only)
        return pid;
    printf("kafka_options: other apps are running here: not tried with a single one\n");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

START_TEST(test_brokers_of_the_only_app)
{
    int status;
    pid_t pid = only_app();
    if (pid == 0)
        return;
    ck_assert_int_eq(apply(), 0);
    ck_assert_str_eq(brokers(), "running:4711");
    ck_assert_str_eq(said, "headrace send: at running:4711, as the running app only\n");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* What is named is taken, though an app runs. */
START_TEST(test_named_brokers_and_a_running_app)
{
    pid_t pid = only_app();
    if (pid == 0)
        return;
    ck_assert_int_eq(kafka_options_take(&k, 'X', "bootstrap.servers=named"), 1);
    ck_assert_int_eq(apply(), 0);
    ck_assert_str_eq(brokers(), "named");
    ck_assert_str_eq(said, "");
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

Suite *
kafka_options_suite(void)
{
    Suite *s = suite_create("kafka_options");
    TCase *options = tcase_create("options");
    tcase_add_checked_fixture(options, setup, teardown);
    tcase_add_test(options, test_command_line_wins);
    tcase_add_test(options, test_what_is_refused);
    tcase_add_test(options, test_brokers_of_the_only_app);
    tcase_add_test(options, test_named_brokers_and_a_running_app);
    suite_add_tcase(s, options);
    return s;
}
