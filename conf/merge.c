/* merge.c - the file, the code and the command line made one list of tasks.
 *
 * For each option the default is put in first, then what the code says, then the file, then the command line;
 * what comes later wins, and `from` remembers who won. Values of the file were checked when it was read, so
 * they are taken silently here.
 *
 * Guarantees: every task that a module declares and every name in the file is looked at, whatever is wrong.
 * Knows nothing of: how a module is looked into; it is given the descriptions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"
#include "shared/scoreboard.h"

static const char *const from_names[] = {
    [CONF_FROM_DEFAULT] = "default",
    [CONF_FROM_CODE] = "code",
    [CONF_FROM_FILE] = "file",
    [CONF_FROM_COMMAND_LINE] = "command line",
};

static void
set_from(struct conf_task *t, const char *key, enum conf_from from)
{
    json_object_set_new(t->from, key, json_string(from_names[from]));
}

const char *
conf_section_name(enum conf_kind kind)
{
    return kind == CONF_TIMER ? "timers" : "tasks";
}

json_t *
merge_file_section(const struct conf *c, const struct conf_task *t)
{
    return json_object_get(json_object_get(c->file, conf_section_name(t->kind)), t->name);
}

struct conf_task *
merge_find(struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        if (strcmp(c->tasks[i].name, name) == 0)
            return &c->tasks[i];
    return NULL;
}

void
merge_unknown(struct merging *m, const char *what, const char *nearest)
{
    char *longer =
        mem_printf("%s%s%s%s%s%s", m->unknown ? m->unknown : "", m->unknown ? ", " : "", what,
                   nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "");
    free(m->unknown);
    m->unknown = longer;
}

/* code_value returns what the code says for an option, in the form of a file, or NULL. Zero is not given. */
static json_t *
code_value(const struct conf_option *o, json_t *declared)
{
    json_t *value = json_object_get(declared, o->key);
    double seconds = json_number_value(value);
    if (!value || json_is_null(value) || (json_is_number(value) && seconds == 0))
        return NULL;
    if (o->type != OPTION_DURATION || seconds < 0)
        return json_incref(value);
    double ns = seconds * NS_PER_S + 0.5;
    char *text = conf_show_duration(ns < 9e18 ? (mono_ns)ns : INT64_MAX);
    json_t *duration = json_string(text);
    free(text);
    return duration;
}

static void
take_code(struct conf *c, struct conf_task *t, const struct conf_option *o, json_t *declared)
{
    json_t *value = code_value(o, declared);
    if (!value)
        return;
    char *where = mem_printf("%s: %s: %s.%s", t->module, t->declared_at, t->name, o->key);
    if (json_is_number(value) && json_number_value(value) < 0 && o->type == OPTION_DURATION)
        conf_problem(c, "%s: must be more than 0 seconds, is %g", where, json_number_value(value));
    else
        option_read(c, where, o, value, t);
    set_from(t, o->key, CONF_FROM_CODE); /* also where the value was not taken: it was given */
    free(where);
    json_decref(value);
}

static void
take_file(struct conf_task *t, const struct conf_option *o, json_t *value)
{
    const char *name;
    json_t *member;
    if (!value)
        return;
    option_read(NULL, "", o, value, t);
    if (o->type != OPTION_STRINGS)
        set_from(t, o->key, CONF_FROM_FILE);
    else
        json_object_foreach(value, name, member) {
            char *key = mem_printf("%s.%s", o->key, name);
            set_from(t, key, CONF_FROM_FILE);
            free(key);
        }
}

/* not_for_kind notes an option in the file that tasks of this kind do not have. */
static void
not_for_kind(struct conf *c, const struct conf_task *t, const struct conf_option *o)
{
    bool topic = o->type == OPTION_TOPIC;
    conf_problem(c, "%s: tasks.%s.%s: is for stream tasks, and %s is a background task (%s); %s", c->path,
                 t->name, o->key, t->name, t->declared_at,
                 topic ? "give it a .topic in the code, or remove the key" : "remove the key");
}

static void
fill_option(struct conf *c, struct conf_task *t, const struct conf_option *o, json_t *declared)
{
    bool of_section = o->section == (t->kind == CONF_TIMER ? OPTION_TIMER : OPTION_TASK);
    json_t *value = of_section ? option_of(o, merge_file_section(c, t)) : NULL;
    option_default(o, t); /* for every kind, so that no field is ever without a value */
    if (!(o->kinds & 1u << t->kind)) {
        if (value)
            not_for_kind(c, t, o);
        return;
    }
    if (o->by_default)
        set_from(t, o->key, CONF_FROM_DEFAULT);
    take_code(c, t, o, declared);
    take_file(t, o, value);
}

static void
set_kafka_from(struct conf_task *t, json_t *object, enum conf_from from)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        char *key = mem_printf("kafka.%s", conf_kafka_canonical(name));
        set_from(t, key, from);
        free(key);
    }
}

static void
forget_login(json_t *kafka)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(kafka, next, name, value)
        if (conf_kafka_is_login(name))
            json_object_del(kafka, name);
}

/* fill_kafka puts the properties together: the app's, the task's over them, the command line's over both. */
static void
fill_kafka(struct merging *m, struct conf_task *t)
{
    json_t *own = json_object_get(merge_file_section(m->c, t), "kafka");
    t->kafka = json_deep_copy(m->c->kafka);
    set_kafka_from(t, m->c->kafka, CONF_FROM_DEFAULT);
    set_kafka_from(t, json_object_get(m->c->file, "kafka"), CONF_FROM_FILE);
    if (own && option_read(NULL, "", option_find(OPTION_TASK, "kafka"), own, t))
        set_kafka_from(t, own, CONF_FROM_FILE);
    if (m->o->plain)
        forget_login(t->kafka);
    json_object_update(t->kafka, m->kafka);
    set_kafka_from(t, m->kafka, CONF_FROM_COMMAND_LINE);
}

