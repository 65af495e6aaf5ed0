/* headrace.h - what the author of a task includes.
 *
 * A module is a shared object that declares tasks; headrace loads it in worker processes. One worker process runs one instance
 * of one task, so nothing in here takes locks, and a task shares no memory with another one. The functions are called from the
 * thread that runs the body; hr_count and hr_log may be called from any thread.
 *
 *     cc -shared -fPIC $(pkg-config --cflags headrace) logs.c -o logs.so
 *
 * In a worker stdin is /dev/null and stdout is line-buffered. SIGTERM is headrace's own: it means that it is time to stop. A
 * write to a closed pipe fails with EPIPE and does not kill. A child that a body forks, and that does not exec, must not call
 * hr_next or hr_sleep, and cannot send.
 *
 * Strict C11 and C++11. Names that end in an underscore belong to the macros (headrace_macros.h). */
#ifndef HEADRACE_H
#define HEADRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. A module built against an older one still loads; one built against a newer one is refused with
 * a message that says so. */
#define HR_API_VERSION 1

#define HR_UNUSED __attribute__((__unused__))
#define HR_PRINTF(at, from) __attribute__((__format__(__printf__, at, from)))

typedef struct hr_app hr_app;       /* the app while hr_setup runs */
typedef struct hr_task hr_task;     /* the task that runs in this process; valid as long as its body runs */
typedef struct hr_record hr_record; /* one Kafka message; valid until the next hr_next or hr_next_as */
struct json_t;                      /* json_t of jansson; include <jansson.h> to use it */

/* The body of a task. It returns 0, or what the log and the restart are to show. */
typedef int hr_task_function(hr_task *self);

/* ---- declaring tasks ----
 *
 *     HR_TASK(process_logs, .topic = "logs", .concurrency = 2) { ... return 0; }
 *     HR_TIMER(dump_stats, .interval = 30.0) { ... return 0; }
 *
 * declare a function, whose parameter is `hr_task *self`, and register it when the module is loaded. Names
 * are identifiers of at most 64 characters; a name stands for one task or timer of the app. Options come in
 * any order, their values need not be constant; they are assignments of the structs below, so what is left
 * out is zero, which means "not given". The configuration file wins over what is given here, and the command
 * line over both. */

enum hr_order {
    HR_ORDER_DEFAULT = 0,   /* not given: partition */
    HR_ORDER_PARTITION = 1, /* records of a partition one after the other, as Kafka keeps them */
    HR_ORDER_KEY = 2,       /* records of a partition with one key; those without a key have no order */
    HR_ORDER_NONE = 3       /* any order, each record on its own: most parallel */
};

typedef struct hr_task_options {
    const char *name;    /* set by HR_TASK; by hand for hr_add_task. [A-Za-z0-9_-]{1,64} */
    const char *topic;   /* a name, several separated by commas, or ^pattern. NULL: a background task */
    int concurrency;     /* worker processes, 1 to 4096; 0: not given */
    enum hr_order order; /* which records may be worked on at the same time */
} hr_task_options;

typedef struct hr_timer_options {
    const char *name; /* set by HR_TIMER; by hand for hr_add_timer */
    double interval;  /* seconds between triggers, fractions allowed; 0: not given */
} hr_timer_options;

#define HR_TASK(...)                                                                                         \
    HR_DECLARE_(task, HR_FIRST_(__VA_ARGS__), .name = HR_STR_(HR_FIRST_(__VA_ARGS__)) HR_REST_(__VA_ARGS__))
#define HR_TIMER(...)                                                                                        \
    HR_DECLARE_(timer, HR_FIRST_(__VA_ARGS__), .name = HR_STR_(HR_FIRST_(__VA_ARGS__)) HR_REST_(__VA_ARGS__))

