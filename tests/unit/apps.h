/* apps.h - apps for tests: modules that exist only here, and confs made with them. */
#ifndef TESTS_UNIT_APPS_H
#define TESTS_UNIT_APPS_H

#include "conf/conf.h"

/* The usage problems of the last merge, a line each. */
extern char *apps_usage;
void apps_forget(void);

/* apps_module returns the description of a module by its base name; NULL where it does not exist even here.
 */
json_t *apps_module(const char *path);

/* apps_open loads and merges a configuration; apps_open_text one with this text. */
struct conf *apps_open(const char *app, const struct conf_overrides *o);
struct conf *apps_open_text(const char *text, const struct conf_overrides *o);

/* apps_expect_good fails where the conf or the command line has a problem. */
void apps_expect_good(const struct conf *c);

/* apps_join returns texts as one, a line each. */
char *apps_join(char **texts, size_t n);

#endif
