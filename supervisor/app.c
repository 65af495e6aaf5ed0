/* app.c - an app opened from the command line.
 *
 * Guarantees: every problem of every stage is found and printed in one go; nothing is left running. */
#include "supervisor/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "shared/mem.h"
#include "supervisor/describe.h"
#include "supervisor/properties.h"

static void
print_texts(const char *label, char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "headrace: %s%s\n", label, texts[i]);
}

static void
describe_and_merge(struct conf *c, const struct conf_overrides *o, char ***usage, size_t *n_usage)
{
    json_t **descriptions = mem_array(c->n_modules, sizeof *descriptions);
    describe_all(c, descriptions);
    conf_merge(c, descriptions, o, usage, n_usage);
    properties_check(c, o, usage, n_usage);
    for (size_t i = 0; i < c->n_modules; i++)
        json_decref(descriptions[i]);
    free(descriptions);
}

struct conf *
app_open(const char *app, const struct conf_overrides *o, int *exit_code)
{
    char **usage = NULL;
    size_t n_usage = 0;
    struct conf *c = conf_load(app);
    describe_and_merge(c, o, &usage, &n_usage);
    print_texts("warning: ", c->warnings, c->n_warnings);
    print_texts("", c->problems, c->n_problems);
    print_texts("", usage, n_usage);
    size_t problems = c->n_problems + n_usage;
    *exit_code = c->n_problems > 0 ? EX_CONFIG : n_usage > 0 ? EX_USAGE : 0;
    if (problems > 0) {
        fprintf(stderr, "headrace: %zu problem%s; nothing was started\n", problems, problems == 1 ? "" : "s");
        conf_free(&c);
    }
    for (size_t i = 0; i < n_usage; i++)
        free(usage[i]);
    free(usage);
    return c;
}
