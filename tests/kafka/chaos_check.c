/* chaos_check.c - accounts for every record of scripts/chaos.sh. Knows nothing of headrace's own figures.
 *
 *     chaos_check -b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW -k DEATHS [-l RECORDS]
 *                 [-s SENT_TOPIC] [-a ANEW] FILE
 *
 * With -l it was a calm run, in which nobody was killed: then attempts are exact, each backtrace is there,
 * and no lane was passed by for more than so many RECORDS of another one while it waited (chaos/waits.c).
 *
 * With -s the task sends one message for each record to that topic (chaos/sent.c); ANEW times a supervisor made its
 * producer anew, as the logs say.
 *
 * It reads the topic (what each record is), the dead letters, and the file in which the task and the script
 * wrote what they did, in the order in which it happened. Each promise is one line:
 *
 * - lost: a record that neither ended nor is a dead letter.
 * - order: in a partition a record may begin only as the one after the record that began last, if that one
 * ended since it began last, or is a dead letter; or as that same record again; or as an earlier one, which
 * is a repeat, after which the same holds from there on. Records passed over are dead letters. A record ends
 * only while no other one of its partition has begun since: two are never worked on at a time.
 * - repeated: a record that begins though it ended before. Its cause is where the partition went back: the
 *   death of a worker (to the record that began last, whose worker is another one of the same supervisor; with -s, up to
 *   64 finished records further in all the lanes of that worker, or what it did in its last 50 ms: their sends may have died
 *   with it), an
 *   upset of the supervisor that began the last one, a handover (to the one record that was still running at
 *   drain_timeout). Anything else is unexplained.
 * - upset: the script killed the supervisor; or its log says when it lost its assignment, or that it left
 *   without a confirmed commit, which is believed only while a broker was away or just after, or the group's coordinator had just moved. Each explains
 * one going back of a partition (lanes.c).
 * - window: after an upset a partition goes back at most WINDOW records.
 * - poison: each kind with its reason, attempts and bytes. Where a worker that was on the record was killed
 *   by the script, "crash: SIGKILL" is right too; where a supervisor was, "crash: the supervisor ended".
 * - duplicates: one dead letter more for each upset that lies between two beginnings of the partition, from
 *   the record where it goes on back to where it was; nothing else.
 * - sent: nothing is missing of what healthy records sent, nothing of any other record is there, and there are no more
 *   messages of a record than it ended, unless a producer was made anew.
 * - sent_order: what was read from one partition is in order in what was sent.
 * - flat: memory and descriptors of supervisors that lived a minute and more (chaos/lives.c). */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/chaos/lanes.h"
#include "tests/kafka/chaos/lines.h"
#include "tests/kafka/chaos/lives.h"
#include "tests/kafka/chaos/sent.h"
#include "tests/kafka/chaos/topics.h"
#include "tests/kafka/chaos/upsets.h"
#include "tests/kafka/chaos/verdict.h"
#include "tests/kafka/chaos/waits.h"
#include "tests/kafka/common/options.h"

#define PIDS LANES_PIDS
#define OUTBOX 64 /* records */

static const struct {
    const char *act, *reason; /* the reason begins with this */
    bool one_attempt, backtrace;
} kinds[N_KINDS] = {
    [WORK] = {"work", NULL, false, false},
    [SEGV] = {"segv", "crash: SIGSEGV", false, true},
    [ABORT] = {"abort", "crash: SIGABRT", false, true},
    [EXIT] = {"exit", "exit: 3", false, false},
    [LOOP] = {"loop", "deadline: 1.0s", false, true},
    [FAIL] = {"fail", "failed: poison", false, false},
    [REJECT] = {"reject", "rejected: poison", true, false},
    [RETURN] = {"return", "returned: 7", false, false},
    [HOG] = {"hog", "crash: SIGABRT", false, true},
    [DECODE] = {"decode", "decode: ", true, false},
};

