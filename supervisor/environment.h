/* environment.h - what children inherit: our environment, less the broker's secrets, with a task's own on top. */
#ifndef SUPERVISOR_ENVIRONMENT_H
#define SUPERVISOR_ENVIRONMENT_H

#include <jansson.h>

#include "conf/conf.h"

/* environment_make returns a NULL-terminated array of "NAME=value" for a child that runs as `user` (NULL: as we do);
 * `extra` is an object of strings or NULL. */
char **environment_make(const struct conf *c, const struct conf_user *user, const json_t *extra);
void environment_free(char ***environment);

#endif
