/* rundir.h - the runtime directory: where a running app can be found.
 *
 * It holds the sockets of one run and a lock that says that it is in use, with whose it is. Private (0700), ours
 * and fresh: binding a socket takes over one that is there, without a word. Where tasks run as other users it can
 * be passed through (0711), and holds one folder for each of them, its own and private to it (0700). */
#ifndef SUPERVISOR_RUNDIR_H
#define SUPERVISOR_RUNDIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/users.h"

#define RUNDIR_NAME_MAX 12 /* longest name of a socket in it, see rundir_endpoint */
#define RUNDIR_USER_MAX 12 /* longest name of a user's folder in it, with its slash */
#define RUNDIR_LOCK "headrace.lock"
#define RUNDIR_CONTROL "control" /* the socket that answers questions */

struct rundir {
    char *path;
    int lock;   /* held while it is in use, close-on-exec; -1: not open */
    bool given; /* by --runtime-dir: emptied at the end, but not removed */
    bool shared; /* tasks run as other users */
};

/* Who uses a directory. */
struct rundir_owner {
    char app[128];
    pid_t pid; /* 0: not known (yet) */
};

/* rundir_open makes and locks the directory of this run: the default one of `app`, or `given`. Directories
 * that were left behind are swept. 0, or an exit code with *error set to what to do (free it): 69 where the
 * directory is in use, 64 where a given one cannot serve, 70 where the default one cannot be made. `shared`: other
 * users will be admitted; then the default one is in /run, which they can pass. */
int rundir_open(struct rundir *r, const char *app, const char *given, bool shared, char **error);

/* rundir_admit makes the folder of a user (once is enough). 0, or an exit code with *error; 70 too where the user
 * cannot get there. */
int rundir_admit(struct rundir *r, const struct conf_user *user, char **error);

/* rundir_close empties and unlocks it; the default one is removed. Nothing happens where it is not open. */
void rundir_close(struct rundir *r);

/* rundir_endpoint returns "ipc://PATH/NAME"; free it. Names are at most RUNDIR_NAME_MAX bytes long, since the
 * path of a socket ends at 107 bytes and the directory was checked for that much. */
char *rundir_endpoint(const struct rundir *r, const char *name);

/* rundir_endpoint_of is the same for a socket that this user may connect to, in its folder. NULL: for us. */
char *rundir_endpoint_of(const struct rundir *r, const struct conf_user *user, const char *name);

/* rundir_clear_users removes the folders of users in a directory, and what they hold. */
void rundir_clear_users(const char *path);

/* rundir_find finds the directory of a running app, by name, by `given`, or the only one (app and given
 * NULL). 0 with *path and *owner, or an exit code with *error: 69 where nothing runs, 64 where several do
 * (they are listed). */
int rundir_find(const char *app, const char *given, char **path, struct rundir_owner *owner, char **error);

/* rundir_used says whether the directory is locked by a running app, and by which. */
bool rundir_used(const char *path, struct rundir_owner *owner);

/* rundir_bases returns the folders in which default directories are, the one for new ones first (but a shared one
 * is in the last); NULL ends the list. They need not exist. Free the list and what is in it. */
char **rundir_bases(void);

/* rundir_ours says whether there is a directory of that name that belongs to this user; a link to one is
 * none. */
bool rundir_ours(const char *path);

#endif
