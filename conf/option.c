/* option.c - the table of options.def, and a section of a file held against it.
 *
 * Guarantees: every unknown key, wrong type and bad value of a section is noted, in the order of the file for
 * keys and of the table for values. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

#define NS_HOUR (3600 * NS_PER_S)
#define NS_DAY (24 * NS_HOUR)
#define STREAM (1u << CONF_STREAM)
#define BACKGROUND (1u << CONF_BACKGROUND)
#define TIMER (1u << CONF_TIMER)
#define OFFSET_APP(field) offsetof(struct conf, field)
#define OFFSET_TASK(field) offsetof(struct conf_task, field)
#define OFFSET_TIMER(field) offsetof(struct conf_task, field)

const struct conf_option conf_options[] = {
#define OPTION(section, key, type, field, min, max, by_default, kinds, sentence)                             \
    {OPTION_##section, key, OPTION_##type, OFFSET_##section(field), min, max, by_default, kinds, sentence},
#include "conf/options.def"
#undef OPTION
};
const size_t n_conf_options = sizeof conf_options / sizeof conf_options[0];

const struct conf_option *
option_find(enum option_section section, const char *key)
{
    for (size_t i = 0; i < n_conf_options; i++)
        if (conf_options[i].section == section && strcmp(conf_options[i].key, key) == 0)
            return &conf_options[i];
    return NULL;
}

json_t *
option_of(const struct conf_option *o, json_t *section)
{
    const char *dot = strchr(o->key, '.');
    if (!dot)
        return json_object_get(section, o->key);
    json_t *inner = json_object_getn(section, o->key, (size_t)(dot - o->key));
    return json_object_get(inner, dot + 1);
}

void
option_default(const struct conf_option *o, void *base)
{
    if (!o->by_default)
        return;
    json_t *value = json_loads(o->by_default, JSON_DECODE_ANY, NULL);
    option_read(NULL, "", o, value, base);
    json_decref(value);
}

static char *
bound_text(const struct conf_option *o, int64_t bound)
{
    if (o->type == OPTION_SIZE)
        return conf_show_size(bound);
    if (o->type == OPTION_DURATION || o->type == OPTION_BACKOFF)
        return conf_show_duration(bound);
    return mem_printf("%" PRId64, bound);
}

char *
option_bound(const struct conf_option *o, int64_t value)
{
    if (value >= o->min && value <= o->max)
        return NULL;
    char *min = bound_text(o, o->min), *max = bound_text(o, o->max);
    char *text = mem_printf("%s to %s", min, max);
    free(min);
    free(max);
    return text;
}

static char *
path_of(const char *path, const char *key)
{
    return path[0] ? mem_printf("%s.%s", path, key) : mem_string(key);
}

/* A key of the table cut at its dots: "restart.max" is `max` at the prefix "restart", `restart` at the prefix
 * "". */
static char *
key_at(const char *key, const char *prefix)
{
    size_t n = strlen(prefix);
    if (n > 0 && (strncmp(key, prefix, n) != 0 || key[n++] != '.'))
        return NULL;
    return mem_prefix(key + n, strcspn(key + n, "."));
}

static size_t
known_keys(enum option_section section, const char *prefix, char **known)
{
    size_t n = 0;
    for (size_t i = 0; i < n_conf_options; i++) {
        char *key = conf_options[i].section == section ? key_at(conf_options[i].key, prefix) : NULL;
        if (key && (n == 0 || strcmp(known[n - 1], key) != 0))
            known[n++] = key;
        else
            free(key);
    }
    return n;
}

static void
unknown_key(struct conf *c, const char *where, const char *key, char *const *known, size_t n)
{
    const char *nearest = conf_nearest(key, (const char *const *)known, n);
    if (nearest) {
        conf_problem(c, "%s: unknown key; did you mean \"%s\"?", where, nearest);
        return;
    }
    char *list = mem_string(known[0]);
    for (size_t i = 1; i < n; i++) {
        char *longer = mem_printf("%s, %s", list, known[i]);
        free(list);
        list = longer;
    }
    conf_problem(c, "%s: unknown key; known here: %s", where, list);
    free(list);
}

/* check_keys notes the members of an object that no option of the section has at the prefix. */
static void
check_keys(struct conf *c, const char *path, enum option_section section, const char *prefix, json_t *object)
{
    char *known[n_conf_options];
    size_t n = known_keys(section, prefix, known);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        size_t i = 0;
        while (i < n && strcmp(known[i], key) != 0)
            i++;
        if (i < n)
            continue;
        char *at = path_of(path, key), *where = mem_printf("%s: %s", c->path, at);
        unknown_key(c, where, key, known, n);
        free(at);
        free(where);
    }
    while (n > 0)
        free(known[--n]);
}

/* check_inner checks the object that dotted keys share ("restart"), once: at the first of them. */
static void
check_inner(struct conf *c, const char *path, const struct conf_option *o, json_t *object)
{
    size_t n = strcspn(o->key, ".");
    if (o > conf_options && o[-1].section == o->section && strncmp(o[-1].key, o->key, n + 1) == 0)
        return;
    char *prefix = mem_prefix(o->key, n), *at = path_of(path, prefix);
    json_t *inner = json_object_get(object, prefix);
    if (json_is_object(inner)) {
        check_keys(c, at, o->section, prefix, inner);
    } else if (inner && inner != c->unset) {
        char *is = option_brief(inner);
        conf_problem(c, "%s: %s: must be an object, is %s", c->path, at, is);
        free(is);
    }
    free(prefix);
    free(at);
}

void
option_check_section(struct conf *c, const char *path, enum option_section section, json_t *object,
                     void *base)
{
    check_keys(c, path, section, "", object);
    for (const struct conf_option *o = conf_options; o < conf_options + n_conf_options; o++) {
        if (o->section != section)
            continue;
        if (strchr(o->key, '.'))
            check_inner(c, path, o, object);
        json_t *value = option_of(o, object);
        if (!value || value == c->unset)
            continue;
        char *at = path_of(path, o->key), *where = mem_printf("%s: %s", c->path, at);
        option_read(c, where, o, value, base);
        free(at);
        free(where);
    }
}
