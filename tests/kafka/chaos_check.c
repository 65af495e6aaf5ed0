/* chaos_check.c - accounts for every record of scripts/chaos.sh. Knows nothing of headrace's own figures.
 *
 *   chaos_check -b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW FILE
 *
 * It reads three things: the topic (what each record is), the dead letters, and the file in which the task and the
 * script wrote what they did, in the order in which it happened: "r PARTITION OFFSET PID SUPERVISOR begin|end ATTEMPT
 * SEQUENCE", "kill worker|timer|supervisor|broker PID", "start|term supervisor PID", "tick". Each promise is one line.
 *
 *   lost        a record that was neither finished nor dead-lettered
 *   order       In a partition a record may begin only (a) as the one after the record that began last, if that one
 *               ended since it began last, or is a dead letter, (b) as that same record again, or (c) as an earlier
 *               one: a repeat, after which the same holds from there on. Records passed over are dead letters. A record
 *               ends only while no other one of its partition has begun since: two are never worked on at a time.
 *   repeated    A record that begins though it has ended before. Explained by a worker's death (it is the record that
 *               began last, its worker is another one under the same supervisor), by a SIGKILL of the supervisor
 *               that began the last one, by a loss (a broker restarted, and the group went on without the supervisor
 *               that began the last one: "lost supervisor PID"), by a handover (the one record that began last, which was still running
 *               at drain_timeout). Anything else is unexplained.
 *   window      After the death of a supervisor, or a loss, a partition goes back at most WINDOW records.
 *   poison      each kind with its reason and attempts. Where the last attempt was ended by a SIGKILL of the script,
 *               "crash: SIGKILL" is right; where a supervisor was killed meanwhile, "crash: the supervisor ended" is.
 *   duplicates  more than one dead letter for a record: right only where a supervisor that had begun it was killed, or lost it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 30000
#define SHOWN 8 /* wrong things of each sort; the rest is counted */
#define PIDS (1 << 22)
#define PARTITIONS 64

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

struct part {
    struct rec *recs;
    int64_t n, last; /* last: the offset that began last, -1: none */
    int last_pid, last_owner;
    bool ended; /* the last one ended since it began */
    enum cause { BY_WORKER, BY_SUPERVISOR, BY_LOSS, BY_HANDOVER, UNEXPLAINED, N_CAUSES } cause; /* of the repeat that goes on */
};

static struct part parts[PARTITIONS];
static int n_parts;
static unsigned char killed[PIDS]; /* by pid: KILLED by the script, or a supervisor that LOST its assignment */
enum { KILLED = 1, LOST = 2 };
static long bad_lost, bad_order, bad_poison, bad_healthy, bad_duplicates, bad_repeats, bad_window, bad_ends, bad_lines;
static long begins, repeats[N_CAUSES], deepest, deaths, letters, duplicates, by_kill, by_supervisor, no_backtrace;
static long kills[4], ticks, of_kind[N_KINDS];
static long window_limit;
static const char *brokers;

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "chaos_check: %s: %s\n", what, why);
    exit(1);
}

static void __attribute__((format(printf, 2, 3)))
wrong(long *count, const char *format, ...)
{
    va_list args;
    if ((*count)++ >= SHOWN)
        return;
    va_start(args, format);
    printf("      ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* ---- what Kafka has ---- */

static rd_kafka_t *
open_reader(const char *group)
{
    char error[256];
    const char *pairs[][2] = {{"bootstrap.servers", brokers}, {"group.id", group}, {"enable.auto.commit", "false"},
                              {"log_level", "3"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], error, sizeof error) != RD_KAFKA_CONF_OK)
            die(pairs[i][0], error);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk)
        die("consumer", error);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static int
partitions_of(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, handle, &metadata, WAIT_MS);
    if (error || metadata->topic_cnt != 1 || metadata->topics[0].err || metadata->topics[0].partition_cnt > PARTITIONS)
        die(topic, error ? rd_kafka_err2str(error) : "no such topic, or too many partitions");
    int n = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return n;
}

/* Gives every message of the topic to `take`. `sizes`, where given, gets the end of each partition. */
static void
read_topic(rd_kafka_t *rk, const char *topic, void (*take)(const rd_kafka_message_t *), struct part *sizes)
{
    int n = partitions_of(rk, topic);
    int64_t left = 0, low, high;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int p = 0; p < n; p++) {
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(rk, topic, p, &low, &high, WAIT_MS);
        if (error)
            die(topic, rd_kafka_err2str(error));
        left += high - low;
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
        if (!sizes)
            continue;
        sizes[p] = (struct part){.recs = calloc((size_t)high + 1, sizeof(struct rec)), .n = high, .last = -1};
        n_parts = n;
    }
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (left > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
        if (!m || m->err)
            die(topic, m ? rd_kafka_message_errstr(m) : "it cannot be read to its end");
        take(m);
        left--;
        rd_kafka_message_destroy(m);
    }
}