static struct part parts[TOPICS_PARTITIONS];
static int n_parts;
static struct lanes lanes;
static struct sent sent;
static unsigned char killed[PIDS]; /* workers, by the script */
static long bad_lost, bad_poison, bad_healthy, bad_duplicates, bad_ends, bad_lines, bad_losses, bad_waits;
static long deaths, letters, by_worker_kill, by_upset, no_backtrace;
static long anew, kills[4], ticks, of_kind[N_KINDS], duplicates[UPSET_KINDS], waits_limit, longest;

/* ---- what Kafka has ---- */

static void
take_record(const rd_kafka_message_t *m)
{
    struct rec *r = &parts[m->partition].recs[m->offset];
    char value[200], act[20];
    snprintf(value, sizeof value, "%.*s", (int)m->len, (const char *)m->payload);
    r->hash = topics_hash(m);
    r->kind = DECODE;
    if (sscanf(value, "{\"sequence\": %*d, \"act\": \"%19[a-z]\"}", act) == 1)
        for (int k = 0; k < N_KINDS; k++)
            if (strcmp(kinds[k].act, act) == 0)
                r->kind = (enum kind)k;
    of_kind[r->kind]++;
}

static bool
reason_right(struct rec *r, const char *reason)
{
    if (strncmp(reason, kinds[r->kind].reason, strlen(kinds[r->kind].reason)) == 0)
        return true;
    bool kill = strcmp(reason, "crash: SIGKILL") == 0 && r->worker_killed;
    bool down = strcmp(reason, "crash: the supervisor ended") == 0 && r->upset;
    by_worker_kill += kill;
    by_upset += down;
    return kill || down;
}

static bool
attempts_right(const struct rec *r, long attempts)
{
    if (waits_limit > 0 && kinds[r->kind].one_attempt)
        return attempts == 1;
    return attempts == 3 || (kinds[r->kind].one_attempt && attempts >= 1 && attempts < 3);
}

static void
take_letter(const rd_kafka_message_t *m)
{
    char partition[20], offset[24], reason[300], attempts[20], backtrace[8];
    topics_header(m, "headrace.partition", partition, sizeof partition);
    topics_header(m, "headrace.offset", offset, sizeof offset);
    topics_header(m, "headrace.reason", reason, sizeof reason);
    topics_header(m, "headrace.attempts", attempts, sizeof attempts);
    topics_header(m, "headrace.backtrace", backtrace, sizeof backtrace);
    int p = atoi(partition);
    int64_t at = atoll(offset);
    if (partition[0] == '\0' || p < 0 || p >= n_parts || at < 0 || at >= parts[p].n) {
        wrong(&bad_poison, "a dead letter of no record: %s:%s", partition, offset);
        return;
    }
    struct rec *r = &parts[p].recs[at];
    letters++;
    r->letters++;
    if (r->kind == WORK)
        wrong(&bad_healthy, "a healthy record is a dead letter: %d:%" PRId64 ", %s", p, at, reason);
    else if (!reason_right(r, reason) || !attempts_right(r, atol(attempts)) || topics_hash(m) != r->hash)
        wrong(&bad_poison, "%s at %d:%" PRId64 " is a dead letter for \"%s\", %s attempts%s",
              kinds[r->kind].act, p, at, reason, attempts,
              topics_hash(m) != r->hash ? ", with other bytes" : "");
    no_backtrace +=
        kinds[r->kind].backtrace && strstr(reason, kinds[r->kind].reason) == reason && backtrace[0] == '\0';
}

/* ---- what was done ---- */

static void
note_event(const char *line)
{
    static const char *const whom[] = {"worker", "timer", "supervisor", "broker"};
    char who[20];
    int pid;
    upsets_take(line);
    lives_take(line);
    ticks += strcmp(line, "tick\n") == 0;
    if (sscanf(line, "kill %19s %d", who, &pid) != 2)
        return;
    for (int i = 0; i < 4; i++)
        kills[i] += strcmp(who, whom[i]) == 0;
    if (strcmp(who, "worker") == 0 && pid > 0 && pid < PIDS)
        killed[pid] = 1;
}

static bool
read_line(const char *text, struct line *l)
{
    if (text[0] != 'r')
        return false;
    if (lines_read(text, l) && l->partition < n_parts && l->offset < parts[l->partition].n &&
        l->sequence == l->offset && l->pid < PIDS)
        return true;
    wrong(&bad_lines, "not a line of the task, or of another record: %s", text);
    return false;
}

