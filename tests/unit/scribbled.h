/* scribbled.h - holding.c over segments that change under its eyes.
 *
 * Who includes this calls that copy of it, by the usual names. */
#ifndef TESTS_UNIT_SCRIBBLED_H
#define TESTS_UNIT_SCRIBBLED_H

#define RENAMED(name) scribbled_##name
#include "tests/unit/renamed_holding.h"

#include "supervisor/holding.h"

#define SCRIBBLED 3        /* segments, */
#define SCRIBBLED_SLOTS 32 /* of so many slots */

extern bool scribbled_hostile;                  /* scribble between accesses */
extern struct scoreboard *scribbled[SCRIBBLED]; /* over these */

/* scribble writes something somewhere, once. */
void scribble(void);

#endif
