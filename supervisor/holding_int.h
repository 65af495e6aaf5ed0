/* holding_int.h - the insides of a holding, for holding.c and holding_bury.c only. */
#ifndef SUPERVISOR_HOLDING_INT_H
#define SUPERVISOR_HOLDING_INT_H

#include "supervisor/holding.h"

_Atomic uint8_t *holding_slot(const struct holding *h, const struct holding_frame *f, uint32_t i);
/* holding_taken is what the worker says it has taken, as it stands on the scoreboard. */
uint64_t holding_taken(const struct holding *h);
/* holding_forget forgets an item; what became of its entry is said by the caller. */
void holding_forget(struct holding *h, struct holding_frame *f, uint32_t i);
/* holding_item_returned and holding_item_finished settle an item, and say it of its entry. */
void holding_item_returned(struct holding *h, struct holding_frame *f, uint32_t i);
void holding_item_finished(struct holding *h, struct holding_frame *f, uint32_t i);
/* holding_read_reason copies the reason of the failure that comes next in the order of this life. */
void holding_read_reason(struct holding *h, uint64_t seq, struct reason *out);

#endif
