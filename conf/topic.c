/* topic.c - what a topic option may say: a name, several separated by commas, or a ^pattern.
 *
 * Kafka's own rule for names is checked here, so that a typing error is found before anything is started and
 * not by a consumer that waits for a topic that cannot exist. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/option.h"
#include "conf/pattern.h"
#include "shared/mem.h"

#define COMPILE_SECONDS 1
#define TOPIC_MAX_LENGTH 249
#define TOPIC_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* compile says what is wrong with the pattern, if anything. */
static void
compile(const char *pattern, char *why, size_t size)
{
    regex_t compiled;
    int error = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    why[0] = '\0';
    if (error)
        regerror(error, &compiled, why, size);
    else
        regfree(&compiled);
}

/* compile_apart does so in a process that may take COMPILE_SECONDS: glibc needs seconds for "^.*+++++", years for one +
 * more, and how long cannot be told from the pattern. False: it was not done by then. */
static bool
compile_apart(const char *pattern, char *why, size_t size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return compile(pattern, why, size), true;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){COMPILE_SECONDS, COMPILE_SECONDS});
        compile(pattern, why, size);
        _exit(write(ends[1], why, size) == (ssize_t)size ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    bool done = child > 0 && read(ends[0], why, size) == (ssize_t)size; /* it is there, in one piece */
    close(ends[0]);
    if (child < 0)
        return compile(pattern, why, size), true;
    return done;
}

static char *
pattern_check(const char *pattern)
{
    char why[128] = {0};
    if (pattern_too_large(pattern))
        return mem_printf(
            "the pattern \"%s\" is too large when its repetitions are written out; use fewer of + and {m,n}",
            pattern);
    if (!compile_apart(pattern, why, sizeof why))
        return mem_printf("the pattern \"%s\" takes too long; use fewer repetitions of repetitions", pattern);
    if (why[0])
        return mem_printf("the pattern \"%s\" is no regular expression: %s", pattern, why);
    return NULL;
}

static char *
name_check(const char *name, const char *all)
{
    size_t length = strlen(name);
    if (length == 0)
        return mem_printf("\"%s\" holds an empty topic name; separate names by single commas", all);
    if (name[0] == '^')
        return mem_printf("\"%s\": a ^pattern stands alone; join several as ^(a|b)", all);
    if (length > TOPIC_MAX_LENGTH)
        return mem_printf("a topic name has at most %d letters, this one has %zu", TOPIC_MAX_LENGTH, length);
    if (strspn(name, TOPIC_LETTERS) != length || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return mem_printf("\"%s\" is no topic name; names are made of letters, digits, '.', '_' and '-'",
                          name);
    return NULL;
}

/* trim takes spaces off both ends, in place. */
static char *
trim(char *text)
{
    text += strspn(text, " \t");
    size_t end = strlen(text);
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        text[--end] = '\0';
    return text;
}

static bool
listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = list; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == length && memcmp(p, name, n) == 0)
            return true;
        p += n;
    }
    return false;
}

/* names_check checks a list, and collects in *normal what is good so far. */
static char *
names_check(const char *topic, char **normal)
{
    char *copy = mem_string(topic), *rest = copy, *name, *why = NULL;
    while (!why && (name = strsep(&rest, ","))) {
        name = trim(name);
        why = name_check(name, topic);
        if (!why && *normal && listed(*normal, name))
            why = mem_printf("names the topic \"%s\" twice; remove one", name);
        if (!why) {
            char *longer = *normal ? mem_printf("%s,%s", *normal, name) : mem_string(name);
            free(*normal);
            *normal = longer;
        }
    }
    free(copy);
    return why;
}

char *
conf_topic_check(const char *topic, char **normal)
{
    *normal = NULL;
    char *why = topic[0] == '^' ? pattern_check(topic) : names_check(topic, normal);
    if (!why && topic[0] == '^')
        *normal = mem_string(topic);
    if (why) {
        free(*normal);
        *normal = NULL;
    }
    return why;
}
