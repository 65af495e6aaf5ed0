/* app_options.c - the options of all commands that open an app.
 *
 * Owns: how these options are written. What they mean for the app (whether the task exists, whether the
 * property does) is for conf_merge and properties_check. Must not know: which command it reads them for. */
#include "supervisor/client/app_options.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "supervisor/client/usage.h"

#define WORKERS_MAX 4096

static char *
keep_text(struct app_options *a, const char *text)
{
    a->texts = mem_grow(a->texts, a->n_texts + 1, sizeof *a->texts);
    return a->texts[a->n_texts++] = mem_string(text);
}

static int
take_concurrency(struct app_options *a, const char *arg)
{
    struct conf_overrides *o = &a->overrides;
    char *task = keep_text(a, arg);
    char *equals = strrchr(task, '=');
    int64_t n;
    if (!equals || equals == task || !usage_number(equals + 1, 1, WORKERS_MAX, &n)) {
        usage_error(a->command, "-c takes TASK=N with N from 1 to %d, not '%s'", WORKERS_MAX, arg);
        return -1;
    }
    *equals = '\0';
    o->concurrency = mem_grow(o->concurrency, o->n_concurrency + 1, sizeof *o->concurrency);
    o->concurrency[o->n_concurrency].task = task;
    o->concurrency[o->n_concurrency++].concurrency = n;
    return 1;
}

static int
take_workers(struct app_options *a, const char *arg)
{
    struct conf_overrides *o = &a->overrides;
    if (strcmp(arg, "auto") == 0) {
        o->workers = -1;
        o->usable_cpus = conf_usable_cpus();
        return 1;
    }
    if (usage_number(arg, 1, WORKERS_MAX, &o->workers))
        return 1;
    usage_error(a->command, "-w takes a number from 1 to %d, or auto, not '%s'", WORKERS_MAX, arg);
    return -1;
}

static int
take_property(struct app_options *a, const char *arg)
{
    struct conf_overrides *o = &a->overrides;
    const char *equals = strchr(arg, '=');
    if (!equals || equals == arg) {
        usage_error(a->command, "-X takes PROPERTY=VALUE, not '%s'", arg);
        return -1;
    }
    o->properties = mem_grow(o->properties, o->n_properties + 1, sizeof *o->properties);
    o->properties[o->n_properties++] = arg;
    return 1;
}

static int
take_brokers(struct app_options *a, const char *arg)
{
    if (*arg == '\0') {
        usage_error(a->command, "-b takes HOST:PORT, several separated by commas; it is empty");
        return -1;
    }
    a->overrides.brokers = arg;
    return 1;
}

int
app_options_take(struct app_options *a, int opt, const char *arg)
{
    switch (opt) {
    case 'c':
        return take_concurrency(a, arg);
    case 'w':
        return take_workers(a, arg);
    case 'b':
        return take_brokers(a, arg);
    case 'X':
        return take_property(a, arg);
    default:
        return 0;
    }
}

void
app_options_free(struct app_options *a)
{
    for (size_t i = 0; i < a->n_texts; i++)
        free(a->texts[i]);
    free(a->texts);
    free(a->overrides.concurrency);
    free(a->overrides.properties);
}
