/* status.c - the running app as one JSON document (SPEC 6, what exists so far).
 *
 * Owns: what it needs to tell a rate. Guarantees: every key of SPEC 6 that exists is always there. Must not know: who asks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/log.h"
#include "supervisor/emit.h"
#include "supervisor/source.h"
#include "supervisor/supervisor.h"

static const char *const app_states[] = {
    [APP_STARTING] = "starting", [APP_RUNNING] = "running", [APP_STOPPING] = "stopping"};

static double
seconds(mono_ns ns)
{
    return (double)ns / (double)NS_PER_S;
}

/* record_json is the record a worker is on, and since when as far as looks can tell; null if none. */
static json_t *
record_json(struct worker *w, mono_ns now)
{
    struct partition *p;
    uint64_t pos;
    if (!w->sb || !holding_on(&w->holding, &p, &pos)) {
        w->seen_offset = -1;
        return json_null();
    }
    int64_t offset = ledger_entry(&p->led, pos)->offset;
    if (w->seen_offset != offset || w->seen_partition != p->number) {
        w->seen_offset = offset;
        w->seen_partition = p->number;
        w->seen_at = now;
    }
    return json_pack("{s:s, s:i, s:I, s:f}", "topic", p->topic, "partition", (int)p->number, "offset",
                     (json_int_t)offset, "seconds", seconds(now - w->seen_at));
}

static const char *
worker_state(const struct worker *w)
{
    if (w->state == WORKER_UP && (w->holding.unsettled > 0 || w->running))
        return "busy";
    return w->state == WORKER_UP ? "idle" : worker_state_name(w->state);
}

static json_t *
worker_json(struct worker *w, mono_ns now)
{
    bool alive = w->child.state == CHILD_ALIVE;
    return json_pack("{s:i, s:i, s:s, s:I, s:I, s:I, s:o}", "instance", w->instance, "pid", alive ? (int)w->child.pid : 0,
                     "state", worker_state(w), "processed", (json_int_t)w->processed, "restarts",
                     (json_int_t)w->restarts, "rss_bytes", (json_int_t)worker_rss(w), "record",
                     record_json(w, now));
}

static const char *
task_state(const struct task *t)
{
    int up = 0, gone = 0;
    if (t->failed_for_good)
        return "failed";
    if (t->app->state == APP_STOPPING)
        return "stopping";
    for (int i = 0; i < t->n_workers; i++) {
        up += t->workers[i].state == WORKER_UP;
        gone += t->workers[i].state == WORKER_GONE;
    }
    if (gone == t->n_workers)
        return "finished";
    if (up == 0)
        return "starting";
    if (t->source && source_unreachable(t->source))
        return "unreachable";
    if (t->source && source_refusal(t->source))
        return "refused";
    return t->source && source_assigned(t->source) == 0 ? "joining" : "running";
}

static void
add_stream(json_t *out, const struct task *t)
{
    json_object_set_new(out, "topic", json_string(t->conf->topic));
    json_object_set_new(out, "group", json_string(t->conf->group));
    json_object_set_new(out, "order", json_string(conf_order_names[t->conf->order]));
    json_object_set_new(out, "dead_lettered", json_integer((json_int_t)t->dead_lettered));
    const char *trouble = source_refusal(t->source);
    if (t->emitter) {
        json_object_set_new(out, "waiting_letters", json_integer((json_int_t)emit_letters_waiting(t->emitter)));
        json_object_set_new(out, "sent", json_integer((json_int_t)emit_sent(t->emitter)));
        json_object_set_new(out, "waiting_sends", json_integer((json_int_t)emit_sends_waiting(t->emitter)));
        trouble = trouble ? trouble : emit_trouble(t->emitter);
    }
    json_object_set_new(out, "trouble", trouble ? json_string(trouble) : json_null());
    json_object_set_new(out, "expired", json_integer((json_int_t)t->expired));
    json_object_set_new(out, "lag", json_integer(source_lag(t->source)));
    json_object_set_new(out, "rate", json_real(t->rate));
    json_object_set_new(out, "partitions", source_partitions_json(t->source));
}

static json_t *
task_json(struct task *t, mono_ns now)
{
    json_t *workers = json_array();
    for (int i = 0; i < t->n_workers; i++)
        json_array_append_new(workers, worker_json(&t->workers[i], now));
    json_t *out = json_pack("{s:s, s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "name", t->conf->name, "kind",
                            conf_kind_name(t->conf->kind), "concurrency", t->n_workers, "state", task_state(t),
                            "processed", (json_int_t)t->processed, "failed", (json_int_t)t->failed, "retried",
                            (json_int_t)t->retried, "skipped", (json_int_t)t->skipped, "redelivered",
                            (json_int_t)t->redelivered, "workers", workers);
    if (t->source)
        add_stream(out, t);
    return out;
}

static json_t *
time_json(wall_ms at)
{
    char text[40];
    struct tm utc;
    time_t s = at / 1000;
    if (at <= 0)
        return json_null();
    gmtime_r(&s, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(at % 1000));
    return json_string(text);
}

static json_t *
timer_json(const struct task *t, mono_ns now)
{
    const struct trigger *g = &t->trigger_state;
    mono_ns next = g->start + (mono_ns)(g->step + 1) * t->conf->interval;
    char schedule[64];
    snprintf(schedule, sizeof schedule, "every %gs", seconds(t->conf->interval));
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:f}", "name", t->conf->name, "schedule", schedule, "fired",
                     (json_int_t)g->fired, "skipped", (json_int_t)g->skipped, "last", time_json(g->last), "next",
                     time_json(clock_wall() + (next - now) / NS_PER_MS), "lateness_s", seconds(g->lateness));
}

static json_t *
counters_json(struct app *a)
{
    json_t *out = json_object();
    totals_publish(a);
    for (size_t i = 0; i < a->conf->n_counters; i++)
        json_object_set_new(out, a->conf->counters[i], json_integer(totals_of(a, i)));
    return out;
}

/* brokers_of is where the app's records come from: addresses only, nothing secret. */
static const char *
brokers_of(const struct app *a)
{
    const char *brokers = json_string_value(json_object_get(a->conf->kafka, "bootstrap.servers"));
    return a->has_embedded ? a->embedded.address : brokers ? brokers : "";
}

json_t *
status_json(struct app *a)
{
    mono_ns now = clock_mono();
    json_t *tasks = json_array(), *timers = json_array();
    for (size_t i = 0; i < a->n_tasks; i++) {
        json_array_append_new(tasks, task_json(&a->tasks[i], now));
        if (a->tasks[i].conf->kind == CONF_TIMER)
            json_array_append_new(timers, timer_json(&a->tasks[i], now));
    }
    return json_pack("{s:s, s:i, s:s, s:f, s:s, s:i, s:o, s:o, s:o}", "app", a->conf->app, "pid", (int)getpid(),
                     "state", app_states[a->state], "uptime_s", seconds(now - a->started_at), "brokers",
                     brokers_of(a), "timer_pid", a->timekeeper.state == CHILD_ALIVE ? (int)a->timekeeper.pid : 0,
                     "tasks", tasks, "timers", timers, "counters", counters_json(a));
}
