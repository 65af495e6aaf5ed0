/* turns.h - what the tests of dispatch stand on: partitions, and workers that are only addresses. What
 * workers do is what holding.c lets through: a lane comes back youngest first. */
#ifndef TESTS_UNIT_TURNS_H
#define TESTS_UNIT_TURNS_H

#include "supervisor/dispatch.h"

#define TURNS_PARTS 4
#define TURNS_WORKERS 3
#define TURNS_WINDOW 12

extern struct dispatch turns;
extern struct partition turns_parts[TURNS_PARTS];
extern const struct seat turns_workers[TURNS_WORKERS];

/* turns_begin makes so many open partitions that have more. */
void turns_begin(enum dispatch_order order, int n);
void turns_end(void);
/* turns_hand hands out what there is; returns the position, -1: nothing. */
int turns_hand(struct partition *p, int worker);

#endif
