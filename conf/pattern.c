/* pattern.c - how large a regular expression becomes.
 *
 * Owns: nothing. Guarantees: it ends soon and takes no memory, whatever the pattern; what is no regular
 * expression is not said here. Must not know: topics.
 *
 * DESIGN: the atoms are counted as they stand when repetitions are written out: + is twice its atom, {m,n} n
 * times, or once more than m where there is no n. * and ? take nothing. A repetition behind another one
 * multiplies. */
#include "conf/pattern.h"

#include <stdlib.h>
#include <string.h>

#define ATOMS_MAX 10000
#define DEPTH_MAX 100

/* skip_bracket moves behind a bracket expression, whose '[' was read. */
static const char *
skip_bracket(const char *at)
{
    at += *at == '^';
    at += *at == ']';
    at += strcspn(at, "]");
    return *at ? at + 1 : at;
}

/* times reads an interval, whose '{' was read. */
static long
times(const char **at)
{
    char *end;
    long least = strtol(*at, &end, 10), most = least;
    if (*end == ',')
        most = end[1] >= '0' && end[1] <= '9' ? strtol(end + 1, &end, 10) : least + 1;
    *at = end + strcspn(end, "}");
    *at += **at == '}';
    most = most > least ? most : least;
    return most < 1 ? 1 : most > ATOMS_MAX ? ATOMS_MAX : most;
}

/* atoms_of counts up to the end of the group, or more than ATOMS_MAX. */
static long
atoms_of(const char **at, int depth)
{
    long all = 0, atom = 0; /* the last one: what a repetition is of */
    while (**at && **at != ')') {
        char c = *(*at)++;
        long factor = 1;
        if (c == '+')
            factor = 2;
        else if (c == '{')
            factor = times(at);
        else if (c != '*' && c != '?') {
            atom = 1;
            if (c == '[')
                *at = skip_bracket(*at);
            else if (c == '\\')
                *at += **at != '\0';
            else if (c == '(') {
                atom = depth < DEPTH_MAX ? atoms_of(at, depth + 1) : ATOMS_MAX + 1;
                *at += **at == ')';
            }
            all += atom;
        }
        all += atom * (factor - 1);
        atom *= factor;
        if (all > ATOMS_MAX || atom > ATOMS_MAX)
            return ATOMS_MAX + 1;
    }
    return all;
}

bool
pattern_too_large(const char *pattern)
{
    long all = 0;
    while (*pattern && all <= ATOMS_MAX) {
        all += atoms_of(&pattern, 0);
        pattern += *pattern == ')'; /* one that closes nothing */
    }
    return all > ATOMS_MAX;
}
