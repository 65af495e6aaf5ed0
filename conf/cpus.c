/* cpus.c - how many CPUs this process may use.
 *
 * The affinity mask says which CPUs; the quota of a cgroup says how much time of them: a container limited to
 * two CPUs on a machine of 64 sees all 64 in its mask. Both versions of cgroups are read, and every level up
 * to the root, since each may limit. */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "shared/mem.h"

#define MOST_CPUS (1 << 20)

static int64_t
affinity(void)
{
    for (int n = 1024; n <= MOST_CPUS; n *= 2) {
        cpu_set_t *set = CPU_ALLOC(n);
        int got = set ? sched_getaffinity(0, CPU_ALLOC_SIZE(n), set) : -1;
        int64_t count = got == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE(n), set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

static int64_t
rounded_up(int64_t quota, int64_t period)
{
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

/* read_numbers reads up to two numbers from a file; "max" and what is missing are 0. */
static void
read_numbers(const char *folder, const char *file, int64_t *a, int64_t *b)
{
    char *path = mem_printf("%s/%s", folder, file);
    FILE *f = fopen(path, "re");
    *a = *b = 0;
    if (f && fscanf(f, "%" SCNd64 " %" SCNd64, a, b) < 1)
        *a = 0;
    if (f)
        fclose(f);
    free(path);
}

/* folder_quota reads the limit of one cgroup: cpu.max (version 2), or the two files of version 1. */
static int64_t
folder_quota(const char *folder)
{
    int64_t quota, period, none;
    read_numbers(folder, "cpu.max", &quota, &period);
    if (quota > 0)
        return rounded_up(quota, period);
    read_numbers(folder, "cpu.cfs_quota_us", &quota, &none);
    read_numbers(folder, "cpu.cfs_period_us", &period, &none);
    return rounded_up(quota, period);
}

static int64_t
tighter(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* tree_quota reads the limits from the cgroup at `path` up to the mount. */
static int64_t
tree_quota(const char *mount, const char *path)
{
    char *folder = mem_printf("%s%s", mount, path);
    int64_t least = 0;
    while (strlen(folder) >= strlen(mount)) {
        least = tighter(least, folder_quota(folder));
        char *slash = strrchr(folder, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    free(folder);
    return least;
}

static bool
has_cpu(const char *controllers)
{
    size_t n;
    for (const char *p = controllers; *p; p += n + (p[n] == ',')) {
        n = strcspn(p, ",");
        if (n == 3 && memcmp(p, "cpu", 3) == 0)
            return true;
    }
    return false;
}

/* line_quota reads one line of /proc/self/cgroup, "number:controllers:path". */
static int64_t
line_quota(char *line, const char *mount)
{
    strsep(&line, ":");
    char *controllers = strsep(&line, ":"), *path = strsep(&line, "\n");
    if (!controllers || !path || (*controllers && !has_cpu(controllers)))
        return 0;
    if (!*controllers) /* version 2; where both are mounted it is below `unified`, without a cpu controller */
        return tree_quota(mount, path);
    char *top = mem_printf("%s/%s", mount, controllers);
    int64_t quota = tighter(tree_quota(top, path), folder_quota(top));
    free(top);
    return quota;
}

int64_t
cpus_quota(const char *cgroups, const char *mount)
{
    FILE *f = fopen(cgroups, "re");
    char *line = NULL;
    size_t size = 0;
    int64_t least = 0;
    while (f && getline(&line, &size, f) > 0)
        least = tighter(least, line_quota(line, mount));
    free(line);
    if (f)
        fclose(f);
    return least;
}

int64_t
conf_usable_cpus(void)
{
    return tighter(affinity(), cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
