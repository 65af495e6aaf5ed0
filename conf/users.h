/* users.h - the user that a task runs as. */
#ifndef CONF_USERS_H
#define CONF_USERS_H

#include <stddef.h>
#include <sys/types.h>

/* Everything that is asked of the system, asked beforehand: between fork and exec nothing can be looked up.
 */
struct conf_user {
    char *name, *home;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* all of them, gid too */
    size_t n_groups;
};

/* conf_user_find looks up a user, by name or number, and a group (NULL: the user's own). The user, to be
 * freed with conf_user_free, or NULL with what is wrong (the caller frees it). */
struct conf_user *conf_user_find(const char *user, const char *group, char **wrong);
void conf_user_free(struct conf_user **user);

/* conf_user_wrong and conf_group_wrong say why this process can run nothing as that user or group (the caller
 * frees it), or NULL. */
char *conf_user_wrong(const char *user);
char *conf_group_wrong(const char *group);

#endif
