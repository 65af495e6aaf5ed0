/* topic.c - what a topic option may say: a name, several separated by commas, or a ^pattern.
 *
 * Kafka's own rule for names is checked here, so that a typing error is found before anything is started and
 * not by a consumer that waits for a topic that cannot exist. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"
#include "conf/pattern.h"
#include "shared/mem.h"

#define TOPIC_MAX_LENGTH 249
#define TOPIC_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static char *
pattern_check(const char *pattern)
{
    regex_t compiled;
    char why[128];
    if (pattern_too_large(pattern))
        return mem_printf(
            "the pattern \"%s\" is too large when its repetitions are written out; use fewer of + and {m,n}",
            pattern);
    int error = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    if (error) {
        regerror(error, &compiled, why, sizeof why);
        return mem_printf("the pattern \"%s\" is no regular expression: %s", pattern, why);
    }
    regfree(&compiled);
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
