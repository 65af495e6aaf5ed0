/* test_users.c - the users that tasks run as: looked up, refused, and as whom a module is looked into. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/option.h"
#include "shared/mem.h"
#include "supervisor/owner.h"

static char *wrong;

static struct conf_user *
find(const char *user, const char *group)
{
    struct conf_user *u = conf_user_find(user, group, &wrong);
    ck_assert_int_eq(u == NULL, wrong != NULL);
    return u;
}

static char *
number(unsigned id)
{
    static char text[2][16];
    static int turn;
    snprintf(text[turn ^= 1], sizeof text[0], "%u", id);
    return text[turn];
}

START_TEST(test_self_by_number)
{
    struct conf_user *u = find(number(geteuid()), number(getegid()));
    ck_assert_ptr_nonnull(u);
    ck_assert_uint_eq(u->uid, geteuid());
    ck_assert_uint_eq(u->gid, getegid());
    bool has_gid = false;
    for (size_t i = 0; i < u->n_groups; i++)
        has_gid = has_gid || u->groups[i] == u->gid;
    ck_assert(has_gid);
    conf_user_free(&u);
    ck_assert_ptr_null(u);
}
END_TEST

static void
refused(const char *user, const char *group, const char *why)
{
    ck_assert_ptr_null(find(user, group));
    ck_assert_msg(strstr(wrong, why), "'%s' is not in '%s'", why, wrong);
    free(wrong);
}

START_TEST(test_unknown)
{
    static const char *const none[] = {"nobody-of-that-name", "-1", "4294967295", "99999999999", "12x", " 0"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        refused(none[i], NULL, "there is no user \"");
    refused(number(geteuid()), "no-such-group", "there is no group \"no-such-group\" on this machine");
}
END_TEST

START_TEST(test_number_without_entry)
{
    if (geteuid() != 0) {
        fprintf(stderr, "users: skipped, needs root: a user without an entry\n");
        return;
    }
    refused("3999999999", NULL, "has no entry on this machine, so its group must be said too");
    struct conf_user *u = find("3999999999", "daemon");
    ck_assert_uint_eq(u->uid, 3999999999u);
    ck_assert_str_eq(u->home, "/");
    ck_assert_uint_eq(u->n_groups, 1);
    ck_assert_uint_eq(u->groups[0], u->gid);
    conf_user_free(&u);
}
END_TEST

/* Who is not root can name itself, and nobody else. */
START_TEST(test_only_root)
{
    if (geteuid() == 0 && syscall(SYS_setresuid, 65534, 65534, 65534) < 0)
        return;
    refused("root", NULL,
            "only root can run a task as another user: start headrace as root, or remove run_as");
    struct conf_user *u = find(number(geteuid()), number(getegid()));
    ck_assert_ptr_nonnull(u);
    conf_user_free(&u);
    refused(number(geteuid()), number(getegid() + 1), "only root can run a task with another group");
}
END_TEST

static struct conf *
app(const char *text, const char *first, const char *second)
{
    struct conf *c = mem_alloc(sizeof *c);
    char *modules[] = {mem_string(first), mem_string(second)};
    *c = (struct conf){.n_modules = 2, .modules = mem_array(2, sizeof *modules)};
    memcpy(c->modules, modules, sizeof modules);
    c->file = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(c->file);
    return c;
}

static void
is_owner(struct owner o, const char *user)
{
    ck_assert_pstr_eq(o.user, user);
}

/* The examples: logs.so has process_logs and dump_stats, feeds.so has import_feeds. */
START_TEST(test_owner)
{
    const char *logs = BUILD_DIR "/tasks/logs.so", *feeds = BUILD_DIR "/tasks/feeds.so";
    struct conf *c = app("{\"tasks\": {\"import_feeds\": {\"run_as\": {\"user\": \"f\", \"group\": \"g\"}}},"
                         " \"timers\": {\"dump_stats\": {\"run_as\": {\"user\": \"d\"}}}}",
                         logs, feeds);
    is_owner(owner_foresee(c, logs), "d");
    is_owner(owner_foresee(c, feeds), "f");
    ck_assert_str_eq(owner_foresee(c, feeds).group, "g");
    conf_free(&c);

    c = app("{\"tasks\": {\"process_logs\": {\"concurrency\": 2}, \"import_feeds\": {\"run_as\": {\"user\": "
            "\"f\"}}}}",
            logs, feeds);
    is_owner(owner_foresee(c, logs), NULL); /* its tasks are ours */
    conf_free(&c);

    c = app("{\"tasks\": {\"of_nowhere\": {\"run_as\": {\"user\": \"n\"}}}}", logs, feeds);
    is_owner(owner_foresee(c, logs), "n"); /* it may be this one's: rather than as root */
    is_owner(owner_foresee(c, feeds), "n");
    conf_free(&c);

    c = app("{\"tasks\": {\"process_logs\": {}}}", logs, feeds);
    is_owner(owner_foresee(c, logs), NULL);
    conf_free(&c);
}
END_TEST

START_TEST(test_owner_held_against_what_is_declared)
{
    struct conf *c =
        app("{\"tasks\": {\"a\": {\"run_as\": {\"user\": \"x\"}}, \"b\": {\"run_as\": {\"user\": \"y\"}},"
            " \"c\": {}}, \"timers\": {\"t\": {\"run_as\": {\"user\": \"z\"}}}}",
            "a.so", "b.so");
    json_t *both = json_loads(
        "{\"tasks\": [{\"name\": \"c\"}, {\"name\": \"b\"}, {\"name\": \"a\"}], \"timers\": []}", 0, NULL);
    json_t *ours = json_loads("{\"tasks\": [{\"name\": \"c\"}], \"timers\": []}", 0, NULL);
    json_t *timer = json_loads("{\"tasks\": [{\"name\": \"c\"}], \"timers\": [{\"name\": \"t\"}]}", 0, NULL);
    struct owner o = {.user = "x"};
    ck_assert(owner_right(c, both, &o));
    o.user = "z"; /* none of its tasks has that user */
    ck_assert(!owner_right(c, both, &o));
    is_owner(o, "y");
    o.user = NULL; /* as root, and it should not have been */
    ck_assert(!owner_right(c, timer, &o));
    is_owner(o, "z");
    o.user = "x";
    ck_assert(!owner_right(c, ours, &o));
    is_owner(o, NULL);
    ck_assert(owner_right(c, ours, &o));
    json_decref(both);
    json_decref(ours);
    json_decref(timer);
    conf_free(&c);
}
END_TEST

Suite *
users_suite(void)
{
    Suite *s = suite_create("users");
    TCase *t = tcase_create("users");
    tcase_add_test(t, test_self_by_number);
    tcase_add_test(t, test_unknown);
    tcase_add_test(t, test_number_without_entry);
    tcase_add_test(t, test_only_root);
    tcase_add_test(t, test_owner);
    tcase_add_test(t, test_owner_held_against_what_is_declared);
    suite_add_tcase(s, t);
    return s;
}
