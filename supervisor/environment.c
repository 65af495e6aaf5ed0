/* environment.c - what children inherit.
 *
 * Owns nothing. Guarantees: a variable that a password or key of the broker was taken from is not passed on, unless the
 *   task's own `environment` names it. A child of another user finds its own name and home in it. */
#include "supervisor/environment.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

extern char **environ;

static bool
named(const char *variable, const char *name)
{
    size_t n = strlen(name);
    return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

static bool
passed_on(const struct conf *c, const json_t *extra, const char *variable)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < c->n_secrets; i++)
        if (named(variable, c->secrets[i]))
            return false;
    json_object_foreach ((json_t *)extra, name, value)
        if (named(variable, name))
            return false; /* replaced */
    return true;
}

/* with_user returns what is added for a user, and `extra` over it. What is our session's is nothing to the user: an
 * empty XDG_RUNTIME_DIR is the same as none. */
static json_t *
with_user(const struct conf_user *user, const json_t *extra)
{
    json_t *all = json_object();
    if (user) {
        json_object_set_new(all, "HOME", json_string(user->home));
        json_object_set_new(all, "USER", json_string(user->name));
        json_object_set_new(all, "LOGNAME", json_string(user->name));
        json_object_set_new(all, "XDG_RUNTIME_DIR", json_string(""));
    }
    json_object_update(all, (json_t *)extra);
    return all;
}

char **
environment_make(const struct conf *c, const struct conf_user *user, const json_t *given)
{
    json_t *extra = with_user(user, given);
    size_t n = json_object_size(extra), at = 0;
    const char *name;
    json_t *value;
    for (char **v = environ; *v; v++)
        n++;
    char **out = mem_array(n + 1, sizeof *out);
    for (char **v = environ; *v; v++)
        if (passed_on(c, extra, *v))
            out[at++] = mem_string(*v);
    json_object_foreach ((json_t *)extra, name, value)
        out[at++] = mem_printf("%s=%s", name, json_string_value(value));
    json_decref(extra);
    return out;
}

void
environment_free(char ***environment)
{
    for (char **v = *environment; v && *v; v++)
        free(*v);
    free(*environment);
    *environment = NULL;
}
