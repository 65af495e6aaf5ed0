/* describe.c - `headrace-worker --describe MODULE`: what a module declares, as JSON.
 *
 * Guarantees: a description is written whenever this process lives that long; what is wrong in the module
 * stands in its `problems`, all of it. Constructors and hr_setup of the module may print, crash or hang: the
 * parent has a time limit and reads a descriptor of its own. Owns nothing; does not know what is done with a
 * description. */
#include "worker/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "worker/module.h"
#include "worker/registry.h"
#include "worker/text.h"

static const char *
order_name(enum hr_order order)
{
    static const char *const names[] = {
        [HR_ORDER_PARTITION] = "partition", [HR_ORDER_KEY] = "key", [HR_ORDER_NONE] = "none"};
    return (size_t)order < sizeof names / sizeof *names ? names[order] : NULL;
}

/* text makes a JSON string of what need not be UTF-8. */
static json_t *
text(const char *raw)
{
    char line[1024];
    if (!raw)
        return json_null();
    text_line(line, sizeof line, raw);
    return json_string(line);
}

static json_t *
describe_entry(const struct entry *e)
{
    if (e->timer)
        return json_pack("{s:o, s:f, s:o, s:i}", "name", text(e->name), "interval", e->interval, "file",
                         text(e->file), "line", e->line);
    return json_pack("{s:o, s:o, s:i, s:s?, s:o, s:i}", "name", text(e->name), "topic", text(e->topic),
                     "concurrency", e->concurrency, "order", order_name(e->order), "file", text(e->file),
                     "line", e->line);
}

static json_t *
entries(bool timers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < registry_n_entries(); i++)
        if (registry_entry(i)->timer == timers)
            json_array_append_new(list, describe_entry(registry_entry(i)));
    return list;
}

static bool
contains(const json_t *list, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) if (strcmp(json_string_value(one), name) == 0) return true;
    return false;
}

static json_t *
counters(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < registry_n_counters(); i++)
        if (!contains(list, registry_counter(i)->name))
            json_array_append_new(list, json_string(registry_counter(i)->name));
    return list;
}

static json_t *
problems(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < registry_n_problems(); i++)
        json_array_append_new(list, text(registry_problem_text(i)));
    return list;
}

static bool
write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return false;
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static int
reply(int fd, json_t *description)
{
    char *line = json_dumps(description, JSON_COMPACT);
    bool written = write_all(fd, line, strlen(line)) && write_all(fd, "\n", 1);
    if (!written)
        log_error("cannot write the description", "error=\"%s\"", strerror(errno));
    free(line);
    return written ? 0 : 1;
}

int
describe_write(const char *module)
{
    /* taken out of the way first: a module may close or write to any descriptor that it finds */
    int fd = fcntl(CHILD_FD_REPLY, F_DUPFD_CLOEXEC, 64);
    if (fd < 0)
        fd = STDOUT_FILENO;
    else
        close(CHILD_FD_REPLY);
    if (module_open(module) && module_setup() && registry_n_entries() == 0)
        registry_problem("declares no task and no timer; HR_TASK and HR_TIMER of headrace.h declare them");
    json_t *description = json_pack("{s:o, s:o, s:o, s:o}", "tasks", entries(false), "timers", entries(true),
                                    "counters", counters(), "problems", problems());
    int code = reply(fd, description);
    json_decref(description);
    close(fd); /* the reader need not wait for the module's exit handlers */
    return code;
}
