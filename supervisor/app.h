/* app.h - an app opened from the command line: its configuration loaded, its modules described, all of it
 * checked. */
#ifndef SUPERVISOR_APP_H
#define SUPERVISOR_APP_H

#include "conf/conf.h"

/* app_open returns the merged conf of APP, free of problems. Where there were any, they are printed to
 * stderr, a line each, NULL is returned, and *exit_code is 64 (only the command line is wrong) or 78. */
struct conf *app_open(const char *app, const struct conf_overrides *o, int *exit_code);

#endif
