/* conf.c - fuzzing of the configuration: the file, the modules' descriptions, the command line, and all of it
 * merged.
 *
 * An input has parts, with 0x1e between them: the file; what the child that describes a module has written
 * (of each module in turn: its description, what it printed); options of -X. describe.c is included for its
 * way from such bytes to a description; the child itself is imitated, and so is librdkafka's word on
 * properties.
 *
 * Checked: every problem is one line that can be shown, and names the file or a module; where there is none,
 * each task has what the rest of the supervisor relies on, and its options can be shown. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "shared/mem.h"
#include "shared/scoreboard.h"
#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"

#include "supervisor/describe.c"

#define PART 0x1e
#define PROPERTIES 4

static char path[64];

/* load has the file read; it is there no longer than that. */
static struct conf *
load(const uint8_t *data, size_t size)
{
    snprintf(path, sizeof path, "/tmp/headrace-fuzz-%d.json", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size, "%s", path);
    close(fd);
    struct conf *c = conf_load(path);
    unlink(path);
    return c;
}

static void
check_texts(const struct conf *c, char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool named = strncmp(texts[i], c->path, strlen(c->path)) == 0;
        terminal_must_be_plain("a problem", texts[i], strlen(texts[i]), 0);
        for (size_t m = 0; m < c->n_modules && !named; m++)
            named = strncmp(texts[i], c->modules[m], strcspn(c->modules[m], "\x7f\xc2")) == 0;
        MUST(named, "it names no file: %s", texts[i]);
    }
}

/* intake copies a part, with the byte behind it that intake_read leaves room for. */
static struct intake
intake(struct input *in)
{
    size_t n;
    const uint8_t *data = input_part(in, PART, &n);
    struct intake part = {.fd = -1, .data = n > 0 ? mem_alloc(n + 1) : NULL, .size = n};
    if (n > 0)
        memcpy(part.data, data, n);
    return part;
}

static json_t *
describe(struct conf *c, const char *module, struct input *in)
{
    char *problem = NULL;
    size_t n;
    struct describing end = {.end = {.si_code = CLD_EXITED}, .reply = intake(in)};
    end.output = intake(in);
    json_t *description = judge(&end, NS_PER_S, &problem);
    MUST(!description != !problem, "%s", problem ? problem : "no description, and no problem");
    terminal_begin();
    show_output("a module", &end.output);
    terminal_end(&n);
    if (problem)
        module_problem(c, module, problem);
    free(problem);
    intake_free(&end.reply);
    intake_free(&end.output);
    return description;
}

static void
check_task(const struct conf_task *t)
{
    MUST(t->name && t->module && t->declared_at && t->from, "%s", t->name);
    MUST(t->concurrency >= 1 && t->concurrency <= 4096, "%s: %d", t->name, (int)t->concurrency);
    MUST((t->kind == CONF_STREAM) == (t->topic != NULL), "%s", t->name);
    MUST(t->kind != CONF_STREAM || (t->group && t->dead_letter_topic && t->kafka), "%s", t->name);
    MUST(t->kind != CONF_TIMER || t->interval > 0, "%s", t->name);
    MUST(t->attempts >= 1 && t->window >= 1 && t->window_bytes >= 1, "%s", t->name);
    MUST(t->backoff[0] >= 0 && t->backoff[0] <= t->backoff[1] && t->deadline >= 0, "%s", t->name);
    json_t *options = conf_task_options(t);
    char *shown = json_dumps(options, 0);
    MUST(shown, "%s: its options cannot be shown", t->name);
    free(shown);
    json_decref(options);
}

static void
merge(struct conf *c, struct input *in)
{
    json_t **descriptions = mem_array(c->n_modules, sizeof *descriptions);
    char *properties[PROPERTIES], **usage = NULL;
    struct conf_overrides o = {.properties = (const char **)(void *)properties};
    size_t n, n_usage = 0;
    for (size_t i = 0; i < c->n_modules; i++)
        descriptions[i] = describe(c, c->modules[i], in);
    for (; o.n_properties < PROPERTIES && !input_ended(in); o.n_properties++) {
        const uint8_t *text = input_part(in, PART, &n);
        properties[o.n_properties] = strndup((const char *)text, n);
    }
    conf_merge(c, descriptions, &o, &usage, &n_usage);
    for (size_t i = 0; i < c->n_modules; i++)
        json_decref(descriptions[i]);
    for (size_t i = 0; i < n_usage; i++)
        free(usage[i]);
    for (size_t i = 0; i < o.n_properties; i++)
        free(properties[i]);
    free(usage);
    free(descriptions);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    size_t n;
    const uint8_t *file = input_part(&in, PART, &n);
    setenv("FUZZ_SET", "set", 1);
    setenv("FUZZ_LATIN", "caf\xe9", 1);
    struct conf *c = load(file, n);
    merge(c, &in);
    check_texts(c, c->problems, c->n_problems);
    check_texts(c, c->warnings, c->n_warnings);
    MUST(c->app && c->kafka, "the app's name or its properties");
    for (size_t i = 0; c->n_problems == 0 && i < c->n_tasks; i++)
        check_task(&c->tasks[i]);
    conf_free(&c);
    return 0;
}