/* First look, before the letters are judged: what was killed under each record. */
static void
note_owner(const char *text)
{
    struct line l;
    if (!read_line(text, &l) || strcmp(l.what, "begin") != 0)
        return;
    struct rec *r = &parts[l.partition].recs[l.offset];
    r->worker_killed = r->worker_killed || killed[l.pid];
    r->upset = r->upset || upsets_of(l.owner, l.at, INT64_MAX, false);
}

static void
check_wait(const struct line *l)
{
    long passed = waits_line(l);
    longest = passed > longest ? passed : longest;
    if (waits_limit > 0 && passed > waits_limit)
        wrong(&bad_waits, "%d:%" PRId64 " waited while another lane ended %ld records", l->partition,
              l->offset, passed);
}

static void
check_line(const char *text)
{
    struct line l;
    if (!read_line(text, &l))
        return;
    check_wait(&l);
    lanes_line(&lanes, &parts[l.partition], &l);
}

static void
check_duplicates(const struct rec *r, int p, int64_t at)
{
    int more = r->letters - 1;
    for (int k = 0; k < UPSET_KINDS && more > 0; k++) {
        int explained = more < r->again[k] ? more : r->again[k];
        duplicates[k] += explained;
        more -= explained;
    }
    if (more > 0)
        wrong(&bad_duplicates,
              "%d dead letters of %s at %d:%" PRId64
              "; there may be one, and %d, %d, %d more for supervisors that "
              "were killed, that lost it, that could not commit",
              r->letters, kinds[r->kind].act, p, at, r->again[0], r->again[1], r->again[2]);
}

static void
check_records(void)
{
    for (int p = 0; p < n_parts; p++)
        for (int64_t at = 0; at < parts[p].n; at++) {
            const struct rec *r = &parts[p].recs[at];
            if (r->ends == 0 && r->letters == 0)
                wrong(&bad_lost, "lost: %s at %d:%" PRId64, kinds[r->kind].act, p, at);
            if (r->kind != WORK && r->letters == 0)
                wrong(&bad_poison, "no dead letter: %s at %d:%" PRId64, kinds[r->kind].act, p, at);
            check_duplicates(r, p, at);
        }
}

static void
check_ends(rd_kafka_t *rk, const char *topic)
{
    int64_t committed[TOPICS_PARTITIONS];
    topics_committed(rk, topic, n_parts, committed);
    for (int p = 0; p < n_parts; p++)
        if (committed[p] != parts[p].n)
            wrong(&bad_ends, "partition %d: committed %" PRId64 ", end %" PRId64, p, committed[p],
                  parts[p].n);
}

static void
take_sent(const rd_kafka_message_t *m)
{
    sent_message(&sent, m);
}

static void
report_sent(void)
{
    verdict(sent.missing + sent.strange + sent.of_failed + (anew > 0 ? 0 : sent.unended), "sent",
            "%ld messages, %ld of them repeats, %ld since a producer was made anew (%ld times)", sent.messages,
            sent.repeats, sent.unended, anew);
    verdict(sent.order, "sent_order", "in the lanes of what was sent, by what is seen for the first time");
}

static void
report_lives(void)
{
    struct lives_sum sum;
    lives_judge(&sum);
    if (sum.judged > 0)
        verdict(sum.wrong, "flat",
                "in quiet times %ld supervisors grew by at most %ld KB and %ld descriptors; in all times they took at "
                "most %ld KB, %ld descriptors",
                sum.judged, sum.kb_grown, sum.descriptors_grown, sum.kb_most, sum.descriptors_most);
}

