/* counter.h - the counters of this process. */
#ifndef WORKER_COUNTER_H
#define WORKER_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* counter_bind ties the counters that the module declared to `counts` (what this life adds, by index) and
 * `totals` (what the app has). The index of a counter is the place of its name in `names`. */
void counter_bind(const char *const *names, unsigned n_names, _Atomic int64_t *counts,
                  const _Atomic int64_t *totals);

#endif
