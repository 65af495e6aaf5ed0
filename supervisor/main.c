/* main.c - the command line: one table of commands.
 *
 * Owns: which commands there are, what is said of them, and how they are called.
 * Guarantees: a help text fits a screen of 80 by 24 characters.
 * Must not know: the options of any command; each has them in supervisor/client/. */
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <zmq.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "supervisor/client/commands.h"

struct command {
    const char *name;
    int (*function)(int argc, char **argv);
    const char *purpose;
    const char *help;
};

static const struct command commands[] = {
    {"run", run_main, "run an app in the foreground",
     "usage: headrace run APP [options]\n"
     "\n"
     "Runs an app: consumes its topics and hands the records to worker processes.\n"
     "APP is a configuration (conf/logs.json) or just a module (logs.so).\n"
     "\n"
     "  -c, --concurrency TASK=N  N workers for TASK (may be repeated)\n"
     "  -w, --workers N|auto      N workers for every stream task; auto: one per CPU\n"
     "  -b, --brokers HOST:PORT   several separated by commas; default localhost:9092\n"
     "  -X, --property P=VALUE    any property of librdkafka (may be repeated); it can be seen in ps, so take\n"
     "                            passwords from the environment: \"${NAME}\" in the configuration\n"
     "      --embedded            start an embedded broker and create the topics\n"
     "      --until-end           stop when all records that are there now are done\n"
     "      --runtime-dir DIR     where this run can be found; made if it is missing\n"
     "      --log-level LEVEL     error, warn, info (default) or debug\n"
     "\n"
     "stdout is the tasks', stderr is the log. A broker that is away is waited for.\n"
     "The first INT (Ctrl-C) or TERM stops gracefully, the second INT or QUIT at once.\n"
     "Exit codes: 0 clean, 1 a task was given up on, 2 a stop was forced, 64 usage,\n"
     "69 no broker (--until-end and --embedded) or DIR is in use, 70 a fatal error,\n"
     "78 configuration.\n"
     "\n"
     "  headrace run conf/logs.json -c process_logs=4\n"
     "  headrace run logs.so --embedded\n"},

    {"check", check_main, "check an app's configuration and modules",
     "usage: headrace check APP [-c TASK=N]... [-w N|auto] [-b BROKERS]\n"
     "                      [-X P=VALUE]...\n"
     "\n"
     "Reads the configuration, loads the modules in a child process and lists every\n"
     "problem there is. Nothing is started and no broker is asked.\n"
     "The options are those of `headrace run`.\n"
     "\n"
     "Exit codes: 0 no problem, 64 the command line is wrong, 78 there are problems.\n"
     "\n"
     "  headrace check conf/logs.json\n"},

    {"tasks", tasks_main, "list an app's tasks and where their options come from",
     "usage: headrace tasks APP [--json] [-c TASK=N]... [-w N|auto] [-b BROKERS]\n"
     "                      [-X P=VALUE]...\n"
     "\n"
     "Lists the tasks and timers of an app, with each option and where it came from:\n"
     "the default, the code, the file or the command line. The latter win.\n"
     "\n"
     "      --json  as one JSON document\n"
     "\n"
     "The other options are those of `headrace run`.\n"
     "\n"
     "  headrace tasks conf/logs.json\n"
     "  headrace tasks logs.so -c process_logs=8 --json\n"},

    {"try", try_main, "run one task over a file's lines or one record",
     "usage: headrace try APP TASK [FILE | --record T:P:O] [--debug]\n"
     "                    [options of `headrace run`]\n"
     "\n"
     "Runs TASK in this process over the lines of FILE (or of stdin), each of them a\n"
     "record; no broker, no supervisor. A timer runs once, a background task until it\n"
     "returns or Ctrl-C. Made for debuggers and for tests of your own.\n"
     "\n"
     "      --record TOPIC:PARTITION:OFFSET\n"
     "               fetch this record from the broker, and run TASK on it; out of a\n"
     "               dead-letter topic, it is the record that died, as it was\n"
     "      --debug  in gdb, which stops where the body of TASK begins\n"
     "\n"
     "Exit codes: 0 all records were finished, 1 some were not, 64 no such task,\n"
     "66 FILE or the record cannot be read, 69 no broker or topic, 78 configuration.\n"
     "\n"
     "  headrace try logs.so process_logs records.txt\n"
     "  echo '{\"severity\":\"ERROR\",\"message\":\"m\"}' | headrace try logs.so process_logs\n"
     "  headrace try conf/logs.json process_logs --record logs:0:17 --debug\n"},

    {"send", send_main, "send the lines of a file to a topic",
     "usage: headrace send TOPIC [FILE] [options]\n"
     "\n"
     "Sends each line of FILE (or of stdin) as a record and waits until the broker has\n"
     "confirmed them all.\n"
     "\n"
     "  -k, --key KEY            the key of every record\n"
     "  -K, --key-separator SEP  what stands between key and value in a line (\\t: tab)\n"
     "  -p, --partition N        the partition; else Kafka chooses, by the key\n"
     "  -b, --brokers HOST:PORT  the brokers; default: those of the only running app,\n"
     "                           else localhost:9092\n"
     "  -X, --property P=VALUE   any property of librdkafka (may be repeated); not for passwords: ps shows it\n"
     "      --app APP            brokers and properties of a configuration\n"
     "  -a, --name NAME          the brokers of the running app NAME\n"
     "      --runtime-dir DIR    the brokers of the app that runs there\n"
     "\n"
     "Exit codes: 0 all confirmed, 1 some refused, 66 FILE cannot be read,\n"
     "69 not confirmed within 30 s (-X message.timeout.ms=...), or interrupted.\n"
     "\n"
     "  headrace send logs records.txt -b localhost:9092\n"
     "  printf 'a:1\\nb:2\\n' | headrace send logs -K : -a logs\n"},

    {"broker", broker_main, "run an embedded broker for trying things out",
     "usage: headrace broker [--topic NAME:PARTITIONS]...\n"
     "\n"
     "Runs an embedded broker in the foreground and prints its address; TERM or Ctrl-C\n"
     "ends it. It is librdkafka's mock cluster. Good for trying things out and for\n"
     "tests; it differs from a real Kafka:\n"
     "\n"
     "  - everything is in memory, and gone when it ends;\n"
     "  - about the last 5 MB of each partition are kept, older records are dropped,\n"
     "    read or not; a record of more than 5 MB may never be seen, nor the next one;\n"
     "  - a topic that is not created by --topic is made when it is first used, with 4\n"
     "    partitions;\n"
     "  - it listens on the loopback only, on a port of its own choosing;\n"
     "  - offsets committed in transactions are not kept; there are no access rights,\n"
     "    quotas, compaction or retention by time;\n"
     "  - a group stalls when a second member joins, for up to the session timeout: to\n"
     "    try two supervisors, use a real Kafka.\n"
     "\n"
     "  headrace broker --topic logs:8\n"},

    {"status", status_main, "show a running app",
     "usage: headrace status [-a NAME] [--runtime-dir DIR] [-v] [--json]\n"
     "\n"
     "Shows the tasks, timers and counters of a running app.\n"
     "\n"
     "  -a, --name NAME        the app; not needed where only one is running\n"
     "      --runtime-dir DIR  the app that runs there\n"
     "  -v, --verbose          each task's workers and partitions too\n"
     "      --json             all there is, as one JSON document\n"
     "\n"
     "  PROCESSED  records that were finished\n"
     "  FAILED     attempts that failed: a record tried five times counts five times\n"
     "  RETRIED    attempts that were made again\n"
     "  DEAD       records given up on, written to the dead-letter topic\n"
     "  SKIPPED    records given up on without that; of a timer: triggers missed\n"
     "  LAG        records in Kafka past the commit point\n"
     "  LATE/S     by how many seconds the last trigger was late\n"
     "\n"
     "Exit codes: 0, 64 several apps are running (they are listed), 69 none is.\n"
     "\n"
     "  headrace status\n"
     "  headrace status -a logs --json\n"},

    {"stop", stop_main, "stop a running app",
     "usage: headrace stop [-a NAME] [--runtime-dir DIR] [--timeout SECONDS]\n"
     "\n"
     "Asks a running app to stop gracefully and waits until it is gone.\n"
     "\n"
     "  -a, --name NAME        the app; not needed where only one is running\n"
     "      --runtime-dir DIR  the app that runs there\n"
     "      --timeout SECONDS  how long to wait (default 60)\n"
     "\n"
     "Exit codes: 0 it is gone, 1 it is still there after the timeout, 64 several apps\n"
     "are running (they are listed), 69 none is.\n"
     "\n"
     "  headrace stop -a logs\n"},

    {"dead", dead_main, "list, show and send back dead letters",
     "usage: headrace dead list TOPIC [-n N] [--task TASK] [--reason PREFIX] [--json]\n"
     "       headrace dead show TOPIC --offset P:O\n"
     "       headrace dead replay TOPIC [--offset P:O]... [--to TOPIC]\n"
     "\n"
     "Lists the dead letters in TOPIC (by default GROUP.dlq), shows one in full, or\n"
     "sends them back where they came from, for the group that gave up on them.\n"
     "\n"
     "  -n, --newest N       the N newest ones that match\n"
     "      --task TASK      those of one task\n"
     "      --reason PREFIX  whose reason begins like that (crash, \"exit: 3\")\n"
     "      --json           a JSON document a line\n"
     "      --offset P:O     partition and offset in TOPIC, as list shows them\n"
     "      --to TOPIC       send to TOPIC instead, for all groups\n"
     "\n"
     "-b, -X, --app, -a and --runtime-dir say which broker, as for `headrace send`.\n"
     "Without --offset, replay sends what came since the last replay; it commits as\n"
     "group TOPIC.replay. The letters stay where they are.\n"
     "\n"
     "Exit codes: 0, 1 some cannot be sent, 66 no such letter, 69 no broker or topic.\n"
     "\n"
     "  headrace dead list logs.process_logs.dlq --reason crash -a logs\n"
     "  headrace dead replay logs.process_logs.dlq --offset 0:17 -a logs\n"},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void
print_overview(FILE *out)
{
    fprintf(out, "usage: headrace COMMAND [options]\n\n"
                 "Runs the tasks of a Kafka application in worker processes of their own.\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s%s\n", commands[i].name, commands[i].purpose);
    fprintf(out, "\n`headrace COMMAND --help` tells more; `headrace --version` says which this is.\n\n"
                 "  headrace run conf/logs.json --embedded -c process_logs=2\n"
                 "  echo '{\"severity\":\"ERROR\",\"message\":\"no space\"}' | headrace send logs -a logs\n"
                 "  headrace status\n"
                 "  headrace stop\n");
}

static void
print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("headrace %s (librdkafka %s, libzmq %d.%d.%d, jansson %s)\n", HEADRACE_VERSION,
           rd_kafka_version_str(), major, minor, patch, jansson_version_str());
}

