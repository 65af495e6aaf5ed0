/* chaos_check.c - accounts for every record of scripts/chaos.sh. Knows nothing of headrace's own figures.
 *
 *     chaos_check -b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW -k DEATHS [-l RECORDS] FILE
 *
 * With -l it was a calm run, in which nobody was killed: then attempts are exact, each backtrace is there, and no
 * lane was passed by for more than so many RECORDS of another one while it waited (chaos/waits.c).
 *
 * It reads the topic (what each record is), the dead letters, and the file in which the task and the script wrote
 * what they did, in the order in which it happened. Each promise is one line:
 *
 * - lost: a record that neither ended nor is a dead letter.
 * - order: in a partition a record may begin only as the one after the record that began last, if that one ended
 *   since it began last, or is a dead letter; or as that same record again; or as an earlier one, which is a
 *   repeat, after which the same holds from there on. Records passed over are dead letters. A record ends only
 *   while no other one of its partition has begun since: two are never worked on at a time.
 * - repeated: a record that begins though it ended before. Its cause is where the partition went back: the death of
 *   a worker (to the record that began last, whose worker is another one of the same supervisor), a SIGKILL of the
 *   supervisor that began the last one, a loss (a broker was restarted, and the group went on without that
 *   supervisor, which said so), a handover (to the one record that was still running at drain_timeout). Anything
 *   else is unexplained.
 * - window: after the death of a supervisor, or a loss, a partition goes back at most WINDOW records.
 * - poison: each kind with its reason, attempts and bytes. Where a worker that was on the record was killed by the
 *   script, "crash: SIGKILL" is right too; where a supervisor was, "crash: the supervisor ended".
 * - duplicates: a second dead letter is right only where a supervisor that had begun the record was killed, or lost
 *   it. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kafka/chaos/lines.h"
#include "tests/kafka/chaos/topics.h"
#include "tests/kafka/chaos/verdict.h"
#include "tests/kafka/chaos/waits.h"
#include "tests/kafka/common/options.h"

#define PIDS (1 << 22)

enum kind { WORK, SEGV, ABORT, EXIT, LOOP, FAIL, REJECT, RETURN, HOG, DECODE, N_KINDS };

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

struct rec {
    enum kind kind;
    uint64_t hash; /* of key and value */
    int ends, letters, killed_owners, last_pid, last_owner;
};

enum cause { BY_WORKER, BY_SUPERVISOR, BY_LOSS, BY_HANDOVER, UNEXPLAINED, N_CAUSES };

struct part {
    struct rec *recs;
    int64_t n, last; /* last: the offset that began last, -1: none */
    int last_pid, last_owner;
    bool ended;       /* the last one ended since it began */
    enum cause cause; /* of the repeat that goes on */
};

static struct part parts[TOPICS_PARTITIONS];
static int n_parts;
enum { KILLED = 1, LOST = 2 };     /* by the script; a supervisor that lost its assignment */
static unsigned char killed[PIDS]; /* by pid */
static long bad_lost, bad_order, bad_poison, bad_healthy, bad_duplicates, bad_repeats, bad_window, bad_ends,
    bad_lines, bad_waits;
static long begins, repeats[N_CAUSES], deepest, deaths, letters, duplicates, by_kill, by_supervisor,
    no_backtrace;
static long kills[4], ticks, of_kind[N_KINDS], window_limit, waits_limit, longest;

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
    bool kill = strcmp(reason, "crash: SIGKILL") == 0 && r->last_pid > 0;
    bool down = strcmp(reason, "crash: the supervisor ended") == 0 && r->killed_owners > 0;
    by_kill += kill;
    by_supervisor += down;
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
    duplicates += r->letters++ > 0;
    if (r->kind == WORK)
        wrong(&bad_healthy, "a healthy record is a dead letter: %d:%" PRId64 ", %s", p, at, reason);
    else if (!reason_right(r, reason) || !attempts_right(r, atol(attempts)) || topics_hash(m) != r->hash)
        wrong(&bad_poison, "%s at %d:%" PRId64 " is a dead letter for \"%s\", %s attempts%s",
              kinds[r->kind].act, p, at, reason, attempts,
              topics_hash(m) != r->hash ? ", with other bytes" : "");
    no_backtrace +=
        kinds[r->kind].backtrace && strstr(reason, kinds[r->kind].reason) == reason && backtrace[0] == '\0';
}

