/* read.c - one value of a file into one field, by the type of its option.
 *
 * Guarantees: a value that is not good leaves its field as it was, and is noted with what would be good.
 * Knows nothing of: where the value comes from; `where` is the text that errors begin with. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

#define BRIEF 60 /* of a value in an error */
#define GROUP_MAX 249

struct reading {
    struct conf *c; /* NULL: say nothing */
    const char *where;
    const struct conf_option *o;
};

const char *const conf_order_names[] = {
    [CONF_ORDER_PARTITION] = "partition", [CONF_ORDER_KEY] = "key", [CONF_ORDER_NONE] = "none", NULL};
const char *const conf_on_failure_names[] = {
    [CONF_DEAD_LETTER] = "dead-letter", [CONF_SKIP] = "skip", [CONF_STOP] = "stop", NULL};
const char *const conf_overlap_names[] = {[CONF_OVERLAP_SKIP] = "skip", [CONF_OVERLAP_QUEUE] = "queue", NULL};

char *
option_brief(json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t length = text ? strlen(text) : 0;
    if (!text || length <= BRIEF)
        return text ? text : mem_string("?");
    size_t end = BRIEF;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--; /* not inside of a character */
    char *brief = mem_printf("%.*s...", (int)end, text);
    free(text);
    return brief;
}

/* wanted notes that the value should be something else. */
static bool
wanted(const struct reading *r, const char *what, json_t *value)
{
    if (!r->c)
        return false;
    char *is = option_brief(value);
    conf_problem(r->c, "%s: must be %s, is %s", r->where, what, is);
    free(is);
    return false;
}

static bool
bounded(const struct reading *r, int64_t value, json_t *shown)
{
    char *bound = option_bound(r->o, value);
    if (!bound)
        return true;
    wanted(r, bound, shown);
    free(bound);
    return false;
}

static bool
put_text(char **target, const char *text)
{
    free(*target);
    *target = mem_string(text);
    return true;
}

static bool
read_name(const struct reading *r, json_t *value, void *target)
{
    const char *name = json_string_value(value);
    if (!name || !name_is_app(name))
        return wanted(r, "1 to 64 letters, digits, '.', '_' and '-' that do not begin with '.'", value);
    return put_text(target, name);
}

/* The paths themselves are taken in conf.c, which knows the folder of the file. */
static bool
read_modules(const struct reading *r, json_t *value, void *target)
{
    (void)target;
    size_t i;
    json_t *path;
    if (!json_is_array(value) || json_array_size(value) == 0)
        return wanted(r, "a list of at least one path, such as [\"logs.so\"]", value);
    json_array_foreach(value, i, path) {
        if (r->c && path == r->c->unset)
            continue;
        char *where = mem_printf("%s[%zu]", r->where, i);
        struct reading member = {r->c, where, r->o};
        if (json_string_length(path) == 0)
            wanted(&member, "the path of a shared object", path);
        free(where);
    }
    return true;
}

static bool
read_kafka(const struct reading *r, json_t *value, void *target)
{
    json_t **kafka = target, *read = NULL;
    if (!json_is_object(value))
        return wanted(r, "an object of properties, such as {\"fetch.min.bytes\": 1}", value);
    bool good = conf_kafka_read(r->c, r->where, value, &read);
    if (*kafka)
        json_object_update(*kafka, read);
    else
        *kafka = json_incref(read);
    json_decref(read);
    return good;
}

static bool
read_section(const struct reading *r, json_t *value, void *target)
{
    (void)target;
    return json_is_object(value) || wanted(r, "an object with one member for each name", value);
}

static bool
read_integer(const struct reading *r, json_t *value, void *target)
{
    if (!json_is_integer(value))
        return wanted(r, "a whole number", value);
    if (!bounded(r, json_integer_value(value), value))
        return false;
    *(int64_t *)target = json_integer_value(value);
    return true;
}

static bool
read_duration(const struct reading *r, json_t *value, void *target)
{
    mono_ns ns;
    if (!json_is_string(value) || !conf_parse_duration(json_string_value(value), &ns))
        return wanted(r, "a duration in quotes with its unit (ms, s, m, h or d), such as \"30s\"", value);
    if (!bounded(r, ns, value))
        return false;
    *(mono_ns *)target = ns;
    return true;
}

static bool
read_size(const struct reading *r, json_t *value, void *target)
{
    int64_t bytes = json_integer_value(value);
    if (json_is_string(value) ? !conf_parse_size(json_string_value(value), &bytes) : !json_is_integer(value))
        return wanted(r, "a size in bytes, or in quotes with its unit (KB, MB, GB or TB), such as \"32MB\"",
                      value);
    if (!bounded(r, bytes, value))
        return false;
    *(int64_t *)target = bytes;
    return true;
}

