/* conf_modules.h - what the modules of the fixtures declare, by their base names. */
#ifndef TESTS_UNIT_CONF_MODULES_H
#define TESTS_UNIT_CONF_MODULES_H

#include <jansson.h>

/* module_described returns the description of a module that only exists here; NULL where it does not even here. */
json_t *module_described(const char *path);

#endif