static void
fill_task(struct merging *m, struct conf_task *t, json_t *declared)
{
    t->from = json_object();
    t->concurrency = 1;
    t->limit_core = -1;
    for (size_t i = 0; i < n_conf_options; i++)
        if (conf_options[i].section != OPTION_APP && conf_options[i].type != OPTION_KAFKA)
            fill_option(m->c, t, &conf_options[i], declared);
        else if (conf_options[i].section == OPTION_TASK && t->kind == CONF_BACKGROUND)
            fill_option(m->c, t, &conf_options[i], declared); /* only to say that it is not for it */
    if (t->kind != CONF_STREAM)
        return;
    if (!t->group) {
        t->group = mem_printf("%s.%s", m->c->app, t->name);
        set_from(t, "group", CONF_FROM_DEFAULT);
    }
    if (!t->dead_letter_topic) {
        t->dead_letter_topic = mem_printf("%s.dlq", t->group);
        set_from(t, "dead_letter_topic", CONF_FROM_DEFAULT);
    }
    fill_kafka(m, t);
}

static enum conf_kind
kind_of(json_t *declared, bool timer)
{
    if (timer)
        return CONF_TIMER;
    return json_is_string(json_object_get(declared, "topic")) ? CONF_STREAM : CONF_BACKGROUND;
}

/* add_task adds a task that a module declares. */
static void
add_task(struct merging *m, const char *module, json_t *declared, bool timer)
{
    struct conf *c = m->c;
    const char *name = json_string_value(json_object_get(declared, "name"));
    const char *file = json_string_value(json_object_get(declared, "file"));
    json_int_t line = json_integer_value(json_object_get(declared, "line"));
    char *at = mem_printf("%s:%" JSON_INTEGER_FORMAT, file ? file : "?", line);
    struct conf_task *other = name ? merge_find(c, name) : NULL;
    if (!name || !name_is_task(name)) {
        conf_problem(c, "%s: %s: \"%s\" is no name for a task; give it 1 to 64 letters, digits, '_' and '-'",
                     module, at, name ? name : "");
    } else if (other) {
        conf_problem(c, "%s: \"%s\" is declared twice, in %s (%s) and in %s (%s); rename one", c->path, name,
                     other->declared_at, other->module, at, module);
    } else {
        c->tasks = mem_grow(c->tasks, c->n_tasks + 1, sizeof *c->tasks);
        struct conf_task *t = &c->tasks[c->n_tasks++];
        *t = (struct conf_task){.name = mem_string(name),
                                .kind = kind_of(declared, timer),
                                .module = mem_string(module),
                                .declared_at = mem_string(at)};
        fill_task(m, t, declared);
    }
    free(at);
}

static void
add_counter(struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_counters; i++)
        if (strcmp(c->counters[i], name) == 0)
            return;
    if (c->n_counters > SCOREBOARD_COUNTERS)
        return; /* one too many is enough to know */
    c->counters = mem_grow(c->counters, c->n_counters + 1, sizeof *c->counters);
    c->counters[c->n_counters++] = mem_string(name);
}

/* note_problems passes on what the module's description complains of; true where that is something. */
static bool
note_problems(struct conf *c, const char *module, json_t *description)
{
    json_t *problem, *problems = json_object_get(description, "problems");
    size_t i;
    json_array_foreach(problems, i, problem)
        conf_problem(c, "%s: %s", module, json_string_value(problem));
    return json_array_size(problems) > 0;
}

static void
add_module_tasks(struct merging *m, const char *module, json_t *description)
{
    json_t *tasks = json_object_get(description, "tasks"), *timers = json_object_get(description, "timers"),
           *one;
    size_t i;
    if (!description || note_problems(m->c, module, description)) {
        m->partly = true;
        return;
    }
    if (json_array_size(tasks) + json_array_size(timers) == 0)
        conf_problem(
            m->c, "%s: declares no task and no timer; use HR_TASK or HR_TIMER, or take it out of the modules",
            module);
    json_array_foreach(tasks, i, one)
        add_task(m, module, one, false);
    json_array_foreach(timers, i, one)
        add_task(m, module, one, true);
    json_object_set(m->c->counters_of, module, json_object_get(description, "counters"));
    json_array_foreach(json_object_get(description, "counters"), i, one)
        add_counter(m->c, json_string_value(one));
}

void
conf_merge(struct conf *c, json_t **descriptions, const struct conf_overrides *o, char ***usage_problems,
           size_t *n_usage)
{
    static const struct conf_overrides nothing;
    struct merging m = {.c = c, .o = o ? o : &nothing, .kafka = json_object()};
    size_t wanted = json_array_size(json_object_get(c->file, "modules"));
    m.partly = c->n_modules == 0 || (c->file && wanted != c->n_modules);
    override_kafka(&m);
    if (m.o->plain)
        forget_login(c->kafka);
    for (size_t i = 0; i < c->n_modules; i++)
        add_module_tasks(&m, c->modules[i], descriptions[i]);
    json_object_update(c->kafka, m.kafka);
    check_merged(&m);
    override_concurrency(&m);
    if (m.unknown)
        conf_warning(c, "%s: not looked at until all modules load: %s", c->path, m.unknown);
    free(m.unknown);
    json_decref(m.kafka);
    *usage_problems = m.usage;
    *n_usage = m.n_usage;
}
