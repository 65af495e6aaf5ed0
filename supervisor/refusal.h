/* refusal.h - what a broker does not allow, in words that say what is missing and what to do about it. */
#ifndef SUPERVISOR_REFUSAL_H
#define SUPERVISOR_REFUSAL_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

bool refusal_of_right(rd_kafka_resp_err_t err); /* the user is known, and may not do this */
bool refusal_of_login(rd_kafka_resp_err_t err); /* the user is not known, or the password is wrong */

/* refusal_right names a missing right, and the command that gives it: "Read" on the "topic" of that name.
 * Free it. */
char *refusal_right(rd_kafka_t *rk, const char *operation, const char *resource, const char *name);

/* refusal_error is what an error says: the right that is missing, where it is about one, else librdkafka's
 * words. Free it. */
char *refusal_error(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *operation, const char *resource,
                    const char *name);

/* refusal_words is what librdkafka says about a connection, with what to look at where it is about a login or
 * a certificate. Free it. */
char *refusal_words(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *text);

/* refusal_hidden: the topic, which the broker does not list, may only be there for others to see. It is asked
 * for by its name, which blocks for `ms` at most. */
bool refusal_hidden(rd_kafka_t *rk, const char *topic, int ms);

/* refusal_group: the group may not be used, for which librdkafka's simple calls only give a timeout. Blocks
 * as above; the topic is one of those that are read. */
bool refusal_group(rd_kafka_t *rk, const char *group, const char *topic, int ms);

#endif
