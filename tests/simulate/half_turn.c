/* half_turn.c - the worker's half of the slot protocol, with its accesses in the simulator's hands. */
#include "tests/simulate/access.h"

#include "worker/turn.c"
