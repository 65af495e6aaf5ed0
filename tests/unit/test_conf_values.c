/* test_conf_values.c - durations, sizes, nearest names, and the CPUs that cgroups leave. */
#include <check.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/option.h"
#include "shared/mem.h"

START_TEST(test_durations)
{
    static const struct {
        const char *text;
        mono_ns ns;
    } good[] = {
        {"0s", 0},
        {"250ms", 250 * NS_PER_MS},
        {"30s", 30 * NS_PER_S},
        {"5m", 300 * NS_PER_S},
        {"24h", 86400 * NS_PER_S},
        {"2d", 2 * 86400 * NS_PER_S},
        {"1.5s", 1500 * NS_PER_MS},
        {"0.000000001s", 1},
        {"0.1m", 6 * NS_PER_S},
        {"0.0000001ms", 0},
        {"9223372036s", 9223372036 * NS_PER_S},
        {"007s", 7 * NS_PER_S},
    };
    static const char *const bad[] = {
        "",     "s",    "5",       "-1s",           "+1s",         " 1s",
        "1 s",  "1s ",  "1S",      "1.s",           ".5s",         "1e3s",
        "0x1s", "1s1s", "1.5.5s",  "1.0000000001s", "9223372037s", "99999999999999999999s",
        "292y", "1us",  "106752d", "1,5s"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        mono_ns ns = -1;
        ck_assert_msg(conf_parse_duration(good[i].text, &ns), "%s", good[i].text);
        ck_assert_msg(ns == good[i].ns, "%s: %" PRId64, good[i].text, ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mono_ns ns;
        ck_assert_msg(!conf_parse_duration(bad[i], &ns), "taken: \"%s\"", bad[i]);
    }
}
END_TEST

START_TEST(test_sizes)
{
    static const char *const bad[] = {
        "", "KB", "-1", "1.5MB", "1 MB", "1mb", "1K", "1B", "9223372036854775808", "8388608TB", "0x10"};
    int64_t n;
    ck_assert(conf_parse_size("4096", &n));
    ck_assert_int_eq(n, 4096);
    ck_assert(conf_parse_size("512KB", &n));
    ck_assert_int_eq(n, 512 << 10);
    ck_assert(conf_parse_size("32MB", &n));
    ck_assert_int_eq(n, 32 << 20);
    ck_assert(conf_parse_size("3GB", &n));
    ck_assert_int_eq(n, 3LL << 30);
    ck_assert(conf_parse_size("8388607TB", &n));
    ck_assert_int_eq(n, 8388607LL << 40);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!conf_parse_size(bad[i], &n), "taken: \"%s\"", bad[i]);
}
END_TEST

static int64_t
random_amount(void)
{
    int64_t n = ((int64_t)(random() & 0x3fffffff) << 30) ^ random();
    static const int64_t round_ones[] = {1, 1000, NS_PER_MS, NS_PER_S, 60 * NS_PER_S, 1 << 10, 1 << 20};
    int64_t one = round_ones[random() % 7];
    return n % (1LL << (random() % 60 + 1)) / one * one;
}

/* What is shown is read as the same value again. */
START_TEST(test_shown_is_read_back)
{
    long seed = getenv("SEED") ? atol(getenv("SEED")) : (long)time(NULL);
    printf("conf_values: SEED=%ld\n", seed);
    srandom((unsigned)seed);
    for (int i = 0; i < 20000; i++) {
        int64_t n = random_amount(), back = -1;
        char *text = conf_show_duration(n);
        ck_assert_msg(conf_parse_duration(text, &back) && back == n, "%" PRId64 " as %s is %" PRId64, n, text,
                      back);
        free(text);
        text = conf_show_size(n);
        ck_assert_msg(conf_parse_size(text, &back) && back == n, "%" PRId64 " as %s is %" PRId64, n, text,
                      back);
        free(text);
    }
}
END_TEST

