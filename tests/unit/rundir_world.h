/* rundir_world.h - what the tests of the runtime directory stand on: each has a folder of its own in place of
 * XDG_RUNTIME_DIR; apps of other people may run on the machine meanwhile. */
#ifndef TESTS_UNIT_RUNDIR_WORLD_H
#define TESTS_UNIT_RUNDIR_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "supervisor/rundir.h"

extern char rundir_folder[64];
extern char *rundir_error; /* of the last call that was refused; freed at the end */

/* For a checked fixture. */
void rundir_set_up(void);
void rundir_tear_down(void);

void rundir_must_open(struct rundir *r, const char *app, const char *given);
/* rundir_must_refuse: the error holds this text. */
void rundir_must_refuse(const char *app, const char *given, int code, const char *text);

char *rundir_inside(const char *name); /* a path in the folder; the caller frees it */
void rundir_make_socket(const char *dir, const char *name);
bool rundir_holds(const char *dir, const char *name);

/* rundir_child starts a process that opens a directory, and waits until it has. */
pid_t rundir_child(const char *app, const char *given);
void rundir_kill(pid_t pid);

#endif
