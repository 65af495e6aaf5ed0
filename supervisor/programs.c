/* programs.c - where the programs are that headrace starts.
 *
 * They are found relative to headrace itself, so that an installation can be moved, and two of them can be on
 * one machine: in ../libexec/headrace of its folder, or in that folder (a build that is not installed). Knows
 * nothing of: PATH, environment. */
#include "supervisor/programs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

/* own_folder puts the folder of the running program into `folder`; 0, or -1 with errno. */
static int
own_folder(char folder[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (n < 0)
        return -1;
    folder[n] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return 0;
}

char *
programs_find(const char *name, char **error)
{
    static const char *const places[] = {"/../libexec/headrace/", "/"};
    char folder[PATH_MAX];
    *error = NULL;
    if (own_folder(folder)) {
        *error = mem_printf("cannot find %s: /proc/self/exe: %s; is /proc mounted?", name, strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *path = mem_printf("%s%s%s", folder, places[i], name);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    *error = mem_printf("cannot find %s in %s/../libexec/headrace or in %s; install headrace again", name,
                        folder, folder);
    return NULL;
}
