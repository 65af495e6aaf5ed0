/* expand.c - environment variables in the strings of a document: ${NAME} and ${NAME:-default}.
 *
 * A variable that is unset and has no default is a problem; the string then becomes c->unset, which nobody
 * reads, so that one mistake gives one error. As in a shell, the default is taken for an empty variable too,
 * and may itself hold variables. "$${" stands for "${". Names of keys are left as they are.
 *
 * Guarantees: the names of variables that passwords and keys of Kafka came from are in c->secrets. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

#define DEEPEST 16 /* defaults within defaults */

/* Which part of the document a value is in: secrets are looked for in the sections of Kafka. */
enum place { PLACE_TOP, PLACE_TASKS, PLACE_TASK, PLACE_KAFKA, PLACE_OTHER };

struct expansion {
    struct conf *c;
    const char *path; /* of the string */
    bool secret;
    bool failed;
    int depth;
};

static void
fail(struct expansion *x, const char *what, const char *name, size_t n)
{
    conf_problem(x->c, "%s: %s: %s%.*s", x->c->path, x->path, what, (int)n, name);
    x->failed = true;
}

static void
note_secret(struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_secrets; i++)
        if (strcmp(c->secrets[i], name) == 0)
            return;
    c->secrets = mem_grow(c->secrets, c->n_secrets + 1, sizeof *c->secrets);
    c->secrets[c->n_secrets++] = mem_string(name);
}

static size_t
name_length(const char *p)
{
    size_t n = 0;
    if (isdigit((unsigned char)*p))
        return 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_')
        n++;
    return n;
}

static const char *copy_until(struct expansion *x, const char *p, char end, FILE *out);

/* default_of reads what stands behind ":-"; it is evaluated only where it is needed (out is not NULL). */
static const char *
default_of(struct expansion *x, const char *p, FILE *out)
{
    if (++x->depth > DEEPEST) {
        fail(x, "defaults are nested too deep", "", 0);
        return NULL;
    }
    p = copy_until(x, p, '}', out);
    x->depth--;
    return p;
}

/* variable reads what stands behind "${", and returns what stands behind its "}"; NULL where it is malformed.
 */
static const char *
variable(struct expansion *x, const char *p, FILE *out)
{
    size_t n = name_length(p);
    const char *rest = p + n;
    bool has_default = n > 0 && strncmp(rest, ":-", 2) == 0;
    if (n == 0 || (*rest != '}' && !has_default)) {
        fail(x, "must be ${NAME} or ${NAME:-default} (a plain \"${\" is written \"$${\"), is ${", p,
             strcspn(p, "}"));
        return NULL;
    }
    char *name = mem_prefix(p, n);
    const char *value = getenv(name);
    if (x->secret)
        note_secret(x->c, name);
    bool missing = !value || (has_default && !*value);
    if (out && missing && !has_default)
        fail(x, "set the environment variable, or give it a default (${NAME:-default}); it is unset: ", p, n);
    if (out && !missing)
        fputs(value, out);
    free(name);
    return has_default ? default_of(x, rest + 2, missing ? out : NULL) : rest + 1;
}

/* copy_until copies to `out` (NULL: nowhere) up to the letter `end`, and returns what stands behind it. */
static const char *
copy_until(struct expansion *x, const char *p, char end, FILE *out)
{
    while (*p && *p != end) {
        if (strncmp(p, "${", 2) == 0) {
            p = variable(x, p + 2, out);
            if (!p)
                return NULL;
            continue;
        }
        bool plain = strncmp(p, "$${", 3) == 0;
        if (out)
            fputs(plain ? "${" : (char[2]){*p}, out);
        p += plain ? 3 : 1;
    }
    if (*p == '\0' && end) {
        fail(x, "a ${ has no closing brace", "", 0);
        return NULL;
    }
    return end ? p + 1 : p;
}

/* expand_text returns the string with its variables put in, c->unset where that failed, NULL where it has
 * none. */
static json_t *
expand_text(struct expansion *x, const char *text)
{
    char *data = NULL;
    size_t size = 0;
    if (!strstr(text, "${"))
        return NULL;
    FILE *out = mem_stream(&data, &size);
    copy_until(x, text, '\0', out);
    mem_stream_close(out, &data);
    json_t *expanded = x->failed ? NULL : json_string(data);
    if (!expanded && !x->failed)
        fail(x, "an environment variable in it is not UTF-8: ", text, strlen(text));
    free(data);
    return expanded ? expanded : json_incref(x->c->unset);
}

static enum place
place_below(enum place place, const char *key)
{
    switch (place) {
    case PLACE_TOP:
        return strcmp(key, "tasks") == 0   ? PLACE_TASKS
               : strcmp(key, "kafka") == 0 ? PLACE_KAFKA
                                           : PLACE_OTHER;
    case PLACE_TASKS:
        return PLACE_TASK;
    case PLACE_TASK:
        return strcmp(key, "kafka") == 0 ? PLACE_KAFKA : PLACE_OTHER;
    default:
        return PLACE_OTHER;
    }
}

static void expand_members(struct conf *c, const char *path, enum place place, json_t *container);

/* expand_member returns what takes the place of a member, or NULL where it stays. */
static json_t *
expand_member(struct conf *c, const char *path, enum place below, bool secret, json_t *value)
{
    struct expansion x = {c, path, secret, false, 0};
    if (json_is_string(value))
        return expand_text(&x, json_string_value(value));
    expand_members(c, path, below, value);
    return NULL;
}

static void
expand_members(struct conf *c, const char *path, enum place place, json_t *container)
{
    size_t i;
    const char *key;
    void *next;
    json_t *value, *new;
    json_array_foreach(container, i, value) {
        char *at = mem_printf("%s[%zu]", path, i);
        if ((new = expand_member(c, at, PLACE_OTHER, false, value)))
            json_array_set_new(container, i, new);
        free(at);
    }
    json_object_foreach_safe(container, next, key, value) {
        char *at = mem_printf("%s%s%s", path, *path ? "." : "", key);
        bool secret = place == PLACE_KAFKA && conf_kafka_secret(key);
        if ((new = expand_member(c, at, place_below(place, key), secret, value)))
            json_object_set_new(container, key, new);
        free(at);
    }
}

void
expand_document(struct conf *c, json_t *root)
{
    expand_members(c, "", PLACE_TOP, root);
}
