/* conf.h - an app's configuration: the file, the command line and the modules' descriptions made one struct.
 *
 * conf_load reads and checks the file; conf_merge adds what the modules declare and what the command line says.
 * Every problem is collected, with file and key path and the nearest known key; none is fatal in here. The
 * command line wins over the file, and the file over the code (SPEC 3, 4). options.def is the one table of keys:
 * the parser, the defaults, `headrace tasks` and the reference come from it. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/users.h"
#include "shared/clock.h"

enum conf_kind { CONF_STREAM, CONF_BACKGROUND, CONF_TIMER };
enum conf_order { CONF_ORDER_PARTITION, CONF_ORDER_KEY, CONF_ORDER_NONE };
extern const char *const conf_order_names[]; /* NULL at the end */
enum conf_overlap { CONF_OVERLAP_SKIP, CONF_OVERLAP_QUEUE };
enum conf_on_failure { CONF_DEAD_LETTER, CONF_SKIP, CONF_STOP };
enum conf_from { CONF_FROM_DEFAULT, CONF_FROM_CODE, CONF_FROM_FILE, CONF_FROM_COMMAND_LINE };

/* One task or timer. Strings belong to the conf. */
struct conf_task {
    char *name;
    enum conf_kind kind;
    char *module;        /* path of the shared object */
    char *declared_at;   /* "logs.c:14" */
    char *topic;         /* stream: names separated by commas, or ^pattern; NULL otherwise */
    char *group;         /* stream: the consumer group */
    int64_t concurrency; /* 1 for timers */
    int64_t order;       /* enum conf_order */
    int64_t attempts;
    mono_ns backoff[2];  /* first and longest wait before another attempt */
    mono_ns deadline;    /* for one record or one trigger; 0: none */
    int64_t on_failure;  /* enum conf_on_failure */
    char *dead_letter_topic;
    int64_t dead_letter_limit;
    int64_t recycle_records; /* this and the next five: 0 (limit_core: -1) where there is no limit */
    mono_ns recycle_age;
    int64_t recycle_rss, limit_memory, limit_open_files, limit_core;
    int64_t restart_max;
    mono_ns restart_within;
    int64_t window;      /* records a partition may be read past its commit point */
    int64_t window_bytes;
    mono_ns interval;    /* timer */
    int64_t overlap;     /* timer: enum conf_overlap */
    char *run_as_user, *run_as_group; /* as the file says, or NULL */
    struct conf_user *user; /* whom it runs as; NULL: as the supervisor */
    json_t *environment; /* object of strings, or NULL */
    json_t *kafka;       /* object of strings: the app's section, the task's own over it, -b and -X over both */
    json_t *from;        /* object: option key -> "default" | "code" | "file" | "command line"; the properties
                            of Kafka one by one: "kafka.fetch.min.bytes" */
};

struct conf {
    char *app;
    char *path;          /* the file, or the module when that was given */
    char **modules;
    size_t n_modules;
    struct conf_task *tasks; /* in the order of declaration: streams, background tasks and timers */
    size_t n_tasks;
    json_t *kafka;       /* object of strings, -b and -X included */
    int64_t memory;      /* bytes of records the app may hold */
    mono_ns commit_interval, drain_timeout, stop_timeout;
    char **counters;     /* names, sorted, without duplicates, of all modules */
    size_t n_counters;
    json_t *counters_of; /* object: module -> the names that it declares */
    char **secrets;      /* names of the environment variables that passwords and keys in `kafka` came from */
    size_t n_secrets;
    char **problems;     /* texts: "conf/logs.json: tasks.process_logs.concurrency: must be 1 to 4096, is -2" */
    size_t n_problems;
    char **warnings;
    size_t n_warnings;
    json_t *file;        /* the file's document, environment already put in; NULL where a module was given */
    json_t *unset;       /* stands in the document where a variable was missing, so that it is reported once */
};

/* What the command line adds. Strings are borrowed until conf_merge returns. */
struct conf_overrides {
    struct { const char *task; int64_t concurrency; } *concurrency; /* -c, in order */
    size_t n_concurrency;
    int64_t workers;         /* -w N; 0: not given; -1: auto, then usable_cpus is taken */
    int64_t usable_cpus;
    const char *brokers;     /* -b */
    bool plain;              /* --embedded: what the sections say of TLS and logins is for another broker */
    const char **properties; /* -X "name=value" */
    size_t n_properties;
};

/* conf_load reads APP (a configuration, or a module ending in .so). Never NULL; look at n_problems. Modules are
 * not looked into yet: tasks come with conf_merge. Free with conf_free. */
struct conf *conf_load(const char *app);

/* conf_merge takes the description of each module (children.h; descriptions[i] belongs to modules[i]; NULL: could not
 * be described, the problem is already noted) and the overrides, and fills tasks, counters and kafka. Problems of
 * the command line (unknown task in -c, bad -X) are added to usage_problems instead, so that the caller can exit with 64;
 * *n_usage counts them and the caller frees both levels. */
void conf_merge(struct conf *c, json_t **descriptions, const struct conf_overrides *o, char ***usage_problems,
                size_t *n_usage);

/* conf_problem and conf_warning note one text: one line, and it begins with the file (c->path) where it is
 * about the file. */
void conf_problem(struct conf *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conf_warning(struct conf *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conf_free(struct conf **c);

/* conf_task_options returns the options of a task as they hold: key -> {"value", "from"}, in the order of
 * options.def, values as a file would give them. Passwords and keys are shown as "(hidden)", of `environment`
 * only the names. The caller owns it. */
json_t *conf_task_options(const struct conf_task *t);
const char *conf_kind_name(enum conf_kind kind);
const char *conf_section_name(enum conf_kind kind); /* "tasks" or "timers" */

/* conf_kafka_secret says whether the property holds (or names) a password or key. conf_kafka_owner says why a
 * user may not set it (what to do instead), NULL where they may. */
bool conf_kafka_secret(const char *property);
const char *conf_kafka_owner(const char *property);

/* conf_brokers_check says why the text is no list of brokers (the caller frees it), NULL where it is one. */
char *conf_brokers_check(const char *list);

/* conf_usable_cpus counts the CPUs of this process: affinity and cgroup quota, at least 1. */
int64_t conf_usable_cpus(void);

/* conf_parse_duration reads "250ms", "30s", "5m", "24h", "2d", "1.5s" to nanoseconds; false if it is none. */
bool conf_parse_duration(const char *text, mono_ns *out);
/* conf_parse_size reads "512KB", "32MB", "1GB", "4096" into bytes (1 KB is 1024); false if it is none. */
bool conf_parse_size(const char *text, int64_t *out);
/* The way back: the shortest text that is read as exactly this value. The caller frees it. */
char *conf_show_duration(mono_ns ns);
char *conf_show_size(int64_t bytes);
/* conf_nearest returns the name most like `name`, or NULL where none is near. */
const char *conf_nearest(const char *name, const char *const *known, size_t n);

#endif
