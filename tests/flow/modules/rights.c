/* rights.c - tasks that tell what they are: as whom they run, and what they have inherited.
 *
 * Each tells with one line of the file RIGHTS_FILE: "NAME uid=N gid=N groups=N,N privs=N fds=0,1,2 home=DIR
 * user=NAME logname=NAME parent=SIGNAL". Whoever loads the module leaves a line "loaded uid=N gid=N fds=0,1,2
 * by=PROGRAM OPTION" there. */
#include <headrace.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void
tell(const char *line)
{
    const char *name = getenv("RIGHTS_FILE");
    int fd = open(name ? name : "/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        perror("rights");
    if (fd >= 0)
        close(fd);
}

/* The descriptors that were inherited: this is called before anything of ours is open. */
static void
list_descriptors(char *out, size_t size)
{
    bool open_ones[1024] = {false};
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;
    out[0] = '\0';
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir) && atoi(e->d_name) < 1024)
            open_ones[atoi(e->d_name)] = true;
    if (dir)
        closedir(dir);
    for (int fd = 0; fd < 1024 && n < size; fd++)
        if (open_ones[fd])
            n += (size_t)snprintf(out + n, size - n, "%s%d", n > 0 ? "," : "", fd);
}

static char inherited[256];

__attribute__((constructor)) static void
loaded(void)
{
    char words[200] = "", line[600];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, words, sizeof words - 1);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (words[i] == '\0')
            words[i] = ' ';
    close(fd);
    list_descriptors(inherited, sizeof inherited);
    snprintf(line, sizeof line, "loaded uid=%u gid=%u fds=%s by=%s\n", (unsigned)geteuid(),
             (unsigned)getegid(), inherited, words);
    tell(line);
}

static void
tell_all(const char *name)
{
    gid_t groups[64];
    char list[256] = "", line[1024];
    int n = getgroups(64, groups), death = 0;
    size_t at = 0;
    for (int i = 0; i < n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%u", i > 0 ? "," : "", (unsigned)groups[i]);
    prctl(PR_GET_PDEATHSIG, &death);
    snprintf(line, sizeof line,
             "%s uid=%u gid=%u groups=%s privs=%d fds=%s home=%s user=%s logname=%s parent=%d regained=%d\n",
             name, (unsigned)getuid(), (unsigned)getgid(), list, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
             inherited, getenv("HOME"), getenv("USER"), getenv("LOGNAME"), death,
             getuid() != 0 && setuid(0) == 0);
    tell(line);
}

static int
who(hr_task *self, const char *name)
{
    tell_all(name);
    for (hr_record *r; (r = hr_next(self));) {
        size_t size;
        const char *value = hr_value(r, &size);
        if (value && strcmp(value, "crash") == 0)
            raise(SIGSEGV);
        if (value && strcmp(value, "hang") == 0)
            for (;;)
                pause();
    }
    return 0;
}

HR_TASK(who, .topic = "records")
{
    return who(self, "who");
}

HR_TASK(other, .topic = "records")
{
    return who(self, "other");
}

HR_TIMER(when, .interval = 0.2)
{
    (void)self;
    tell_all("when");
    return 0;
}