/* ---- what was done, first look: owners and killers, before the letters are judged ---- */

static void
note_event(const char *line)
{
    static const char *const whom[] = {"worker", "timer", "supervisor", "broker"};
    char who[20];
    int pid;
    if (sscanf(line, "lost supervisor %d", &pid) == 1 && pid > 0 && pid < PIDS && killed[pid] == 0 &&
        kills[3] > 0)
        killed[pid] = LOST;
    ticks += strcmp(line, "tick\n") == 0;
    if (sscanf(line, "kill %19s %d", who, &pid) != 2)
        return;
    for (int i = 0; i < 4; i++)
        kills[i] += strcmp(who, whom[i]) == 0;
    if (pid > 0 && pid < PIDS)
        killed[pid] = KILLED;
}

static bool
read_line(const char *text, struct line *l)
{
    if (text[0] != 'r')
        return false;
    if (lines_read(text, l) && l->partition < n_parts && l->offset < parts[l->partition].n &&
        l->sequence == l->offset && l->owner < PIDS && l->pid < PIDS)
        return true;
    wrong(&bad_lines, "not a line of the task, or of another record: %s", text);
    return false;
}

/* Leaves in each record who killed its attempts: last_pid only where a killed worker began it. */
static void
note_owner(const char *text)
{
    struct line l;
    if (!read_line(text, &l) || strcmp(l.what, "begin") != 0)
        return;
    struct rec *r = &parts[l.partition].recs[l.offset];
    if (killed[l.pid] == KILLED)
        r->last_pid = l.pid;
    r->killed_owners += l.owner != r->last_owner && killed[l.owner];
    r->last_owner = l.owner;
}

/* ---- what was done, second look: order and repeats ---- */

static enum cause
cause_of(const struct part *p, const struct line *l)
{
    if (l->owner != p->last_owner && killed[p->last_owner])
        return killed[p->last_owner] == LOST ? BY_LOSS : BY_SUPERVISOR;
    if (l->offset != p->last || l->pid == p->last_pid)
        return UNEXPLAINED;
    return l->owner == p->last_owner ? BY_WORKER : BY_HANDOVER;
}

static void
check_next(const struct part *p, const struct line *l)
{
    bool may = p->last < 0 || p->ended || p->recs[p->last].letters > 0;
    for (int64_t at = p->last + 1; may && at < l->offset; at++)
        may = p->recs[at].letters > 0;
    if (!may)
        wrong(&bad_order,
              "%d:%" PRId64 " begins at pid %d, though %" PRId64 " (pid %d) or one between has not ended",
              l->partition, l->offset, l->pid, p->last, p->last_pid);
}

/* The lane goes back, at least to the record that ended just now: why? Where it goes back further than that,
 * what follows is repeated for the same cause. */
static enum cause
go_back(struct part *p, const struct line *l)
{
    enum cause cause = cause_of(p, l);
    int64_t back = p->last - l->offset + (p->ended ? 1 : 0);
    bool after_end = cause == BY_SUPERVISOR || cause == BY_LOSS;
    if (after_end && back > deepest)
        deepest = back;
    if (after_end && back > window_limit)
        wrong(&bad_window,
              "%d:%" PRId64 " is repeated after %" PRId64
              " had begun at supervisor %d, which was killed or lost it",
              l->partition, l->offset, p->last, p->last_owner);
    if (cause == UNEXPLAINED)
        wrong(&bad_repeats, "%d:%" PRId64 " is repeated by pid %d of %d, after %" PRId64 " by pid %d of %d",
              l->partition, l->offset, l->pid, l->owner, p->last, p->last_pid, p->last_owner);
    if (l->offset < p->last)
        p->cause = cause;
    return cause;
}

static void
check_begin(struct part *p, const struct line *l)
{
    struct rec *r = &p->recs[l->offset];
    enum cause cause = p->cause;
    begins++;
    if (l->offset > p->last)
        check_next(p, l);
    else if (l->offset < p->last || p->ended)
        cause = go_back(p, l);
    repeats[cause] += r->ends > 0;
    p->last = l->offset;
    p->last_pid = l->pid;
    p->last_owner = l->owner;
    p->ended = false;
}