static uint64_t
hash(const rd_kafka_message_t *m)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < m->key_len; i++)
        h = (h ^ ((const unsigned char *)m->key)[i]) * 1099511628211u;
    for (size_t i = 0; i < m->len; i++)
        h = (h ^ ((const unsigned char *)m->payload)[i]) * 1099511628211u;
    return h;
}

static void
take_record(const rd_kafka_message_t *m)
{
    struct rec *r = &parts[m->partition].recs[m->offset];
    char value[200], act[20];
    snprintf(value, sizeof value, "%.*s", (int)m->len, (const char *)m->payload);
    r->hash = hash(m);
    r->kind = DECODE;
    if (sscanf(value, "{\"sequence\": %*d, \"act\": \"%19[a-z]\"}", act) == 1)
        for (int k = 0; k < N_KINDS; k++)
            if (strcmp(kinds[k].act, act) == 0)
                r->kind = (enum kind)k;
    of_kind[r->kind]++;
}

static void
header(const rd_kafka_message_t *m, const char *name, char *out, size_t size)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    out[0] = '\0';
    if (!rd_kafka_message_headers(m, &headers) && !rd_kafka_header_get_last(headers, name, &value, &length))
        snprintf(out, size, "%.*s", (int)length, (const char *)value);
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
    return attempts == 3 || (kinds[r->kind].one_attempt && attempts >= 1 && attempts < 3);
}

static void
take_letter(const rd_kafka_message_t *m)
{
    char partition[20], offset[24], reason[300], attempts[20], backtrace[8];
    header(m, "headrace.partition", partition, sizeof partition);
    header(m, "headrace.offset", offset, sizeof offset);
    header(m, "headrace.reason", reason, sizeof reason);
    header(m, "headrace.attempts", attempts, sizeof attempts);
    header(m, "headrace.backtrace", backtrace, sizeof backtrace);
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
    else if (!reason_right(r, reason) || !attempts_right(r, atol(attempts)) || hash(m) != r->hash)
        wrong(&bad_poison, "%s at %d:%" PRId64 " is a dead letter for \"%s\", %s attempts%s", kinds[r->kind].act, p, at,
              reason, attempts, hash(m) != r->hash ? ", with other bytes" : "");
    no_backtrace += kinds[r->kind].backtrace && strstr(reason, kinds[r->kind].reason) == reason && backtrace[0] == '\0';
}

/* ---- what was done, first look: owners and killers, before the letters are judged ---- */

static void
note_event(const char *line)
{
    static const char *const whom[] = {"worker", "timer", "supervisor", "broker"};
    char who[20];
    int pid;
    if (sscanf(line, "lost supervisor %d", &pid) == 1 && pid > 0 && pid < PIDS && killed[pid] == 0 && kills[3] > 0)
        killed[pid] = LOST;
    ticks += strcmp(line, "tick\n") == 0;
    if (sscanf(line, "kill %19s %d", who, &pid) != 2)
        return;
    for (int i = 0; i < 4; i++)
        kills[i] += strcmp(who, whom[i]) == 0;
    if (pid > 0 && pid < PIDS)
        killed[pid] = KILLED;
}

static void
each_line(const char *name, void (*take)(const char *))
{
    FILE *file = fopen(name, "r");
    char *line = NULL;
    size_t size = 0;
    if (!file)
        die(name, strerror(errno));
    while (getline(&line, &size, file) > 0)
        take(line);
    free(line);
    fclose(file);
}

struct line {
    int partition, pid, owner, attempt;
    int64_t offset, sequence;
    char what[8];
};

static bool
read_line(const char *text, struct line *l)
{
    if (text[0] != 'r')
        return false;
    if (sscanf(text, "r %d %" SCNd64 " %d %d %7s %d %" SCNd64, &l->partition, &l->offset, &l->pid, &l->owner, l->what,
               &l->attempt, &l->sequence) == 7 &&
        l->partition >= 0 && l->partition < n_parts && l->offset >= 0 && l->offset < parts[l->partition].n &&
        l->sequence == l->offset && l->owner > 0 && l->owner < PIDS && l->pid > 0 && l->pid < PIDS)
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
        wrong(&bad_order, "%d:%" PRId64 " begins at pid %d, though %" PRId64 " (pid %d) or one between has not ended",
              l->partition, l->offset, l->pid, p->last, p->last_pid);
}

/* The lane goes back, at least to the record that ended just now: why? Where it goes back further than that, what
 * follows is repeated for the same cause. */
