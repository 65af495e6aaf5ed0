/* users.c - the user that a task runs as, looked up.
 *
 * Owns: the answers of the system's databases, as copies.
 * Guarantees: a name is looked up before a number is made of it; who is not root gets no user but itself.
 * Must not know: what is done with the rights (supervisor/spawn.c). */
#include "conf/users.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/option.h"
#include "shared/mem.h"

#define ID_MAX 4294967294LL /* the one above means "none" to the kernel */

/* number_of reads a number for which there may be no name; -1: it is none. */
static int64_t
number_of(const char *text)
{
    int64_t id = 0;
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 10 || text[n])
        return -1;
    id = strtoll(text, NULL, 10);
    return id <= ID_MAX ? id : -1;
}

/* user_of finds the id of a user, and its entry where it has one. */
static bool
user_of(const char *user, uid_t *uid, const struct passwd **entry)
{
    int64_t number = number_of(user);
    *entry = getpwnam(user);
    if (!*entry && number >= 0)
        *entry = getpwuid((uid_t)number);
    *uid = *entry ? (*entry)->pw_uid : (uid_t)number;
    return *entry || number >= 0;
}

static bool
group_of(const char *group, gid_t *gid)
{
    int64_t number = number_of(group);
    const struct group *entry = getgrnam(group);
    *gid = entry ? entry->gr_gid : (gid_t)number;
    return entry || number >= 0;
}

char *
conf_user_wrong(const char *user)
{
    const struct passwd *entry;
    uid_t uid;
    if (!user_of(user, &uid, &entry))
        return mem_printf("there is no user \"%s\" on this machine", user);
    if (geteuid() != 0 && uid != geteuid())
        return mem_string(
            "only root can run a task as another user: start headrace as root, or remove run_as");
    return NULL;
}

char *
conf_group_wrong(const char *group)
{
    gid_t gid;
    if (!group_of(group, &gid))
        return mem_printf("there is no group \"%s\" on this machine", group);
    if (geteuid() != 0 && gid != getegid())
        return mem_string(
            "only root can run a task with another group: start headrace as root, or remove run_as");
    return NULL;
}

static void
find_groups(struct conf_user *u, bool has_entry)
{
    int n = 16;
    do
        u->groups = mem_grow(u->groups, (size_t)n, sizeof *u->groups);
    while (has_entry && getgrouplist(u->name, u->gid, u->groups, &n) < 0);
    if (!has_entry)
        u->groups[0] = u->gid;
    u->n_groups = has_entry ? (size_t)n : 1;
}

struct conf_user *
conf_user_find(const char *user, const char *group, char **wrong)
{
    const struct passwd *entry;
    uid_t uid = 0;
    gid_t gid = 0;
    if ((*wrong = conf_user_wrong(user)) || (group && (*wrong = conf_group_wrong(group))))
        return NULL;
    user_of(user, &uid, &entry);
    if (!entry && !group) {
        *wrong = mem_printf("user %s has no entry on this machine, so its group must be said too", user);
        return NULL;
    }
    if (group)
        group_of(group, &gid);
    struct conf_user *u = mem_alloc(sizeof *u);
    *u = (struct conf_user){.name = mem_string(entry ? entry->pw_name : user),
                            .home = mem_string(entry ? entry->pw_dir : "/"),
                            .uid = uid,
                            .gid = group ? gid : entry->pw_gid};
    find_groups(u, entry != NULL);
    return u;
}

void
conf_user_free(struct conf_user **user)
{
    struct conf_user *u = *user;
    if (!u)
        return;
    free(u->name);
    free(u->home);
    free(u->groups);
    free(u);
    *user = NULL;
}

/* noted: what is wrong with the names was said when the file was read. */
static bool
noted(const struct conf_task *t)
{
    char *user = conf_user_wrong(t->run_as_user);
    char *group = t->run_as_group ? conf_group_wrong(t->run_as_group) : NULL;
    bool wrong = user || group;
    free(user);
    free(group);
    return wrong;
}

/* settle finds the user of one task. Who is not root can only name itself, and has nothing to change. */
static void
settle(struct conf *c, struct conf_task *t)
{
    char *wrong = NULL;
    const char *section = conf_section_name(t->kind);
    if (!t->run_as_user) {
        if (t->run_as_group)
            conf_problem(c, "%s: %s.%s.run_as.group: needs run_as.user beside it", c->path, section, t->name);
        return;
    }
    if (noted(t) || geteuid() != 0)
        return;
    t->user = conf_user_find(t->run_as_user, t->run_as_group, &wrong);
    if (wrong)
        conf_problem(c, "%s: %s.%s.run_as: %s", c->path, section, t->name, wrong);
    free(wrong);
}

void
users_settle(struct conf *c)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        settle(c, &c->tasks[i]);
}
