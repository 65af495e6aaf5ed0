/* turns.c - what the tests of dispatch stand on. */
#include "tests/unit/turns.h"

#include <string.h>

static char topic[] = "logs";

struct dispatch turns;
struct partition turns_parts[TURNS_PARTS];
const struct seat turns_workers[TURNS_WORKERS] = {{0}, {1}, {2}};

void
turns_begin(enum dispatch_order order, int n)
{
    dispatch_init(&turns, order, TURNS_WINDOW, UINT64_MAX, 1);
    memset(turns_parts, 0, sizeof turns_parts);
    for (int i = 0; i < n; i++) {
        turns_parts[i].topic = topic;
        turns_parts[i].number = i;
        dispatch_add(&turns, &turns_parts[i], NULL);
        turns_parts[i].open = turns_parts[i].more = true;
    }
}

void
turns_end(void)
{
    while (turns.n_parts > 0)
        dispatch_remove(&turns, turns.parts[0]);
    dispatch_clear(&turns);
}

int
turns_hand(struct partition *p, int w)
{
    uint64_t pos;
    switch (dispatch_supplies(&turns, p, &turns_workers[w], 0)) {
    case SUPPLY_WAITING:
        pos = dispatch_waiting(&turns, p, &turns_workers[w], 0);
        break;
    case SUPPLY_FRESH:
        pos = ledger_add(&p->led, (int64_t)p->led.head, NULL, 0, 1);
        break;
    default:
        return -1;
    }
    dispatch_handed(&turns, p, pos, &turns_workers[w]);
    return (int)pos;
}
