/* dead.h - the recorder, with dead letters: one record of many fails, and what is written of it is looked at.
 */
#ifndef TESTS_FLOW_DEAD_H
#define TESTS_FLOW_DEAD_H

#include "tests/flow/flow.h"

#define DEAD_TOPIC "app.record.dlq"
#define DEAD_LETTERS "'on_failure': 'dead-letter'" /* a member of the task */

/* dead_broker starts a broker with the topic of the records, in 2 partitions, and that of the letters. */
void dead_broker(void);

/* dead_send sends 20 records to each partition; in partition 0 the one with the number `at` does `what`. */
void dead_send(int at, const char *what);

/* dead_run runs the app with these members of its task ("" for none) to the end of what is there. */
struct flow_process *dead_run(const char *task);

/* dead_letter returns the one letter that there is; dead_header fails the test where a header of it has
 * another value. */
const struct flow_letter *dead_letter(void);
void dead_header(const struct flow_letter *letter, const char *name, const char *value);

/* dead_check fails the test unless record 7 of partition 0 has become a letter with that reason, after so
 * many attempts, and all others were seen once and in order. dead_one is all of it, from the broker on. */
const struct flow_letter *dead_check(const char *what, const char *attempts, const char *reason);
const struct flow_letter *dead_one(const char *task, const char *what, const char *attempts,
                                   const char *reason);

#endif
