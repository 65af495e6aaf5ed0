/* replay.c - a target's main where there is no fuzzer: it is given every file of some folders.
 *
 * Guarantees: all files are given, whatever one of them does: where a process that is given all of them does
 * not end well, each is given to a process of its own, and those that fail are named. Must not know: what a
 * target does. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/fuzz/play/input.h"

static char **files;
static int n_files;

static void
add_folder(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            files = mem_grow(files, (size_t)n_files + 1, sizeof *files);
            files[n_files++] = mem_printf("%s/%s", folder, names[i]->d_name);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static void
give(const char *path)
{
    FILE *f = fopen(path, "re");
    char *data = NULL;
    size_t size = 0;
    if (!f) {
        perror(path);
        exit(1);
    }
    for (int c; (c = fgetc(f)) != EOF;) {
        data = mem_grow(data, size + 1, 1); /* of its exact size, so that a step too far is seen */
        data[size++] = (char)c;
    }
    fclose(f);
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    free(data);
}

/* ends_well gives the files from `first` on to a process of their own. */
static bool
ends_well(int first, int end)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = first; i < end; i++)
            give(files[i]);
        exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        add_folder(argv[i]);
    if (!ends_well(0, n_files))
        for (int i = 0; i < n_files; i++)
            if (!ends_well(i, i + 1)) {
                printf("failed: %s\n", files[i]);
                failed++;
            }
    printf("%d passed, %d failed\n", n_files - failed, failed);
    for (int i = 0; i < n_files; i++)
        free(files[i]);
    free(files);
    return failed == 0 && n_files > 0 ? 0 : 1;
}
