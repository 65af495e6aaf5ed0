/* holding_bench.h - one holding on a bench: two partitions of twenty records, and a worker written by hand.
 *
 * For tests that look at one case each. */
#ifndef TESTS_UNIT_HOLDING_BENCH_H
#define TESTS_UNIT_HOLDING_BENCH_H

#include "supervisor/holding.h"

#define SLOTS 8
#define CREDIT 100
#define BENCH_TOLD 700

extern struct scoreboard *bench_sb;
extern struct dispatch bench_d;
extern struct partition bench_parts[2];
extern struct holding bench_h;
/* What the caller was told, in a line: "0/1 finished, 0/2 failed (0 why), ". */
extern char bench_told[BENCH_TOLD];
extern bool bench_goes_back; /* whether the record that failed or crashed last is repeated with its lane in
                                any case */

void bench_setup(enum dispatch_order order);
void bench_begin(void); /* with order partition */
void bench_end(void);

/* bench_give hands out a frame: a digit for each record, the number of its partition. */
void bench_give(const char *lanes);
/* bench_states writes the worker's side: a letter for each slot, from slot 0 on: (w)aiting, (o)n, (f)inished,
 * (s)ent, failed (x), withdrawn (-); and the two numbers. */
void bench_states(const char *letters, uint64_t taken, uint64_t passed);
/* bench_received: the frame with what these records send comes, a digit for each sequence number. Those whose
 * sends may leave are added to bench_told. */
const char *bench_received(const char *seqs);
void bench_reason(uint32_t i, uint64_t seq, uint32_t kind, const char *text);

#endif
