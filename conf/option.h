/* option.h - the table of options.def as the files of conf/ see it, and what they share. */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "conf/conf.h"

enum option_section { OPTION_APP, OPTION_TASK, OPTION_TIMER };

enum option_type {
    OPTION_NAME,
    OPTION_MODULES,
    OPTION_KAFKA,
    OPTION_SECTION,
    OPTION_INTEGER,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_BACKOFF,
    OPTION_ORDER,
    OPTION_OVERLAP,
    OPTION_ON_FAILURE,
    OPTION_TOPIC,
    OPTION_ONE_TOPIC,
    OPTION_GROUP,
    OPTION_STRINGS,
    OPTION_USER,
    OPTION_USER_GROUP,
    OPTION_TYPES
};

struct conf_option {
    enum option_section section;
    const char *key;
    enum option_type type;
    size_t offset; /* in struct conf (APP) or struct conf_task (TASK, TIMER) */
    int64_t min, max;
    const char *by_default; /* JSON, or NULL */
    unsigned kinds;         /* 1 << enum conf_kind, or'ed */
    const char *sentence;
};

extern const struct conf_option conf_options[];
extern const size_t n_conf_options;

/* option_find returns the option of that section and key, or NULL. */
const struct conf_option *option_find(enum option_section section, const char *key);

/* option_of returns what a section of a file says for the option (borrowed), or NULL where it says nothing.
 */
json_t *option_of(const struct conf_option *o, json_t *section);

/* option_read checks a value and puts it into the struct at `base`. What is wrong is noted, each text
 * beginning with `where`; with c NULL it is not. False where the value was not taken. */
bool option_read(struct conf *c, const char *where, const struct conf_option *o, json_t *value, void *base);

/* option_default puts the option's default into the struct, where it has one. */
void option_default(const struct conf_option *o, void *base);

/* option_bound says whether a number lies in the option's bounds; a text for the user if not, freed by the
 * caller. */
char *option_bound(const struct conf_option *o, int64_t value);

/* option_show returns the value in the struct at `base` as a file would give it; NULL where there is none. */
json_t *option_show(const struct conf_option *o, const void *base);

/* option_check_section checks a whole section of a file: unknown keys, types and bounds of all values. `path`
 * is the section's key path, "" for the top; what is right goes into the struct at `base`. */
void option_check_section(struct conf *c, const char *path, enum option_section section, json_t *object,
                          void *base);

/* option_task_free frees what a task holds, not the task itself. */
void option_task_free(struct conf_task *t);

/* read.c: the words of options that are one of several, ended by NULL. */
extern const char *const conf_overlap_names[], *const conf_on_failure_names[];

/* option_brief returns a value as JSON for an error, cut where it is long. The caller frees it. */
char *option_brief(json_t *value);

/* kafka.c */
const char *conf_kafka_canonical(const char *property);
bool conf_kafka_is_brokers(const char *property);
bool conf_kafka_is_login(const char *property); /* TLS and SASL: how to talk to this broker, and as whom */
bool conf_kafka_read(struct conf *c, const char *where, json_t *object, json_t **target);

/* topic.c: why a topic option is none (the caller frees it), or NULL; then *normal is the option without
 * spaces. */
char *conf_topic_check(const char *topic, char **normal);

/* expand.c: puts environment variables in, in the whole document. */
void expand_document(struct conf *c, json_t *root);

/* duplicates.c: notes every key that a (well-formed) document gives twice. */
void duplicates_find(struct conf *c, const char *text, size_t size);

/* override.c: what the command line changes. */
struct merging {
    struct conf *c;
    const struct conf_overrides *o;
    char **usage; /* problems of the command line */
    size_t n_usage;
    json_t *kafka; /* -b and -X as an object of strings */
    bool partly;   /* a module could not be described: nothing is said of tasks that it may have */
    char *unknown; /* what names such a task, for one warning */
};
void override_kafka(struct merging *m);
void override_concurrency(struct merging *m);

/* merge.c: the task of that name, or NULL; what the file says of a task (borrowed), or NULL. */
struct conf_task *merge_find(struct conf *c, const char *name);
json_t *merge_file_section(const struct conf *c, const struct conf_task *t);
/* merge_unknown notes what names a task that nothing declares which could be looked into; `nearest` may be
 * NULL. */
void merge_unknown(struct merging *m, const char *what, const char *nearest);

/* check.c: what must hold between tasks, file and modules. */
void check_merged(struct merging *m);

/* users.c: the users that tasks run as. */
void users_settle(struct conf *c);

/* name.c: the patterns of names. */
bool name_is_app(const char *name);
bool name_is_task(const char *name);
/* name_make_app makes any name but the empty one the name of an app, in place. */
void name_make_app(char *name);

/* cpus.c: the CPUs that cgroups leave, by the process's cgroup file and where cgroups are mounted; 0: no
 * limit. */
int64_t cpus_quota(const char *cgroups, const char *mount);

#endif
