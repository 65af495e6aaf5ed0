/* confirm.h - the broker confirms what waits for it, as two of the targets imitate it. */
#ifndef TESTS_FUZZ_PLAY_CONFIRM_H
#define TESTS_FUZZ_PLAY_CONFIRM_H

#include "supervisor/dispatch.h"

static inline void
confirm_all(struct dispatch *d, struct partition *p)
{
    for (uint64_t pos = p->led.base, end = p->led.head; pos < end; pos++) {
        if (pos < p->led.base) /* the base has moved over it */
            continue;
        unsigned state = ledger_entry(&p->led, pos)->state;
        if (state == ENTRY_LETTER || state == ENTRY_SENDING)
            dispatch_done(d, p, pos);
    }
}

#endif
