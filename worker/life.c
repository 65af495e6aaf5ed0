/* life.c - the life of a worker under a supervisor: born, set up, ready, at work, ended.
 *
 * Owns: the hr_task of this process.
 *
 * DESIGN: what the supervisor knows at each step stands on the scoreboard: the phase, and the state of each
 * record (body.c). The module is loaded and set up before the first thread is started and the first frame
 * sent, so hr_setup may fork, and one that fails leaves nothing to undo.
 *
 * Guarantees: exit handlers and destructors of the module find ZeroMQ closed (a return) or untouched (an
 * exit() in the body); neither waits for a supervisor. Must not know: how records are read, what is done with
 * them. */
#include "worker/life.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/children.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "worker/backtrace.h"
#include "worker/batch.h"
#include "worker/body.h"
#include "worker/boot.h"
#include "worker/counter.h"
#include "worker/inbox.h"
#include "worker/module.h"
#include "worker/outbox.h"
#include "worker/record.h"
#include "worker/registry.h"
#include "worker/text.h"
#include "worker/told.h"
#include "worker/trigger.h"
#include "worker/uplink.h"

static void
heed_nothing(int signal)
{
    (void)signal;
}

/* A pipe or a file that takes no more is a failed write. A handler and not SIG_IGN: programs that a body starts get the default back. */
void
life_prepare_process(void)
{
    static char buffer[64 << 10];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct sigaction action = {.sa_handler = heed_nothing, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
    setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
}

/* A signal that ends this process leaves a backtrace: of the code of others, not of what called it. */
static void
leave_backtraces(struct scoreboard *sb)
{
    static const void *const outside[] = {(const void *)body_run, (const void *)trigger_serve,
                                          (const void *)module_open, (const void *)module_setup, NULL};
    backtrace_watch(sb, outside);
}

/* refuse is the end of a life that could not be set up. */
static int
refuse(const struct boot *boot, const char *why)
{
    text_line(boot->sb->message, sizeof boot->sb->message, why);
    atomic_store(&boot->sb->phase, PHASE_SETUP_FAILED);
    return CHILD_EXIT_SETUP;
}

/* load returns the entry of the task, or NULL with the reason. */
static const struct entry *
load(const struct boot *boot, const char **why)
{
    static char text[REASON_MAX];
    *why = text;
    if (module_open(boot->module)) {
        counter_bind(boot->counters, boot->n_counters, boot->sb->counters, boot->totals->counters);
        module_setup();
    }
    if (registry_n_problems() > 0) {
        snprintf(text, sizeof text, "%s: %s", boot->module, registry_problem_text(0));
        return NULL;
    }
    const struct entry *e = registry_find(boot->task);
    if (e && e->timer == (boot->kind == SELF_TIMER))
        return e;
    snprintf(text, sizeof text, "%s has no %s %s; was it replaced while the app was running?", boot->module,
             boot->kind == SELF_TIMER ? "timer" : "task", boot->task);
    return NULL;
}

static void
publish_ready(struct hr_task *self)
{
    uint32_t starting = PHASE_STARTING;
    atomic_compare_exchange_strong(&self->sb->phase, &starting, PHASE_READY); /* or it was told meanwhile */
    outbox_ready(self);
}

static int
live(const struct boot *boot, const struct entry *e)
{
    static struct hr_task self;
    self.name = boot->task;
    self.kind = boot->kind;
    self.instance = boot->instance;
    self.concurrency = boot->concurrency;
    self.generation = boot->generation;
    self.sb = boot->sb;
    turn_init(&self.turn, boot->sb);
    const char *wrong = uplink_open(boot->endpoint, CHILD_FD_LIFELINE);
    if (wrong)
        return refuse(boot, wrong);
    self.peer = uplink_peer();
    publish_ready(&self);
    int code = body_run(&self, e->function);
    batch_close(&self);
    inbox_close(&self);
    outbox_free(&self);
    record_close(&self.record);
    uplink_close();
    return code;
}

int
life_run(void)
{
    static struct boot boot; /* its strings are used until the process ends */
    char *problem = boot_read(&boot);
    if (problem) {
        log_error("a worker is started by `headrace run`, not by hand", "reason=\"%s\"", problem);
        free(problem);
        return 64;
    }
    char *name = mem_printf("%s.%d", boot.task, boot.instance);
    log_init(name, boot.level);
    free(name);
    told_open(boot.sb);
    told_on(SIGTERM);
    life_prepare_process();
    leave_backtraces(boot.sb);
    const char *why;
    const struct entry *e = load(&boot, &why);
    return e ? live(&boot, e) : refuse(&boot, why);
}
