/* app.h - the app that most flow tests run: the recorder over the broker of the scene.
 *
 * Texts with JSON are written with ' in place of ", to be readable here. */
#ifndef TESTS_FLOW_APP_H
#define TESTS_FLOW_APP_H

#include "tests/flow/flow.h"

/* app_json writes a configuration and returns its path. */
const char *app_json(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A member of a configuration: with it the embedded broker gives partitions sooner to who comes second. */
#define APP_QUICK_GROUP "'kafka': {'session.timeout.ms': 4000, 'heartbeat.interval.ms': 200}"

/* app_recorder writes the configuration of the recorder: members of the task ("'attempts': 2") and of the top
 * ("'stop_timeout': '1s'"), "" for none. The backoff is 10 to 20 ms, and what fails for good is skipped, unless
 * given. */
const char *app_recorder(const char *task, const char *top);

/* app_run starts `headrace run` with that configuration over the scene's broker, in flow_runtime; app_start
 * waits until it has partitions as well. What follows are more options, up to NULL. */
struct flow_process *app_run(const char *configuration, ...) __attribute__((sentinel));
struct flow_process *app_start(const char *configuration, ...) __attribute__((sentinel));

/* app_stop ends it with TERM and expects 0, and that nothing is left of it. */
void app_stop(struct flow_process *app);
void app_nothing_left(void);

/* app_fill sends `n` records "PARTITION/NUMBER" to each of the partitions 0 to `partitions` - 1 of the topic
 * "records"; to be flushed by the test. app_all_once fails the test if they were not all seen exactly once,
 * in the order of their partitions. */
void app_fill(int partitions, int n);
void app_all_once(int partitions, int n);

/* The pid of a worker that lives, 0 if there is none; instance -1: any. */
pid_t app_worker(const char *task, int instance);

/* app_kill sends a signal to a worker, as soon as there is one; returns its pid. */
pid_t app_kill(const char *task, int instance, int signal_number);

/* How many different workers have seen records. */
int app_workers_that_saw(void);

/* A port on which nobody listens. */
int app_free_port(void);
/* app_shim: what is started from now on has these calls fail with `error` (tests/fail/shim.c: in which program, which
 * calls), from app_short(true) to app_short(false). */
void app_shim(const char *in, const char *calls, int error);
void app_short(bool it);

/* app_line returns the line of a process's output that contains the text; "" if there is none. */
const char *app_line(const struct flow_process *p, const char *text);

/* From one line of a log to another, by their times: in ms. */
int app_ms_between(const char *first_line, const char *second_line);

#endif
