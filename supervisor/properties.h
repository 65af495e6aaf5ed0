/* properties.h - whether librdkafka knows the properties of a configuration and takes their values. */
#ifndef SUPERVISOR_PROPERTIES_H
#define SUPERVISOR_PROPERTIES_H

#include <librdkafka/rdkafka.h>

#include "conf/conf.h"

/* properties_check tries every property of the merged conf. What is wrong in the file is noted in the conf;
 * what -b and -X gave is added to the caller's list of usage problems. */
void properties_check(struct conf *c, const struct conf_overrides *o, char ***usage_problems,
                      size_t *n_usage);

/* properties_refusal says why there is no client of `conf`: `error`, librdkafka's own words, or which of the files that it
 * names cannot be read, for which librdkafka has none. The caller frees it. */
char *properties_refusal(const rd_kafka_conf_t *conf, const char *error);

#endif