static int
report(void)
{
    long n = 0;
    for (int k = 0; k < N_KINDS; k++)
        n += of_kind[k];
    verdict(bad_lost, "lost", "%ld records in %d partitions, %ld of them poison", n, n_parts,
            n - of_kind[WORK]);
    const long *by = lanes.repeats;
    verdict(lanes.order + bad_lines, "order", "%ld beginnings", lanes.begins);
    verdict(lanes.repeated, "repeated",
            "%ld by a worker's death, %ld by a supervisor's, %ld by a loss, %ld by a stop without a commit, "
            "%ld by a "
            "handover, %ld unexplained",
            by[BY_WORKER], by[BY_KILL], by[BY_LOSS], by[BY_UNCONFIRMED], by[BY_HANDOVER], by[UNEXPLAINED]);
    verdict(lanes.window, "window", "after a supervisor's death or a loss at most %ld back, of %ld",
            lanes.deepest, lanes.limit);
    verdict(bad_losses, "losses", "each while a broker was away, or just after, or with a coordinator that moved");
    verdict(lanes.goings_back > deaths * (lanes.outbox > 0 ? n_parts : 1), "deaths",
            "%ld workers died; lanes went back %ld times, over at most %ld finished records", deaths, lanes.goings_back,
            lanes.most_taken);
    verdict(bad_poison, "poison",
            "%ld dead letters; %ld for our own SIGKILL, %ld for the supervisor's end, %ld without backtrace",
            letters, by_worker_kill, by_upset, no_backtrace);
    if (waits_limit > 0) {
        verdict(no_backtrace, "backtraces", "dead letters for a signal or a deadline without one");
        verdict(bad_waits, "waited", "at most %ld records of one lane passed another that waited", longest);
    }
    verdict(bad_duplicates, "duplicates",
            "%ld by a supervisor's death, %ld by a loss, %ld by a stop without a commit",
            duplicates[UPSET_KILLED], duplicates[UPSET_LOST], duplicates[UPSET_UNCONFIRMED]);
    verdict(bad_healthy, "healthy", "dead letters of healthy records");
    if (sent.parts)
        report_sent();
    report_lives();
    verdict(bad_ends, "committed", "the group stands at the ends");
    verdict(ticks == 0, "timer", "%ld triggers", ticks);
    printf("      killed: %ld workers, %ld timers, %ld supervisors, %ld brokers\n", kills[0], kills[1],
           kills[2], kills[3]);
    return verdict_failed();
}

int
main(int argc, char **argv)
{
    const char *brokers = NULL, *topic = NULL, *dead = NULL, *group = NULL, *sent_topic = NULL;
    const struct tool_option table[] = {
        {'b', .text = &brokers, .needed = true},
        {'t', .text = &topic, .needed = true},
        {'d', .text = &dead, .needed = true},
        {'g', .text = &group, .needed = true},
        {'w', .number = &lanes.limit, .least = 1, .needed = true},
        {'k', .number = &deaths},
        {'l', .number = &waits_limit, .least = 1},
        {'s', .text = &sent_topic},
        {'a', .number = &anew},
        {0},
    };
    const char *file = *options_read(
        argc, argv, table, 1,
        "-b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW -k DEATHS [-l RECORDS] [-s SENT_TOPIC] [-a ANEW] "
        "FILE");
    lanes.taken = calloc(LANES_PIDS, sizeof *lanes.taken);
    lanes.outbox = sent_topic ? OUTBOX : 0;
    rd_kafka_t *rk = topics_open(brokers, group);
    int64_t ends[TOPICS_PARTITIONS];
    n_parts = topics_ends(rk, topic, ends);
    for (int p = 0; p < n_parts; p++)
        parts[p] =
            (struct part){.recs = calloc((size_t)ends[p] + 1, sizeof(struct rec)), .n = ends[p], .last = -1, .by_worker_until = -1};
    topics_read(rk, topic, take_record);
    lines_each(file, note_event);
    bad_losses = upsets_sort();
    lines_each(file, note_owner);
    topics_read(rk, dead, take_letter);
    lines_each(file, check_line);
    for (int p = 0; p < n_parts; p++)
        lanes_end(&parts[p]);
    check_records();
    if (sent_topic) {
        sent.parts = parts;
        sent.n_parts = n_parts;
        topics_read(rk, sent_topic, take_sent);
        sent_end(&sent);
    }
    check_ends(rk, topic);
    rd_kafka_destroy(rk);
    return report();
}
