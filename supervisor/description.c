/* description.c - the form of a module's description.
 *
 * A module runs its own code while it is loaded and could write anything to the descriptor of the reply: what
 * comes from there is checked whole, once, so that everybody behind may rely on the types. What the values
 * mean (names, bounds) is checked where options are. */
#include "supervisor/description.h"

#include <stdbool.h>

#include "shared/mem.h"

#define MOST 4096 /* tasks, timers, counters, problems of one module */

struct field {
    const char *key;
    char type; /* s: text, S: text or null, i: whole number, n: number */
};

static const struct field task_fields[] = {{"name", 's'},  {"topic", 'S'}, {"concurrency", 'i'},
                                           {"order", 'S'}, {"file", 's'},  {"line", 'i'},
                                           {NULL, 0}};
static const struct field timer_fields[] = {
    {"name", 's'}, {"interval", 'n'}, {"file", 's'}, {"line", 'i'}, {NULL, 0}};

static bool
has_type(json_t *value, char type)
{
    switch (type) {
    case 's':
        return json_is_string(value);
    case 'S':
        return !value || json_is_null(value) || json_is_string(value);
    case 'i':
        return json_is_integer(value);
    default:
        return json_is_number(value);
    }
}

/* list_check checks one list: its members are objects with these fields, or texts where `fields` is NULL. */
static char *
list_check(json_t *description, const char *key, const struct field *fields)
{
    json_t *list = json_object_get(description, key), *member;
    size_t i;
    if (!json_is_array(list))
        return mem_printf("\"%s\" is no list", key);
    if (json_array_size(list) > MOST)
        return mem_printf("\"%s\" has %zu members, more than %d", key, json_array_size(list), MOST);
    json_array_foreach(list, i, member) {
        if (!fields && !json_is_string(member))
            return mem_printf("%s[%zu] is no text", key, i);
        for (const struct field *f = fields; f && f->key; f++)
            if (!has_type(json_object_get(member, f->key), f->type))
                return mem_printf("%s[%zu].%s is missing or of another type", key, i, f->key);
    }
    return NULL;
}

char *
description_check(json_t *description)
{
    char *wrong = list_check(description, "tasks", task_fields);
    wrong = wrong ? wrong : list_check(description, "timers", timer_fields);
    wrong = wrong ? wrong : list_check(description, "counters", NULL);
    return wrong ? wrong : list_check(description, "problems", NULL);
}