static void
check_wait(const struct line *l)
{
    long passed = waits_line(l);
    longest = passed > longest ? passed : longest;
    if (waits_limit > 0 && passed > waits_limit)
        wrong(&bad_waits, "%d:%" PRId64 " waited while another lane ended %ld records", l->partition, l->offset,
              passed);
}

static void
check_line(const char *text)
{
    struct line l;
    if (!read_line(text, &l))
        return;
    check_wait(&l);
    struct part *p = &parts[l.partition];
    if (strcmp(l.what, "begin") == 0) {
        check_begin(p, &l);
        return;
    }
    if (l.offset != p->last || l.pid != p->last_pid)
        wrong(&bad_order, "%d:%" PRId64 " ends at pid %d of %d, when %" PRId64 " has begun at pid %d of %d",
              l.partition, l.offset, l.pid, l.owner, p->last, p->last_pid, p->last_owner);
    else
        p->ended = true;
    p->recs[l.offset].ends++;
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
            if (r->letters > 1 + (r->kind == DECODE ? kills[2] : r->killed_owners))
                wrong(&bad_duplicates,
                      "%d dead letters of %s at %d:%" PRId64 ", %d of its supervisors were killed",
                      r->letters, kinds[r->kind].act, p, at, r->killed_owners);
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

static int
report(void)
{
    long n = 0;
    for (int k = 0; k < N_KINDS; k++)
        n += of_kind[k];
    verdict(bad_lost, "lost", "%ld records in %d partitions, %ld of them poison", n, n_parts,
            n - of_kind[WORK]);
    verdict(bad_order + bad_lines, "order", "%ld beginnings", begins);
    verdict(
        bad_repeats, "repeated",
        "%ld by a worker's death, %ld by a supervisor's, %ld by a loss, %ld by a handover, %ld unexplained",
        repeats[BY_WORKER], repeats[BY_SUPERVISOR], repeats[BY_LOSS], repeats[BY_HANDOVER],
        repeats[UNEXPLAINED]);
    verdict(bad_window, "window", "after a supervisor's death or a loss at most %ld back, of %ld", deepest,
            window_limit);
    verdict(repeats[BY_WORKER] > deaths, "deaths", "%ld workers died", deaths);
    verdict(bad_poison, "poison",
            "%ld dead letters; %ld for our own SIGKILL, %ld for the supervisor's end, %ld without backtrace",
            letters, by_kill, by_supervisor, no_backtrace);
    if (waits_limit > 0) {
        verdict(no_backtrace, "backtraces", "dead letters for a signal or a deadline without one");
        verdict(bad_waits, "waited", "at most %ld records of one lane passed another that waited", longest);
    }
    verdict(bad_duplicates, "duplicates", "%ld more than once", duplicates);
    verdict(bad_healthy, "healthy", "dead letters of healthy records");
    verdict(bad_ends, "committed", "the group stands at the ends");
    verdict(ticks == 0, "timer", "%ld triggers", ticks);
    printf("      killed: %ld workers, %ld timers, %ld supervisors, %ld brokers\n", kills[0], kills[1],
           kills[2], kills[3]);
    return verdict_failed();
}

int
main(int argc, char **argv)
{
    const char *brokers = NULL, *topic = NULL, *dead = NULL, *group = NULL;
    const struct tool_option table[] = {
        {'b', .text = &brokers, .needed = true},
        {'t', .text = &topic, .needed = true},
        {'d', .text = &dead, .needed = true},
        {'g', .text = &group, .needed = true},
        {'w', .number = &window_limit, .least = 1, .needed = true},
        {'k', .number = &deaths},
        {'l', .number = &waits_limit, .least = 1},
        {0},
    };
    const char *file = *options_read(
        argc, argv, table, 1,
        "-b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW -k DEATHS [-l RECORDS] FILE");
    rd_kafka_t *rk = topics_open(brokers, group);
    int64_t ends[TOPICS_PARTITIONS];
    n_parts = topics_ends(rk, topic, ends);
    for (int p = 0; p < n_parts; p++)
        parts[p] =
            (struct part){.recs = calloc((size_t)ends[p] + 1, sizeof(struct rec)), .n = ends[p], .last = -1};
    topics_read(rk, topic, take_record);
    lines_each(file, note_event);
    lines_each(file, note_owner);
    topics_read(rk, dead, take_letter);
    lines_each(file, check_line);
    check_records();
    check_ends(rk, topic);
    rd_kafka_destroy(rk);
    return report();
}
