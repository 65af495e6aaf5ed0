/* half_holding.c - the supervisor's half of the slot protocol, with its accesses in the simulator's hands. */
#include "tests/simulate/access.h"

#include "supervisor/holding.c"
#include "supervisor/holding_bury.c"
