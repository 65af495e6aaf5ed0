/* properties.h - whether librdkafka knows the properties of a configuration and takes their values. */
#ifndef SUPERVISOR_PROPERTIES_H
#define SUPERVISOR_PROPERTIES_H

#include "conf/conf.h"

/* properties_check tries every property of the merged conf. What is wrong in the file is noted in the conf;
 * what -b and -X gave is added to the caller's list of usage problems. */
void properties_check(struct conf *c, const struct conf_overrides *o, char ***usage_problems,
                      size_t *n_usage);

#endif