static const struct command *
find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int
unknown_command(const char *name)
{
    const char *known[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        known[i] = commands[i].name;
    const char *nearest = conf_nearest(name, known, N_COMMANDS);
    fprintf(stderr, "headrace: unknown %s '%s'", name[0] == '-' ? "option" : "command", name);
    if (nearest)
        fprintf(stderr, "; did you mean %s?", nearest);
    fprintf(stderr, " (see headrace --help)\n");
    return EX_USAGE;
}

/* wants_help says whether the arguments of a command ask for its help. */
static bool
wants_help(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-h") == 0)
        return true;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

static int
print_help(const char *of)
{
    const struct command *c = of ? find_command(of) : NULL;
    if (of && !c)
        return unknown_command(of);
    if (c)
        fputs(c->help, stdout);
    else
        print_overview(stdout);
    return 0;
}

/* finish notices what stdout could not take. */
static int
finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("headrace: stdout");
    return code ? code : EX_IOERR;
}

int
main(int argc, char **argv)
{
    json_set_alloc_funcs(mem_plain, free);
    if (argc < 2) {
        print_overview(stderr);
        return EX_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return finish(print_help(NULL));
    if (strcmp(name, "help") == 0)
        return finish(print_help(argv[2]));
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        print_version();
        return finish(0);
    }
    const struct command *c = find_command(name);
    if (!c)
        return unknown_command(name);
    if (wants_help(argc - 1, argv + 1))
        return finish(print_help(name));
    return finish(c->function(argc - 1, argv + 1));
}