START_TEST(test_shown_shortest)
{
    static const struct {
        mono_ns ns;
        const char *text;
    } shown[] = {{0, "0s"},
                 {NS_PER_S, "1s"},
                 {90 * NS_PER_S, "90s"},
                 {60 * NS_PER_S, "1m"},
                 {86400 * NS_PER_S, "1d"},
                 {1500 * NS_PER_MS, "1500ms"},
                 {1500000, "1.5ms"},
                 {1, "0.000001ms"}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        char *text = conf_show_duration(shown[i].ns);
        ck_assert_str_eq(text, shown[i].text);
        free(text);
    }
    char *size = conf_show_size(0);
    ck_assert_str_eq(size, "0");
    free(size);
    size = conf_show_size(1025);
    ck_assert_str_eq(size, "1025");
    free(size);
}
END_TEST

START_TEST(test_nearest)
{
    static const char *const known[] = {"concurrency", "order", "window", "window_bytes",
                                        "topic",       "max",   "stats"};
    static const struct {
        const char *given, *nearest;
    } tries[] = {
        {"concurency", "concurrency"},
        {"Concurrency", "concurrency"},
        {"workers", NULL},
        {"odrer", "order"},
        {"windw", "window"},
        {"windowbytes", "window_bytes"},
        {"mx", "max"},
        {"x", NULL},
        {"", NULL},
        {"topics", "topic"},
        {"deadline", NULL},
        {"status", "stats"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        const char *near = conf_nearest(tries[i].given, known, sizeof known / sizeof known[0]);
        if (tries[i].nearest)
            ck_assert_pstr_eq(near, tries[i].nearest);
        else
            ck_assert_msg(!near, "%s is near %s", tries[i].given, near);
    }
    char *longest = mem_alloc(100000);
    memset(longest, 'a', 99999);
    ck_assert_ptr_null(conf_nearest(longest, known, 7));
    const char *long_known[] = {longest, "abc"};
    ck_assert_str_eq(conf_nearest("abd", long_known, 2), "abc");
    free(longest);
    ck_assert_ptr_null(conf_nearest("abc", NULL, 0));
}
END_TEST

/* ---- cgroups: a folder that looks like /sys/fs/cgroup
 * --------------------------------------------------------- */

static char mount[64];

static void
make_mount(void)
{
    strcpy(mount, "/tmp/headrace-cgroup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(mount));
}

static void
remove_mount(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", mount);
    ck_assert_int_eq(system(command), 0);
}

static void
put_file(const char *path, const char *text)
{
    char *full = mem_printf("%s/%s", mount, path);
    for (char *p = full + strlen(mount) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        mkdir(full, 0700);
    }
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    free(full);
}

static int64_t
quota(void)
{
    char *cgroups = mem_printf("%s/cgroup", mount);
    int64_t n = cpus_quota(cgroups, mount);
    free(cgroups);
    return n;
}

START_TEST(test_quota_of_version_2)
{
    ck_assert_int_eq(quota(), 0); /* no file at all */
    put_file("cgroup", "0::/a/b\n");
    ck_assert_int_eq(quota(), 0);
    put_file("a/b/cpu.max", "max 100000\n");
    ck_assert_int_eq(quota(), 0);
    put_file("a/b/cpu.max", "400000 100000\n");
    ck_assert_int_eq(quota(), 4);
    put_file("a/cpu.max", "150000 100000\n"); /* a level above is tighter; one and a half are two */
    ck_assert_int_eq(quota(), 2);
    put_file("cpu.max", "1000 100000\n");
    ck_assert_int_eq(quota(), 1);
    put_file("cpu.max", "nonsense");
    ck_assert_int_eq(quota(), 2);
}
END_TEST

START_TEST(test_quota_of_version_1)
{
    put_file("cgroup", "3:cpuset:/x\n2:cpu,cpuacct:/docker/1\n1:cpuacct:/y\n0::/\n");
    ck_assert_int_eq(quota(), 0);
    put_file("cpu,cpuacct/docker/1/cpu.cfs_quota_us", "-1\n");
    put_file("cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(quota(), 0);
    put_file("cpu,cpuacct/docker/1/cpu.cfs_quota_us", "300000\n");
    ck_assert_int_eq(quota(), 3);
    put_file("cpu,cpuacct/cpu.cfs_quota_us", "200000\n"); /* inside of a container the path is not there */
    put_file("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(quota(), 2);
    put_file("cgroup", "2:cpuset:/x\nrubbish\n\n:::\n");
    ck_assert_int_eq(quota(), 0);
}
END_TEST

START_TEST(test_usable_cpus)
{
    cpu_set_t before, one;
    int64_t cpus = conf_usable_cpus();
    ck_assert_int_ge(cpus, 1);
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_int_le(cpus, CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(conf_usable_cpus(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

/* brokers_good and brokers_bad: what conf_brokers_check says of a list. */
static void
brokers_good(const char *list)
{
    char *why = conf_brokers_check(list);
    ck_assert_msg(!why, "%s: %s", list, why);
}

static void
brokers_bad(const char *list, const char *expected)
{
    char *why = conf_brokers_check(list);
    ck_assert_msg(why != NULL, "taken: \"%s\"", list);
    ck_assert_str_eq(why, expected);
    free(why);
}

START_TEST(test_brokers)
{
    static const char *const good[] = {
        "localhost",         "localhost:9092", "h1:1,h2:65535", "h1:1, h2:2 ,",
        "10.0.0.1:9092",     "[::1]:9092",     "[::1]",         "::1",
        "SASL_SSL://h:9093", "ssl://h",        "h:00009092",    "a.b-c_d:9092,,e"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        brokers_good(good[i]);
    const char *none = "names no broker; give HOST:PORT, several separated by commas, such as localhost:9092";
    brokers_bad("", none);
    brokers_bad(" ", none);
    brokers_bad(",, ,", none);
    brokers_bad("h:0", "\"h:0\" has no port from 1 to 65535");
    brokers_bad("a:1,h:65536,b:x", "\"h:65536\" has no port from 1 to 65535");
    brokers_bad("h:99999999999999999999", "\"h:99999999999999999999\" has no port from 1 to 65535");
    brokers_bad("h:", "\"h:\" has no port from 1 to 65535");
    brokers_bad("h:-1", "\"h:-1\" has no port from 1 to 65535");
    brokers_bad("h:9092x", "\"h:9092x\" has no port from 1 to 65535");
    brokers_bad("[::1]:0", "\"[::1]:0\" has no port from 1 to 65535");
    brokers_bad(":9092", "\":9092\" names no host");
    brokers_bad("SSL://", "\"SSL://\" names no host");
    brokers_bad("SSL://:9093", "\"SSL://:9093\" names no host");
    brokers_bad("9092", "\"9092\" is a port without its host");
    brokers_bad("h1:1 h2:2", "\"h1:1 h2:2\" holds a space; addresses are separated by commas");
    brokers_bad("a:1,http://h:80",
                "\"http://h:80\" must begin with the host, or with one of PLAINTEXT://, SSL://, "
                "SASL_PLAINTEXT://, SASL_SSL://");
}
END_TEST

Suite *
conf_values_suite(void)
{
    Suite *s = suite_create("conf_values");
    TCase *values = tcase_create("values");
    tcase_add_test(values, test_durations);
    tcase_add_test(values, test_sizes);
    tcase_add_test(values, test_shown_is_read_back);
    tcase_add_test(values, test_shown_shortest);
    tcase_add_test(values, test_nearest);
    tcase_add_test(values, test_brokers);
    suite_add_tcase(s, values);
    TCase *cpus = tcase_create("cpus");
    tcase_add_checked_fixture(cpus, make_mount, remove_mount);
    tcase_add_test(cpus, test_quota_of_version_2);
    tcase_add_test(cpus, test_quota_of_version_1);
    tcase_add_test(cpus, test_usable_cpus);
    suite_add_tcase(s, cpus);
    return s;
}
