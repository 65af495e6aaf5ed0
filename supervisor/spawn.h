/* spawn.h - the birth of a child process: vfork and at once exec. */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/users.h"

/* A descriptor the child is to have under a fixed number (children.h). Everything else is closed. */
struct spawn_fd {
    int from, to;
};

/* What the process may do, settled before it is executed. */
struct spawn_rights {
    int64_t memory;     /* bytes of address space; 0: as ours */
    int64_t open_files; /* 0: as at our start */
    int64_t core;       /* bytes; -1: as ours */
    const struct conf_user *user; /* whom it runs as; NULL: as we do */
};

#define SPAWN_FDS 8 /* most that a child can be given */

/* spawn starts `program` in a process group of its own, with stdin from /dev/null, stdout and stderr inherited, no
 * signal blocked, dying with its parent, and with no way to more rights (no_new_privs); `rights` may be NULL. Returns
 * its pid and puts a descriptor of it (close-on-exec) into *pidfd, or -1 with errno. A program that cannot be executed
 * exits with 127 after a line on stderr. */
pid_t spawn(const char *program, char *const argv[], char *const envp[], const struct spawn_fd *fds, size_t n_fds,
            const struct spawn_rights *rights, int *pidfd);

/* spawn_become makes this process one of that user, for good, as spawn does with a child; it is to exec a program next.
 * 0, or -1 with errno. */
int spawn_become(const struct conf_user *user);

/* spawn_document puts text into a memfd to be inherited: what the child is told at its birth. -1 with errno. */
int spawn_document(const char *name, const char *text, size_t length);

#endif
