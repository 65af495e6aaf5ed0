/* ask.h - a question to a running app, over the control socket of its runtime directory. */
#ifndef SUPERVISOR_CLIENT_ASK_H
#define SUPERVISOR_CLIENT_ASK_H

#include <jansson.h>

#include "supervisor/rundir.h"

#define ASK_TIMEOUT_MS 5000

/* ask sends {"command": command} to the app in this runtime directory and returns its reply, an object with
 * "ok" true; NULL with *error (free it) where there is none in time or the app refuses. */
json_t *ask(const char *path, const char *command, int timeout_ms, char **error);

/* How a command says which app it means: -a NAME, --runtime-dir DIR. */
struct ask_target {
    const char *app, *runtime_dir; /* NULL: not given */
    char *path;
    struct rundir_owner owner;
};

/* ask_find finds the app: 0 with path and owner, or an exit code; what is wrong was then printed. */
int ask_find(struct ask_target *t, const char *command);

/* ask_status is ask_find and the app's status in one: NULL with *code, what is wrong was then printed. */
json_t *ask_status(struct ask_target *t, const char *command, int *code);

#endif
