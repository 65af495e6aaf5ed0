/* holding_bench.c - one holding on a bench: two partitions of twenty records, and a worker written by
 * hand. Owns all of it. */
#include "tests/unit/holding_bench.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

struct scoreboard *bench_sb;
struct dispatch bench_d;
struct partition bench_parts[2];
struct holding bench_h;

char bench_told[BENCH_TOLD];
bool bench_goes_back;

static void
ended(void *arg, struct partition *p, uint64_t pos, enum ending ending, const struct reason *reason)
{
    static const char *const names[] = {"finished", "failed", "crashed", "sent"};
    (void)arg;
    size_t at = strlen(bench_told);
    ck_assert_int_eq(ledger_entry(&p->led, pos)->state, ENTRY_HELD);
    at += (size_t)snprintf(bench_told + at, sizeof bench_told - at, "%d/%d %s", (int)(p - bench_parts),
                           (int)pos, names[ending]);
    if (reason)
        at +=
            (size_t)snprintf(bench_told + at, sizeof bench_told - at, " (%u %s)", reason->kind, reason->text);
    snprintf(bench_told + at, sizeof bench_told - at, ", ");
    if (ending != ENDING_FAILED && ending != ENDING_CRASHED)
        return;
    bench_goes_back = dispatch_goes_back(&bench_d, p, pos);
    dispatch_retry(&bench_d, p, pos, 0);
}

void
bench_setup(enum dispatch_order order)
{
    bench_sb = mem_alloc(scoreboard_size(SLOTS));
    bench_sb->slots = SLOTS;
    dispatch_init(&bench_d, order, 1000, UINT64_MAX, 1);
    memset(bench_parts, 0, sizeof bench_parts);
    for (int i = 0; i < 2; i++) {
        dispatch_add(&bench_d, &bench_parts[i], NULL);
        bench_parts[i].open = true;
        for (int offset = 0; order == DISPATCH_PARTITION && offset < 20; offset++)
            ledger_add(&bench_parts[i].led, offset, NULL, 0, 1);
    }
    holding_init(&bench_h, &bench_d, 0, bench_sb, ended, NULL);
    bench_told[0] = '\0';
}

void
bench_begin(void)
{
    bench_setup(DISPATCH_PARTITION);
}

void
bench_end(void)
{
    holding_clear(&bench_h);
    for (int i = 0; i < 2; i++)
        ledger_clear(&bench_parts[i].led);
    dispatch_clear(&bench_d);
    free(bench_sb);
}

void
bench_give(const char *lanes)
{
    struct holding_frame *f = holding_open(&bench_h, (uint32_t)strlen(lanes));
    for (; *lanes; lanes++)
        holding_put(&bench_h, f, &bench_parts[*lanes - '0'],
                    dispatch_waiting(&bench_d, &bench_parts[*lanes - '0'], &bench_h.seat, 0));
    holding_close(&bench_h, f, f->n);
}

void
bench_states(const char *letters, uint64_t taken, uint64_t passed)
{
    static const uint8_t state[256] = {['w'] = SLOT_WAITING, ['o'] = SLOT_ON,     ['f'] = SLOT_FINISHED,
                                       ['s'] = SLOT_SENT,    ['x'] = SLOT_FAILED, ['-'] = SLOT_WITHDRAWN};
    for (int i = 0; letters[i]; i++)
        bench_sb->state[i] = state[(unsigned char)letters[i]];
    bench_sb->taken = taken;
    bench_sb->passed = passed;
}

const char *
bench_received(const char *seqs)
{
    struct holding_sends sends[SLOTS];
    uint32_t n = 0;
    for (; seqs[n]; n++)
        sends[n] =
            (struct holding_sends){.seq = (uint64_t)(seqs[n] - '0'), .part = &bench_parts[0], .pos = 99};
    const char *wrong = holding_received(&bench_h, sends, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = strlen(bench_told);
        if (!sends[i].part)
            continue;
        ck_assert_int_eq(ledger_entry(&sends[i].part->led, sends[i].pos)->state, ENTRY_SENDING);
        snprintf(bench_told + at, sizeof bench_told - at, "%d/%d leaves, ",
                 (int)(sends[i].part - bench_parts), (int)sends[i].pos);
    }
    return wrong;
}

void
bench_reason(uint32_t i, uint64_t seq, uint32_t kind, const char *text)
{
    bench_sb->reasons[i].seq = seq;
    bench_sb->reasons[i].kind = kind;
    strcpy(bench_sb->reasons[i].text, text);
}
