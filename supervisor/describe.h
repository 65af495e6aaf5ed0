/* describe.h - what a module declares, asked of a child process that loads it. */
#ifndef SUPERVISOR_DESCRIBE_H
#define SUPERVISOR_DESCRIBE_H

#include <jansson.h>

#include "conf/conf.h"
#include "shared/clock.h"

#define DESCRIBE_LIMIT (10 * NS_PER_S)

/* describe_module has the module loaded by headrace-worker, and returns its description (children.h), checked
 * for its form. NULL where that failed: *problem says why, in words for the user, freed by the caller; what
 * the module printed is then shown on stderr. The child and what it started are gone when this returns. */
json_t *describe_module(const char *module, mono_ns limit, char **problem);

/* describe_run is describe_module with the program, the environment and the user (NULL: as we do) given. */
json_t *describe_run(const char *program, const char *module, char *const envp[], const struct conf_user *user,
                     mono_ns limit, char **problem);

/* describe_all describes each module of the conf: descriptions[i] for modules[i], NULL where it could not be,
 * with the problem noted. Each is loaded as the user that its tasks run as (owner.h). The variables in c->secrets
 * are not in the modules' environment. */
void describe_all(struct conf *c, json_t **descriptions);

#endif
