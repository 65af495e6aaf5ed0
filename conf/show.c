/* show.c - the options of a task as they hold, as a file would give them.
 *
 * Guarantees: what is shown is read back as the same; passwords and keys are not shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"

#define HIDDEN "(hidden)"

static json_t *
string_take(char *text)
{
    json_t *s = json_string(text);
    free(text);
    return s;
}

static json_t *
show_text(const void *field)
{
    const char *text = *(char *const *)field;
    return text ? json_string(text) : NULL;
}

static json_t *
show_backoff(const mono_ns *pair)
{
    return json_pack("[o, o]", string_take(conf_show_duration(pair[0])),
                     string_take(conf_show_duration(pair[1])));
}

json_t *
option_show(const struct conf_option *o, const void *base)
{
    const void *field = (const char *)base + o->offset;
    switch (o->type) {
    case OPTION_INTEGER:
        return json_integer(*(const int64_t *)field);
    case OPTION_DURATION:
        return string_take(conf_show_duration(*(const mono_ns *)field));
    case OPTION_SIZE:
        return string_take(conf_show_size(*(const int64_t *)field));
    case OPTION_BACKOFF:
        return show_backoff(field);
    case OPTION_ORDER:
        return json_string(conf_order_names[*(const int64_t *)field]);
    case OPTION_ON_FAILURE:
        return json_string(conf_on_failure_names[*(const int64_t *)field]);
    case OPTION_OVERLAP:
        return json_string(conf_overlap_names[*(const int64_t *)field]);
    case OPTION_NAME:
    case OPTION_TOPIC:
    case OPTION_ONE_TOPIC:
    case OPTION_GROUP:
    case OPTION_USER:
    case OPTION_USER_GROUP:
        return show_text(field);
    default: /* objects are shown member by member, modules and sections not at all */
        return NULL;
    }
}

const char *
conf_kind_name(enum conf_kind kind)
{
    static const char *const names[] = {
        [CONF_STREAM] = "stream", [CONF_BACKGROUND] = "background", [CONF_TIMER] = "timer"};
    return names[kind];
}

static void
add(json_t *all, const struct conf_task *t, const char *key, json_t *value_take)
{
    json_t *from = json_object_get(t->from, key);
    if (!from) { /* nobody gave it, and it has no default */
        json_decref(value_take);
        return;
    }
    json_object_set_new(all, key, json_pack("{s:o, s:O?}", "value", value_take, "from", from));
}

static void
add_members(json_t *all, const struct conf_task *t, const char *prefix, json_t *object, bool hide)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        char key[512];
        snprintf(key, sizeof key, "%s.%s", prefix, name);
        bool hidden = hide || conf_kafka_secret(name);
        add(all, t, key, hidden ? json_string(HIDDEN) : json_incref(value));
    }
}

json_t *
conf_task_options(const struct conf_task *t)
{
    json_t *all = json_object();
    for (size_t i = 0; i < n_conf_options; i++) {
        const struct conf_option *o = &conf_options[i];
        if (o->section == OPTION_APP || !(o->kinds & 1u << t->kind))
            continue;
        json_t *value = option_show(o, t);
        if (value)
            add(all, t, o->key, value);
        else if (o->type == OPTION_STRINGS)
            add_members(all, t, o->key, t->environment, true);
        else if (o->type == OPTION_KAFKA)
            add_members(all, t, o->key, t->kafka, false);
    }
    return all;
}
