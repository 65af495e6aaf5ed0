/* duplicates.c - keys that a document gives twice, found in its text.
 *
 * The JSON library stops at the first one and knows no key path; users are to see all of them, and where.
 * So the text is walked once more here, after the library has found it well-formed: this file relies on that
 * and checks no grammar of its own.
 *
 * Guarantees: each key given again is noted once, with its path and both lines. */
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

struct scan {
    struct conf *c;
    const char *p, *end;
    int line;
};

static void value_scan(struct scan *s, const char *path);

/* space passes over white space, colons and commas: what stands between the parts that matter. */
static void
space(struct scan *s)
{
    while (s->p < s->end && strchr(" \t\r\n:,", *s->p)) {
        s->line += *s->p == '\n';
        s->p++;
    }
}

static void
string_scan(struct scan *s)
{
    s->p++;
    while (s->p < s->end && *s->p != '"')
        s->p += *s->p == '\\' ? 2 : 1;
    s->p++;
}

/* key_take returns the key at the scan's place as text, its escapes resolved. */
static char *
key_take(struct scan *s)
{
    const char *start = s->p;
    string_scan(s);
    json_t *key = json_loadb(start, (size_t)(s->p - start), JSON_DECODE_ANY, NULL);
    char *text = mem_string(json_string_value(key));
    json_decref(key);
    return text;
}

static void
twice(struct scan *s, const char *at, int first, int line)
{
    if (first == line)
        conf_problem(s->c, "%s: %s: given twice in line %d; remove one", s->c->path, at, line);
    else
        conf_problem(s->c, "%s: %s: given twice, in line %d and in line %d; remove one", s->c->path, at,
                     first, line);
}

static void
object_scan(struct scan *s, const char *path)
{
    json_t *lines = json_object(); /* key -> the line that gave it first */
    s->p++;
    for (space(s); s->p < s->end && *s->p != '}'; space(s)) {
        int line = s->line;
        char *key = key_take(s);
        if (!key)
            break; /* not well-formed after all */
        char *at = mem_printf("%s%s%s", path, *path ? "." : "", key);
        json_t *first = json_object_get(lines, key);
        if (first)
            twice(s, at, (int)json_integer_value(first), line);
        else
            json_object_set_new(lines, key, json_integer(line));
        value_scan(s, at);
        free(at);
        free(key);
    }
    s->p++;
    json_decref(lines);
}

static void
array_scan(struct scan *s, const char *path)
{
    size_t i = 0;
    s->p++;
    for (space(s); s->p < s->end && *s->p != ']'; space(s)) {
        char *at = mem_printf("%s[%zu]", path, i++);
        value_scan(s, at);
        free(at);
    }
    s->p++;
}

static void
value_scan(struct scan *s, const char *path)
{
    space(s);
    if (s->p >= s->end)
        return;
    if (*s->p == '{')
        object_scan(s, path);
    else if (*s->p == '[')
        array_scan(s, path);
    else if (*s->p == '"')
        string_scan(s);
    else
        while (s->p < s->end && !strchr(" \t\r\n,]}", *s->p))
            s->p++;
}

void
duplicates_find(struct conf *c, const char *text, size_t size)
{
    struct scan s = {c, text, text + size, 1};
    value_scan(&s, "");
}
