/* flow.h - what a flow test is written with: a scene of real processes over the embedded broker.
 *
 * A scene is a fresh folder and everything that is started in it. flow_begin and flow_end are the fixture of each
 * test case; whatever happens to the test, at its end every process of the scene is killed and the folder is
 * removed (FLOW_KEEP=1 keeps it). When a test fails, the output of all its processes is shown.
 *
 * Nothing here sleeps to synchronise: waiting is on conditions, with a limit that only a broken program meets
 * (FLOW_LIMIT seconds, 30). FLOW_WRAP puts a program in front of every process that is started, such as
 * "valgrind -q --trace-children=yes". Texts that functions return live until flow_end. */
#ifndef TESTS_FLOW_FLOW_H
#define TESTS_FLOW_FLOW_H

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- scene.c: the folder ----------------------------------------------------------------------------------- */

void flow_begin(void);
void flow_end(void);

/* flow_text is printf into a text that lives until flow_end; flow_path the same, below the scene's folder. */
const char *flow_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *flow_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* flow_write writes a file of the scene and returns its path. flow_read returns what is in a file ("" if there is
 * none); flow_lines counts its lines that contain `text` (NULL: all). */
const char *flow_write(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *flow_read(const char *path);
int flow_lines(const char *path, const char *text);

/* The path of a module: of tests/flow/modules, and of worker/tasks. */
const char *flow_module(const char *name);
const char *flow_example(const char *name);

/* FLOW_UNTIL waits until the condition is true; else the test fails with the condition and `...` (printf). */
#define FLOW_UNTIL(condition, ...)                                                                            \
    do {                                                                                                       \
        for (int64_t flow_until_ = flow_limit(); !(condition);)                                                \
            if (!flow_wait_more(flow_until_))                                                                  \
                ck_abort_msg("waited in vain for: %s (%s)", #condition, flow_text(__VA_ARGS__));               \
    } while (0)
int64_t flow_limit(void);
bool flow_wait_more(int64_t until);

/* ---- process.c: processes ------------------------------------------------------------------------------------ */

struct flow_process {
    pid_t pid;
    const char *name; /* for messages: the words of the command */
    const char *out;  /* path of its stdout, */
    const char *err;  /* and of its stderr */
    bool ended;
    int code; /* when it has ended: exit code, or 128 + signal */
};

/* flow_start starts a program with arguments up to NULL; "headrace" is the one that was built. stdin is empty, or
 * the file `input`. */
struct flow_process *flow_start(const char *program, ...) __attribute__((sentinel));
struct flow_process *flow_start_from(const char *input, const char *program, ...) __attribute__((sentinel));
/* flow_call starts it and waits for its end. */
struct flow_process *flow_call(const char *program, ...) __attribute__((sentinel));

/* flow_ended looks whether it has ended, without waiting; flow_wait waits for it and returns the code. */
bool flow_ended(struct flow_process *p);
int flow_wait(struct flow_process *p);
/* flow_expect waits for the end and fails the test, with what the process wrote, if the code is another. */
void flow_expect(struct flow_process *p, int code);
void flow_signal(struct flow_process *p, int signal_number);

/* flow_said says whether stdout or stderr contain the text; flow_await waits for it. */
bool flow_said(const struct flow_process *p, const char *text);
void flow_await(struct flow_process *p, const char *text);

/* flow_pids finds the living processes of the scene whose command line (its words separated by blanks) contains
 * `text`, and returns how many there are (at most `max` are stored). The test itself is none of them. */
int flow_pids(const char *text, pid_t *pids, int max);
int flow_count(const char *text);
/* flow_descriptors counts the open file descriptors of a process. */
int flow_descriptors(pid_t pid);

/* ---- broker.c: the embedded broker, and Kafka seen by a client of our own ------------------------------------ */

/* flow_broker starts `headrace broker` with the topics ("logs:8", ... up to NULL) and waits until it is ready; the
 * functions below then go to it, and flow_brokers is its address. flow_use_broker makes them go to another one. */
struct flow_process *flow_broker(const char *topic, ...) __attribute__((sentinel));
const char *flow_brokers(void);
void flow_use_broker(const char *address);

/* flow_send queues a record; partition -1: any, key NULL: none. flow_flush waits until all are confirmed. */
void flow_send(const char *topic, int partition, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void flow_send_bytes(const char *topic, int partition, const void *key, size_t key_size, const void *value,
                     size_t value_size);
struct flow_header {
    const char *name;
    const void *value; /* may be NULL */
    size_t size;
};
struct flow_message {
    const char *topic;
    int partition;
    const void *key, *value; /* NULL: none */
    size_t key_size, value_size;
    const struct flow_header *headers;
    int n_headers;
};
void flow_send_message(const struct flow_message *message);
void flow_flush(void);

/* flow_committed asks the broker for the offset that a group has committed, -1: none; flow_end_offset for the end
 * of a partition. flow_all_committed: what is committed is the end, in every partition from 0 to n - 1. */
int64_t flow_committed(const char *group, const char *topic, int partition);
int64_t flow_end_offset(const char *topic, int partition);
bool flow_all_committed(const char *group, const char *topic, int n);

/* ---- letters.c: what is in a topic ------------------------------------------------------------------------------- */

struct flow_letter {
    int partition;
    int64_t offset, timestamp;
    const void *key, *value;
    size_t key_size, value_size;
    struct rd_kafka_message_s *message;
};

/* flow_letters reads all of a topic, partition after partition; returns how many there are. They live until the next
 * call. flow_letter_header gives a header by its place, false behind the last; flow_letter_text one by its name, "" if
 * there is none. */
size_t flow_letters(const char *topic, const struct flow_letter **letters);
bool flow_letter_header(const struct flow_letter *letter, size_t place, struct flow_header *header);
const char *flow_letter_text(const struct flow_letter *letter, const char *name);

/* ---- status.c: the running app, asked -------------------------------------------------------------------------- */

/* The runtime directory of the scene: for --runtime-dir. */
const char *flow_runtime(void);
/* flow_status asks the app in flow_runtime; NULL if it does not answer. The document lives until the next call. */
json_t *flow_status(void);
/* flow_get walks a document: "tasks.record.workers.0.pid": members by name; in a list the place, or the element
 * with that "name". NULL if there is no such thing. */
json_t *flow_get(json_t *document, const char *path);
/* flow_number and flow_string ask the app anew: a number (-1) or a text ("") at a path of its status. */
int64_t flow_number(const char *path);
const char *flow_string(const char *path);

/* ---- records.c: what the module `recorder` wrote ---------------------------------------------------------------- */

struct flow_record {
    char topic[64];
    int partition;
    int64_t offset;
    pid_t pid;
    int attempt;
    char value[224];
};

/* Where recorders of this scene write: RECORD_FILE of everything that is started. */
const char *flow_record_file(void);
/* flow_records reads what they wrote so far, in the order of writing; returns how many. */
size_t flow_records(const struct flow_record **records);
/* flow_seen counts the records with that value (NULL: all). */
int flow_seen(const char *value);
/* flow_check_order fails the test if, in a partition, a record was seen before one of a lower offset, or again
 * (repeats allowed: seen again from some offset on, in order). */
void flow_check_order(bool repeats);

#endif
