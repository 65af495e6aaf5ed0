/* waits.h - how far a lane was passed by while it waited for others. */
#ifndef TESTS_KAFKA_CHAOS_WAITS_H
#define TESTS_KAFKA_CHAOS_WAITS_H

#include "tests/kafka/chaos/lines.h"

/* waits_line takes the lines in their order. It returns how many records one other lane ended while this one waited for a
 * worker, where this line ends such a wait; else 0. */
long waits_line(const struct line *l);

#endif
