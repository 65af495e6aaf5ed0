/* description.h - the description of a module (children.h), held against its form. */
#ifndef SUPERVISOR_DESCRIPTION_H
#define SUPERVISOR_DESCRIPTION_H

#include <jansson.h>

/* description_check returns what is wrong with the form of a description, NULL where it is good. The caller
 * frees it. */
char *description_check(json_t *description);

#endif
