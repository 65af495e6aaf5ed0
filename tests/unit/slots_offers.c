/* slots_offers.c - what the supervisor of the slot protocol's check may do next. Owns nothing. */
#include "tests/unit/slots_access.h"

#include "supervisor/holding.h"

static struct slots_supervisor *const sup = &slots_now.sup;

static uint32_t
hand_actions(uint32_t w, struct slots_action *out)
{
    struct holding *h = &sup->hold[w];
    uint32_t n = 0, room = holding_room(h, SLOTS_CREDIT);
    for (uint32_t records = 1; records <= SLOTS_FRAME && records <= room; records++)
        for (uint32_t lanes = 0; lanes < 1u << records; lanes++) {
            if (slots_setup->lanes == 1 && lanes > 0)
                break;
            struct partition *p = &sup->parts[lanes & 1];
            if (dispatch_supplies(&sup->dispatch, p, &h->seat, sup->now) != SUPPLY_NOTHING)
                out[n++] = (struct slots_action){SLOTS_HAND, (uint8_t)w, (uint8_t)records, (uint8_t)lanes};
        }
    return n;
}

/* broker_actions: confirmations come in any order, for what is sent goes to many partitions. */
static uint32_t
broker_actions(struct slots_action *out)
{
    uint32_t n = 0;
    for (uint8_t lane = 0; lane < slots_setup->lanes; lane++)
        for (uint64_t pos = sup->parts[lane].led.base; pos < sup->parts[lane].led.head; pos++) {
            uint8_t state = ledger_entry(&sup->parts[lane].led, pos)->state;
            if (state == ENTRY_SENDING || state == ENTRY_LETTER)
                out[n++] = (struct slots_action){SLOTS_CONFIRM, 0, lane, (uint8_t)pos};
            if (state == ENTRY_SENDING && slots_now.refusals > 0)
                out[n++] = (struct slots_action){SLOTS_REFUSE, 0, lane, (uint8_t)pos};
        }
    return n;
}

uint32_t
slots_supervisor_actions(struct slots_action *out)
{
    uint32_t n = broker_actions(out);
    for (uint8_t w = 0; w < slots_setup->workers; w++) {
        if (slots_now.dead[w])
            out[n++] = (struct slots_action){SLOTS_BURY, w, 0, 0};
        n += hand_actions(w, out + n);
        if (!sup->hold[w].oldest)
            continue;
        out[n++] = (struct slots_action){SLOTS_SETTLE, w, 0, 0};
        if (slots_now.n_up[w] > 0)
            out[n++] = (struct slots_action){SLOTS_RECEIVE, w, 0, 0};
        for (uint8_t lane = 0; slots_now.withdrawals > 0 && lane <= SLOTS_LANES; lane++)
            if (lane < slots_setup->lanes || lane == SLOTS_LANES)
                out[n++] = (struct slots_action){SLOTS_WITHDRAW, w, lane, 0};
    }
    if (dispatch_due(&sup->dispatch, sup->now) != MONO_NEVER)
        out[n++] = (struct slots_action){SLOTS_TICK, 0, 0, 0};
    return n;
}
