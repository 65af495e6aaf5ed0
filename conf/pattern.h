/* pattern.h - how large a regular expression becomes. */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include <stdbool.h>

/* pattern_too_large says whether an extended regular expression would take unreasonable memory: regcomp writes repetitions
 * out, so a few characters ("a++++++++", "(a{99}){99}") can stand for more than any machine has. Asked before regcomp. */
bool pattern_too_large(const char *pattern);

#endif