static bool
read_backoff(const struct reading *r, json_t *value, void *target)
{
    mono_ns pair[2];
    if (!json_is_array(value) || json_array_size(value) != 2)
        return wanted(r, "two durations, the first and the longest wait, such as [\"1s\", \"1m\"]", value);
    bool good = true;
    for (size_t i = 0; i < 2; i++) {
        json_t *one = json_array_get(value, i);
        char *where = mem_printf("%s[%zu]", r->where, i);
        struct reading member = {r->c, where, r->o};
        good = !(r->c && one == r->c->unset) && read_duration(&member, one, &pair[i]) && good;
        free(where);
    }
    if (good && pair[1] < pair[0])
        return wanted(r, "the first wait and then the longest, which is not less", value);
    if (good)
        memcpy(target, pair, sizeof pair);
    return good;
}

static bool
read_word(const struct reading *r, const char *const *words, const char *wants, json_t *value,
          int64_t *target)
{
    const char *text = json_string_value(value);
    for (int64_t i = 0; text && words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *target = i;
            return true;
        }
    }
    return wanted(r, wants, value);
}

static bool
read_order(const struct reading *r, json_t *value, void *target)
{
    return read_word(r, conf_order_names, "\"partition\", \"key\" or \"none\"", value, target);
}

static bool
read_on_failure(const struct reading *r, json_t *value, void *target)
{
    return read_word(r, conf_on_failure_names, "\"dead-letter\", \"skip\" or \"stop\"", value, target);
}

static bool
read_overlap(const struct reading *r, json_t *value, void *target)
{
    return read_word(r, conf_overlap_names, "\"skip\" or \"queue\"", value, target);
}

static bool
read_topic(const struct reading *r, json_t *value, void *target)
{
    char *normal;
    if (!json_is_string(value))
        return wanted(r, "a topic's name, several separated by commas, or a ^pattern", value);
    char *why = conf_topic_check(json_string_value(value), &normal);
    if (why && r->c)
        conf_problem(r->c, "%s: %s", r->where, why);
    bool good = !why && put_text(target, normal);
    free(why);
    free(normal);
    return good;
}

static bool
read_one_topic(const struct reading *r, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    if (!text || text[0] == '^' || strchr(text, ','))
        return wanted(r, "the name of one topic", value);
    return read_topic(r, value, target);
}

static bool
read_group(const struct reading *r, json_t *value, void *target)
{
    size_t length = json_string_length(value);
    if (length == 0 || length > GROUP_MAX)
        return wanted(r, "the name of a consumer group, 1 to 249 letters", value);
    return put_text(target, json_string_value(value));
}

static bool
read_strings(const struct reading *r, json_t *value, void *target)
{
    const char *name;
    json_t *text;
    bool good =
        json_is_object(value) || wanted(r, "an object of strings, such as {\"NAME\": \"value\"}", value);
    json_object_foreach(value, name, text) {
        char *where = mem_printf("%s.%s", r->where, name);
        struct reading member = {r->c, where, r->o};
        if (!json_is_string(text))
            good = wanted(&member, "text; put it in quotes", text);
        if (name[0] == '\0' || strchr(name, '='))
            good = wanted(&member, "under the name of a variable, not empty and without '='", text);
        free(where);
    }
    if (good) {
        json_decref(*(json_t **)target);
        *(json_t **)target = json_incref(value);
    }
    return good;
}

static bool
named(const struct reading *r, json_t *value, void *target, const char *what, char *(*wrong_with)(const char *))
{
    const char *name = json_string_value(value);
    if (!name || !*name)
        return wanted(r, what, value);
    char *wrong = r->c ? wrong_with(name) : NULL;
    if (wrong)
        conf_problem(r->c, "%s: %s", r->where, wrong);
    free(wrong);
    return !wrong && put_text(target, name);
}

static bool
read_user(const struct reading *r, json_t *value, void *target)
{
    return named(r, value, target, "the name of a user, or its number in quotes", conf_user_wrong);
}

static bool
read_user_group(const struct reading *r, json_t *value, void *target)
{
    return named(r, value, target, "the name of a group, or its number in quotes", conf_group_wrong);
}

static bool (*const readers[OPTION_TYPES])(const struct reading *, json_t *, void *) = {
    [OPTION_NAME] = read_name,       [OPTION_MODULES] = read_modules,
    [OPTION_KAFKA] = read_kafka,     [OPTION_SECTION] = read_section,
    [OPTION_INTEGER] = read_integer, [OPTION_DURATION] = read_duration,
    [OPTION_SIZE] = read_size,       [OPTION_BACKOFF] = read_backoff,
    [OPTION_ORDER] = read_order,     [OPTION_ON_FAILURE] = read_on_failure,
    [OPTION_OVERLAP] = read_overlap, [OPTION_TOPIC] = read_topic,
    [OPTION_GROUP] = read_group,     [OPTION_ONE_TOPIC] = read_one_topic,
    [OPTION_STRINGS] = read_strings, [OPTION_USER] = read_user,
    [OPTION_USER_GROUP] = read_user_group,
};

bool
option_read(struct conf *c, const char *where, const struct conf_option *o, json_t *value, void *base)
{
    struct reading r = {c, where, o};
    return readers[o->type](&r, value, (char *)base + o->offset);
}