/* A module may define hr_setup. It is called once in each worker, after the module was loaded and before the body runs, and
 * also when the module is described (`headrace check`), so it should do little but register:
 *
 *     int hr_setup(hr_app *app)
 *     {
 *         return hr_add_task(app, &(hr_task_options){.name = "by_hand", .topic = "logs"}, by_hand);
 *     }
 *
 * Anything but 0 is an error, and the module is not used. */
__attribute__((__visibility__("default"))) int hr_setup(hr_app *app);

/* int hr_add_task(hr_app *app, const hr_task_options *options, hr_task_function *function);
 * int hr_add_timer(hr_app *app, const hr_timer_options *options, hr_task_function *function);
 * register by hand, from within hr_setup. The options are copied, strings included. 0, or -1 where they are wrong; what is wrong
 * is shown when hr_setup has returned, so the result need not be looked at. In C++ the options may also be given by reference. */
#define hr_add_task(...)                                                                                     \
    hr_add_task_(HR_API_VERSION, sizeof(hr_task_options), __FILE__, __LINE__, __VA_ARGS__)
#define hr_add_timer(...)                                                                                    \
    hr_add_timer_(HR_API_VERSION, sizeof(hr_timer_options), __FILE__, __LINE__, __VA_ARGS__)

/* ---- the task in its process ---- */

/* The next record, valid until the next call; the call also says that the record before it is finished (or, after hr_fail or
 * hr_reject, that it failed). Blocks until there is one. NULL: time to stop, for ever after; also in timers and background
 * tasks, which have no records. */
hr_record *hr_next(hr_task *self);

/* bool hr_next_as(hr_task *self, TYPE, const TYPE **out): the next record as a struct that HR_RECORD declared. A record whose
 * value is not a JSON object, lacks a field, or has one of another type, is rejected with a reason that names the field, and
 * the next one is taken. *out and the strings in it are valid until the next call; do not free them. false: time to stop, *out
 * is NULL. */
