/* owner.h - as which user a module is looked into, before it is known which tasks it has. */
#ifndef SUPERVISOR_OWNER_H
#define SUPERVISOR_OWNER_H

#include <jansson.h>
#include <stdbool.h>

#include "conf/conf.h"

/* What the file says: a user and perhaps a group. user NULL: as headrace itself. */
struct owner {
    const char *user, *group;
};

/* owner_foresee says as whom the module of that path is to be loaded the first time. */
struct owner owner_foresee(const struct conf *c, const char *module);

/* owner_right says whether a module with that description may be loaded as *o; where not, *o is who may. */
bool owner_right(const struct conf *c, const json_t *description, struct owner *o);

#endif
