/* app.c - the app that most flow tests run: the recorder over the broker of the scene.
 *
 * Owns: nothing. Must not know: how the harness starts and ends things. */
#include "tests/flow/app.h"
#include "tests/flow/scene.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *
app_json(const char *name, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(size, 0);
    for (char *c = text; (c = strchr(c, '\'')) != NULL;)
        *c = '"';
    const char *path = flow_write(name, "%s", text);
    free(text);
    return path;
}

const char *
app_recorder(const char *task, const char *top)
{
    const char *backoff = strstr(task, "backoff") == NULL ? ", 'backoff': ['10ms', '20ms']" : "";
    const char *on_failure = strstr(task, "on_failure") == NULL ? ", 'on_failure': 'skip'" : "";
    return app_json("app.json",
                    "{'modules': ['%s'], 'commit_interval': '100ms', " APP_QUICK_GROUP "%s%s,\n"
                    " 'tasks': {'record': {'topic': 'records'%s%s%s%s}}}\n",
                    flow_module("recorder"), top[0] != '\0' ? ", " : "", top, task[0] != '\0' ? ", " : "",
                    task, backoff, on_failure);
}

/* The words of `headrace run` and then what a variable argument list adds. */
static struct flow_process *
run(const char *configuration, va_list more)
{
    const char *words[40] = {"headrace",     "run",           configuration, "-b",
                             flow_brokers(), "--runtime-dir", flow_runtime()};
    for (int i = 7; i < 39 && (words[i] = va_arg(more, const char *)) != NULL; i++)
        ;
    return scene_start(words, "/dev/null");
}

struct flow_process *
app_run(const char *configuration, ...)
{
    va_list more;
    va_start(more, configuration);
    struct flow_process *app = run(configuration, more);
    va_end(more);
    return app;
}

struct flow_process *
app_start(const char *configuration, ...)
{
    va_list more;
    va_start(more, configuration);
    struct flow_process *app = run(configuration, more);
    va_end(more);
    flow_await(app, "partitions assigned");
    return app;
}

void
app_stop(struct flow_process *app)
{
    flow_signal(app, SIGTERM);
    flow_expect(app, 0);
    app_nothing_left();
}

void
app_nothing_left(void)
{
    ck_assert_int_eq(flow_count("headrace-worker"), 0);
    ck_assert_int_eq(flow_count("headrace-timer"), 0);
}

void
app_fill(int partitions, int n)
{
    for (int i = 0; i < n; i++)
        for (int p = 0; p < partitions; p++)
            flow_send("records", p, NULL, "%d/%d", p, i);
}

void
app_all_once(int partitions, int n)
{
    const struct flow_record *records;
    ck_assert_int_eq((int)flow_records(&records), partitions * n);
    flow_check_order(false);
}

pid_t
app_worker(const char *task, int instance)
{
    pid_t pid = 0;
    flow_pids(instance < 0 ? flow_text("headrace-worker %s ", task)
                           : flow_text("headrace-worker %s %d ", task, instance),
              &pid, 1);
    return pid;
}

pid_t
app_kill(const char *task, int instance, int signal_number)
{
    pid_t pid;
    FLOW_UNTIL((pid = app_worker(task, instance)) > 0, "worker %d of %s", instance, task);
    ck_assert_int_eq(kill(pid, signal_number), 0);
    return pid;
}

int
app_workers_that_saw(void)
{
    const struct flow_record *records;
    pid_t pids[256];
    int n = 0;
    for (size_t i = 0, all = flow_records(&records); i < all; i++) {
        int j = 0;
        while (j < n && pids[j] != records[i].pid)
            j++;
        if (j == n && n < 256)
            pids[n++] = records[i].pid;
    }
    return n;
}

const char *
app_line(const struct flow_process *p, const char *text)
{
    const char *output = flow_text("%s%s", flow_read(p->err), flow_read(p->out));
    const char *found = strstr(output, text);
    if (found == NULL)
        return "";
    const char *start = found;
    while (start > output && start[-1] != '\n')
        start--;
    return flow_text("%.*s", (int)(found - start + (long)strcspn(found, "\n")), start);
}

int
app_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void
app_shim(const char *in, const char *calls, int error)
{
    setenv("LD_PRELOAD", flow_text("%s/fail/shim.so", BUILD_DIR), 1);
    setenv("ASAN_OPTIONS", flow_text("%s:verify_asan_link_order=0", getenv("ASAN_OPTIONS")), 1);
    setenv("FAIL_IN", in, 1);
    setenv("FAIL_CALLS", calls, 1);
    setenv("FAIL_AT", "1", 1);
    setenv("FAIL_TIMES", "0", 1);
    setenv("FAIL_ERRNO", flow_text("%d", error), 1);
    setenv("FAIL_BY", "own", 1);
    setenv("FAIL_ARMED", flow_path("short"), 1);
}

void
app_short(bool it)
{
    if (it)
        flow_write("short", "%s", "");
    else
        unlink(flow_path("short"));
}

static int
time_of(const char *line)
{
    int hours, minutes, seconds, ms;
    int n = sscanf(line, "%*10sT%2d:%2d:%2d.%3dZ", &hours, &minutes, &seconds, &ms);
    ck_assert_msg(n == 4, "no time in: %s", line);
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

int
app_ms_between(const char *first_line, const char *second_line)
{
    int ms = time_of(second_line) - time_of(first_line);
    return ms < 0 ? ms + 24 * 3600 * 1000 : ms; /* over midnight */
}