#define hr_next_as(self, type, out)                                                                          \
    ((*(out) = (const type *)hr_next_as_((self), hr_type_of_##type())) != NULL)

/* A batch: the records that are worked on together. */
typedef struct hr_batch {
    size_t n; /* at least 1 */
    hr_record *const *records;
} hr_batch;

/* The next records, at most `max` of them (8192 at the most), or as many as came within `seconds` after the first one; valid
 * until the next call. They finish together with that call; each can be failed alone (hr_fail, hr_reject), and is then tried
 * again before anything that comes after the batch in its lane. A batch that ends its worker is handed out again in halves,
 * until the record is found that does it. The deadline is for the batch; hr_send is not for batches (EOPNOTSUPP): what a record
 * sends could not be told from what the others send. NULL: time to stop. */
const hr_batch *hr_next_batch(hr_task *self, size_t max, double seconds);

/* bool hr_as(hr_record *record, TYPE, const TYPE **out): a record of a batch as a struct, as hr_next_as has it. false: it is no
 * such record, and was rejected. */
#define hr_as(record, type, out) ((*(out) = (const type *)hr_as_((record), hr_type_of_##type())) != NULL)

/* The record that the body is on: the one that hr_next or hr_next_as gave last. NULL where there is none. */
hr_record *hr_current(hr_task *self);

/* Sleeps for that many seconds (fractions allowed; negative is 0; more than 292 years is for ever). true: they have passed.
 * false: time to stop, at once. Records go on waiting meanwhile, and the current one stays current. */
bool hr_sleep(hr_task *self, double seconds);

const char *hr_name(const hr_task *self); /* of the task; valid as long as the body runs */
int hr_instance(const hr_task *self);     /* which of the task's workers this is: 0 to hr_concurrency - 1 */
int hr_concurrency(const hr_task *self);  /* how many workers the task had when this one was started */

/* ---- one record ----
 *
 * What is returned belongs to the record and is valid as long as it is. Keys, values and headers are bytes,
 * as they are in Kafka; a NUL that is not counted stands behind them, so text can be read as a string.
 * `length` may be NULL. */

const char *hr_value(const hr_record *record, size_t *length); /* NULL: none (a tombstone); that is not "" */
const char *hr_key(const hr_record *record, size_t *length);   /* NULL: no key */
const char *hr_topic(const hr_record *record);
int32_t hr_partition(const hr_record *record);
int64_t hr_offset(const hr_record *record);
int64_t hr_timestamp(const hr_record *record); /* milliseconds since 1970; -1: none */
int hr_attempt(const hr_record *record);       /* 1 the first time */

/* The value of the last header of that name; NULL where there is none, or where it is null. */
const char *hr_header(const hr_record *record, const char *name, size_t *length);

/* The value as JSON (an object or an array), parsed at the first call; a borrowed reference, valid as long as the record is.
 * NULL where it is not JSON. */
struct json_t *hr_json(hr_record *record);

/* hr_fail: this record failed; it is tried again later, as often as the task's configuration says. hr_reject: it failed, and no
 * further attempt is of use. The text is the reason that people will read: one line of at most 495 bytes of UTF-8 (line breaks
 * become spaces, the rest is cut off). The record stays valid; it is given back when the body asks for the next one, or
 * returns. The last hr_fail counts; hr_reject wins over hr_fail. */
void hr_fail(hr_record *record, const char *format, ...) HR_PRINTF(2, 3);
void hr_reject(hr_record *record, const char *format, ...) HR_PRINTF(2, 3);

/* This record failed, and is to be tried again in so many seconds instead of after the configured backoff; it counts as an
 * attempt. Before or after hr_fail, which then gives the reason. The records of its lane (what the task's order keeps one after
 * the other: its partition) wait with it. */
void hr_retry_after(hr_record *record, double seconds);

/* ---- sending ----
 *
 * Produces a record to Kafka. What a record sends leaves this worker when the record has finished (the body asked for the
 * next one and did not fail this one): all of it, or nothing. The record is done when the broker has confirmed it;
 * meanwhile its lane goes on. Timers and background tasks have no records: there it leaves when the body returns or
 * calls hr_sleep. Topic, key, value and headers are copied. 0, or -1 with errno:
 *
 *     EINVAL     no topic that can be (1 to 249 of [A-Za-z0-9._-], not "." or ".."), a NULL where bytes are
 *                announced, a header without a name, a negative partition or timestamp
 *     EMSGSIZE   this record would send more than HR_SEND_MAX bytes in all; what it sent before is not affected
 *     EPERM      called from another thread than the one that runs the body, or from a child that it forked
 *
 * What the broker refuses for good (a topic that does not exist, a message larger than the topic takes, a missing right)
 * makes a dead letter of the record, with the reason "send: <error>"; it is not run again. So does a topic beyond the
 * 1,000 that a task can send to until its supervisor ends. A record that is repeated, because its worker was killed
 * before what it sent had reached the supervisor, sends again. */

#define HR_SEND_MAX (64u * 1024 * 1024)

typedef struct hr_message_header {
    const char *name;
    const void *value; /* NULL: a null header */
    size_t value_length;
} hr_message_header;

typedef struct hr_message {
    const char *topic;
    const void *key; /* NULL: none */
    size_t key_length;
    const void *value; /* NULL: none (a tombstone); that is not "" */
    size_t value_length;
    const hr_message_header *headers;
    size_t n_headers;
    bool has_partition; /* it goes to `partition`; otherwise the key decides, or chance where there is none */
    int32_t partition;
    int64_t timestamp; /* milliseconds since 1970; 0: when it is produced */
} hr_message;

int hr_send(hr_task *self, const char *topic, const void *key, size_t key_length, const void *value,
            size_t value_length);
int hr_send_message(hr_task *self, const hr_message *message);

/* ---- typed records ----
 *
 *     #define LOG_RECORD(FIELD)                 \
 *         FIELD(HR_STRING, severity)            \
 *         FIELD(HR_STRING, host, "host.name")   \
 *         FIELD(HR_OPT_INT, level, "level", 3)
 *     HR_RECORD(log_record, LOG_RECORD);
 *
 * declares `struct log_record` and the type `log_record` with the members severity, host and level. FIELD
 * takes the kind, the member, the name in JSON where it is another one, and for the HR_OPT_ kinds the value
 * where the record lacks the field or has null (where not given: NULL, 0, 0.0, false). What a record has
 * beside is ignored. */

enum hr_kind {
    HR_STRING,     /* const char *: UTF-8, without NUL inside */
    HR_INT,        /* int64_t */
    HR_REAL,       /* double; an integer in JSON is one, too */
    HR_BOOL,       /* bool */
    HR_OPT_STRING, /* the same, each with its default */
    HR_OPT_INT,
    HR_OPT_REAL,
    HR_OPT_BOOL
};

#define HR_RECORD(type, FIELDS)                                                                              \
    typedef struct type {                                                                                    \
        FIELDS(HR_MEMBER_)                                                                                   \
    } type;                                                                                                  \
    HR_UNUSED static inline const hr_type *hr_type_of_##type(void)                                           \
    {                                                                                                        \
        typedef type hr_this_type;                                                                           \
        static const hr_field fields[] = {FIELDS(HR_ENTRY_)};                                                \
        static const hr_type described = {HR_API_VERSION,   #type,  sizeof(type),                            \
                                          sizeof(hr_field), fields, sizeof fields / sizeof fields[0]};       \
        return &described;                                                                                   \
    }                                                                                                        \
    HR_SEMICOLON_

/* ---- counters and the log ---- */

typedef struct hr_counter {
    const char *name;
    void *slot; /* headrace's own */
} hr_counter;

/* HR_COUNTER(name): declares a counter that is summed over all processes of the app. Counters of one name are one counter, in
 * whatever file they are declared. What a worker counted is kept when it dies. An app has at most 256. */
#define HR_COUNTER(counter)                                                                                  \
    HR_UNUSED static hr_counter counter[1] = {{#counter, NULL}};                                             \
    __attribute__((__constructor__)) static void hr_counter_register_##counter(void)                         \
    {                                                                                                        \
        hr_register_counter_(HR_API_VERSION, counter);                                                       \
    }                                                                                                        \
    HR_SEMICOLON_

/* Adds n, which may be negative. What constructors of the module count is not kept. */
void hr_count(hr_counter *counter, long long n);

/* The sum over all processes of the app since it was started, those that ended included. It is brought up to date before each
 * trigger of a timer; elsewhere it may be some moments old. */
long long hr_total(const hr_counter *counter);

enum hr_log_level { HR_LOG_ERROR, HR_LOG_WARN, HR_LOG_INFO, HR_LOG_DEBUG };

/* Writes a line to the log (stderr), with time, level and the name of this worker, in one write(2). Without a newline at the
 * end; line breaks within are escaped. What is less important than the app's log level is not written. errno is kept. */
void hr_log(enum hr_log_level level, const char *format, ...) HR_PRINTF(2, 3);

#include "headrace_macros.h"

#ifdef __cplusplus
} /* extern "C" */

/* C++ cannot take the address of a temporary: the same by reference. */
static inline int
hr_add_task_(int api, size_t size, const char *file, int line, hr_app *app, const hr_task_options &options,
             hr_task_function *function)
{
    return hr_add_task_(api, size, file, line, app, &options, function);
}

static inline int
hr_add_timer_(int api, size_t size, const char *file, int line, hr_app *app, const hr_timer_options &options,
              hr_task_function *function)
{
    return hr_add_timer_(api, size, file, line, app, &options, function);
}

static inline int
hr_send_message(hr_task *self, const hr_message &message)
{
    return hr_send_message(self, &message);
}
#endif
#endif
