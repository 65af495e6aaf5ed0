/* verdict.h - what the body says of the record that it is on. */
#ifndef WORKER_VERDICT_H
#define WORKER_VERDICT_H

#include "worker/self.h"

/* verdict_kind returns how a verdict is published. */
enum failure_kind verdict_kind(enum verdict verdict);

#endif
