/* test_hostile.c - a task that scribbles over what it shares with the supervisor, and breaks the protocol in
 * every way, harms itself: no other record is lost or out of order, the other tasks of the app do not notice.
 */
#include "tests/flow/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EACH 60 /* records of each partition */
#define PARTITIONS 3
#define ATTACKS_MAX 24

/* What records say, see modules/hostile.c; HOSTILE='scribble 0' runs that one alone. */
static const char *const scribbles[ATTACKS_MAX] = {
    "scribble 0",        "scribble 255",    "scribble 3",         "scribble random",
    "scribble for_ever", "scribble 0 0.1",  "scribble 1 0.1",     "scribble 3 0.1",
    "scribble 255 0.1",  "scribble random", "scribble random 0.1"};
static const char *const noises[ATTACKS_MAX] = {"raw random", "raw huge", "raw short", "raw huge 60",
                                                "close"};
static const char *const frames[ATTACKS_MAX] = {"frame generation 0.2", "frame type 0.2",  "frame length 0.2",
                                                "frame version 0.2",    "frame parts 0.2", "frame sends 0.2",
                                                "frame type",           "frame parts",     "flood 300000"};
static const char *const reaches[ATTACKS_MAX] = {"connect 200", "lifeline", "truncate", "grow", "totals"};

/* value_of: the attacks stand among the records of all partitions, one in five. */
static const char *
value_of(const char *const *attacks, int partition, int i)
{
    int nth = i % 5 == 4 ? i / 5 * PARTITIONS + partition : ATTACKS_MAX;
    const char *attack = nth < ATTACKS_MAX ? attacks[nth] : NULL, *alone = getenv("HOSTILE");
    if (attack && alone && strcmp(attack, alone) != 0)
        attack = NULL;
    return attack ? flow_text("%d/%d %s", partition, i, attack) : flow_text("%d/%d", partition, i);
}

/* among_others: "others" is read by a task that knows nothing of the attacks. */
static const char *
among_others(const char *const *attacks)
{
    flow_broker("records:3", "others:2", NULL);
    for (int i = 0; i < EACH; i++) {
        for (int p = 0; p < PARTITIONS; p++)
            flow_send("records", p, NULL, "%s", value_of(attacks, p, i));
        for (int p = 0; p < 2; p++)
            flow_send("others", p, NULL, "%d/%d", p, i);
    }
    flow_flush();
    setenv("HOSTILE_FILE", flow_path("succeeded"), 1);
    return app_json("app.json",
                    "{'modules': ['%s', '%s'], 'commit_interval': '100ms', " APP_QUICK_GROUP ",\n"
                    " 'tasks': {'hostile': {'concurrency': 2, 'attempts': 3, 'backoff': ['10ms', '20ms'],\n"
                    "                       'on_failure': 'skip', 'restart': {'max': %d}},\n"
                    "           'record': {'topic': 'others', 'concurrency': 2}}}\n",
                    flow_module("hostile"), flow_module("recorder"), attacks == scribbles ? 0 : 100);
}

/* check_order: flow_check_order for one topic of several. */
static void
check_order(const char *topic, int partitions, bool repeats)
{
    const struct flow_record *records;
    size_t n = flow_records(&records);
    for (int p = 0; p < partitions; p++) {
        int64_t last = -1;
        for (size_t i = 0; i < n; i++) {
            const struct flow_record *r = &records[i];
            if (strcmp(r->topic, topic) != 0 || r->partition != p)
                continue;
            ck_assert_msg(r->offset == last + 1 || (repeats && r->offset <= last),
                          "%s:%d: offset %lld follows %lld", topic, p, (long long)r->offset, (long long)last);
            last = r->offset;
        }
    }
}

/* all_handled: every record was handed out, those of a partition in order (repeats go back and on); of the
 * others each once, and none of their workers has noticed. */
