/* scoreboard.c - the names of what stands on the scoreboard.
 *
 * Owns: the table of slot states as the log and the tests show them. The scoreboard itself has no code of its
 * own: its moves are the inline functions of scoreboard.h, its two halves worker/turn.c and
 * supervisor/holding.c. */
#include "shared/scoreboard.h"

static const char *const state_names[SLOT_STATES] = {
    [SLOT_FREE] = "free",         [SLOT_WAITING] = "waiting", [SLOT_ON] = "on",
    [SLOT_FINISHED] = "finished", [SLOT_FAILED] = "failed",   [SLOT_WITHDRAWN] = "withdrawn",
    [SLOT_SENT] = "sent",
};

const char *
slot_state_name(unsigned state)
{
    return state < SLOT_STATES ? state_names[state] : "unknown";
}