static enum cause
go_back(struct part *p, const struct line *l)
{
    enum cause cause = cause_of(p, l);
    int64_t back = p->last - l->offset + (p->ended ? 1 : 0);
    bool after_end = cause == BY_SUPERVISOR || cause == BY_LOSS;
    if (after_end && back > deepest)
        deepest = back;
    if (after_end && back > window_limit)
        wrong(&bad_window, "%d:%" PRId64 " is repeated after %" PRId64 " had begun at supervisor %d, which was killed or lost it",
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
check_line(const char *text)
{
    struct line l;
    if (!read_line(text, &l))
        return;
    struct part *p = &parts[l.partition];
    if (strcmp(l.what, "begin") == 0) {
        check_begin(p, &l);
        return;
    }
    if (l.offset != p->last || l.pid != p->last_pid)
        wrong(&bad_order, "%d:%" PRId64 " ends at pid %d of %d, when %" PRId64 " has begun at pid %d of %d", l.partition,
              l.offset, l.pid, l.owner, p->last, p->last_pid, p->last_owner);
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
                wrong(&bad_duplicates, "%d dead letters of %s at %d:%" PRId64 ", %d of its supervisors were killed",
                      r->letters, kinds[r->kind].act, p, at, r->killed_owners);
        }
}

static void
check_ends(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_parts);
    for (int p = 0; p < n_parts; p++)
        rd_kafka_topic_partition_list_add(list, topic, p);
    rd_kafka_resp_err_t error = rd_kafka_committed(rk, list, WAIT_MS);
    if (error)
        die("committed offsets", rd_kafka_err2str(error));
    for (int p = 0; p < n_parts; p++)
        if (list->elems[p].offset != parts[p].n)
            wrong(&bad_ends, "partition %d: committed %" PRId64 ", end %" PRId64, p, list->elems[p].offset, parts[p].n);
    rd_kafka_topic_partition_list_destroy(list);
}

static void
verdict(long bad, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%-5s %-12s %ld wrong; ", bad == 0 ? "ok" : "FAIL", name, bad);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static int
report(void)
{
    long n = 0, poison = 0;
    for (int k = 0; k < N_KINDS; k++)
        n += of_kind[k], poison += k == WORK ? 0 : of_kind[k];
    verdict(bad_lost, "lost", "%ld records in %d partitions, %ld of them poison", n, n_parts, poison);
    verdict(bad_order + bad_lines, "order", "%ld beginnings", begins);
    verdict(bad_repeats, "repeated",
            "%ld by the death of a worker, %ld of a supervisor, %ld by a loss, %ld by a handover, %ld unexplained",
            repeats[BY_WORKER], repeats[BY_SUPERVISOR], repeats[BY_LOSS], repeats[BY_HANDOVER], repeats[UNEXPLAINED]);
    verdict(bad_window, "window", "after a supervisor's death or a loss at most %ld back, of %ld", deepest, window_limit);
    verdict(repeats[BY_WORKER] > deaths, "deaths", "%ld workers died, %ld repeats by that", deaths, repeats[BY_WORKER]);
    verdict(bad_poison, "poison", "%ld dead letters; %ld for our own SIGKILL, %ld for the supervisor's end, %ld without backtrace",
            letters, by_kill, by_supervisor, no_backtrace);
    verdict(bad_duplicates, "duplicates", "%ld dead letters more than once", duplicates);
    verdict(bad_healthy, "healthy", "dead letters of healthy records");
    verdict(bad_ends, "committed", "the group stands at the ends");
    verdict(ticks == 0, "timer", "%ld triggers", ticks);
    printf("      killed: %ld workers, %ld timers, %ld supervisors, %ld brokers\n", kills[0], kills[1], kills[2], kills[3]);
    return (bad_lost | bad_order | bad_lines | bad_repeats | bad_window | bad_poison | bad_duplicates | bad_healthy | bad_ends) != 0;
}

int
main(int argc, char **argv)
{
    const char *topic = NULL, *dead = NULL, *group = NULL;
    for (int option; (option = getopt(argc, argv, "b:t:d:g:w:k:")) != -1;)
        switch (option) {
        case 'b': brokers = optarg; break;
        case 't': topic = optarg; break;
        case 'd': dead = optarg; break;
        case 'g': group = optarg; break;
        case 'w': window_limit = atol(optarg); break;
        case 'k': deaths = atol(optarg); break;
        default: return 64;
        }
    if (!brokers || !topic || !dead || !group || window_limit < 1 || optind != argc - 1) {
        fprintf(stderr, "usage: chaos_check -b ADDRESS -t TOPIC -d DEAD_LETTER_TOPIC -g GROUP -w WINDOW -k DEATHS FILE\n");
        return 64;
    }
    rd_kafka_t *rk = open_reader(group);
    read_topic(rk, topic, take_record, parts);
    each_line(argv[optind], note_event);
    each_line(argv[optind], note_owner);
    read_topic(rk, dead, take_letter, NULL);
    each_line(argv[optind], check_line);
    check_records();
    check_ends(rk, topic);
    rd_kafka_destroy(rk);
    return report();
}