static void
all_handled(const struct flow_process *app, const char *const *attacks)
{
    const struct flow_record *records;
    size_t n = flow_records(&records), others = 0;
    for (size_t i = 0; i < n; i++)
        others += strcmp(records[i].topic, "others") == 0;
    ck_assert_uint_eq(others, 2 * EACH);
    for (int i = 0; i < EACH; i++)
        for (int p = 0; p < PARTITIONS; p++)
            ck_assert_msg(flow_seen(value_of(attacks, p, i)) >= 1, "never seen: %s", value_of(attacks, p, i));
    check_order("records", PARTITIONS, true);
    check_order("others", 2, false);
    ck_assert(flow_all_committed("app.hostile", "records", PARTITIONS));
    ck_assert(flow_all_committed("app.record", "others", 2));
    ck_assert_str_eq(flow_read(flow_path("succeeded")), "");
    ck_assert(!flow_said(app, "worker ended task=record "));
    app_nothing_left();
}

static struct flow_process *
harm_themselves(const char *const *attacks)
{
    struct flow_process *app = app_run(among_others(attacks), "--until-end", NULL);
    flow_expect(app, 0);
    all_handled(app, attacks);
    return app;
}

/* Whoever writes over its segment is on a record, or on one of several that are tried one by one: no crash
 * loop. */
START_TEST(test_scribbles)
{
    struct flow_process *app = harm_themselves(scribbles);
    if (!getenv("HOSTILE"))
        ck_assert_int_ge(flow_lines(app->err, "its scoreboard was written over"), 3);
}
END_TEST

START_TEST(test_noise_in_the_pipe)
{
    harm_themselves(noises);
}
END_TEST

START_TEST(test_wrong_frames)
{
    struct flow_process *app = harm_themselves(frames);
    static const char *const said[] = {"from another life", "length does not match what arrived",
                                       "another version of the protocol", "shorter than a header"};
    for (size_t i = 0; i < sizeof said / sizeof *said && !getenv("HOSTILE"); i++)
        ck_assert_msg(flow_said(app, said[i]), "not said: %s", said[i]);
}
END_TEST

START_TEST(test_reaches_for_others)
{
    struct flow_process *app = harm_themselves(reaches);
    ck_assert(!flow_said(app, "worker ended"));
}
END_TEST

/* What a segment that is written over says is counted of no task, and never of another module's counters. */
static void
check_counters(const char *const *attacks, int64_t least)
{
    struct flow_process *app = app_run(among_others(attacks), NULL);
    FLOW_UNTIL(flow_all_committed("app.hostile", "records", PARTITIONS) &&
                   flow_all_committed("app.record", "others", 2),
               "all records");
    FLOW_UNTIL(flow_number("counters.recorded") == 2 * EACH, "the counter of the other module");
    int64_t seen = flow_seen(NULL) - 2 * EACH, counted = flow_number("counters.hostile_seen");
    if (least > 0) {
        ck_assert_int_ge(counted, least);
        ck_assert_int_le(counted, seen);
    }
    app_stop(app);
}

START_TEST(test_counters)
{
    static const char *const attacks[ATTACKS_MAX] = {"scribble 255 0.1", "scribble random 0.2", "scribble 0"};
    check_counters(attacks, 1);
}
END_TEST

START_TEST(test_counters_alone)
{
    static const char *const attacks[ATTACKS_MAX] = {"scribble counters"};
    check_counters(attacks, 0);
}
END_TEST

Suite *
hostile_suite(void)
{
    Suite *s = suite_create("hostile");
    TCase *t = tcase_create("hostile");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, flow_begin, flow_end);
    tcase_add_test(t, test_scribbles);
    tcase_add_test(t, test_noise_in_the_pipe);
    tcase_add_test(t, test_wrong_frames);
    tcase_add_test(t, test_reaches_for_others);
    tcase_add_test(t, test_counters);
    tcase_add_test(t, test_counters_alone);
    suite_add_tcase(s, t);
    return s;
}
