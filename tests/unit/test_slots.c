/* test_slots.c - the slot protocol, checked by exhaustion: every interleaving of supervisor, workers and
 * kills.
 *
 * slots_model.h says how; slots_truth.c and slots_supervisor.c say what is checked. Each setup allows a
 * little of what can go wrong, so that all of them together hold every combination that is known to matter.
 */
#include <check.h>
#include <stdio.h>

#include "shared/clock.h"
#include "tests/unit/slots_model.h"

Suite *slots_suite(void);

/* Short names for the table. */
#define PARTITION .order = DISPATCH_PARTITION
#define NONE .order = DISPATCH_NONE
#define KEY .order = DISPATCH_KEY

static const struct slots_setup setups[] = {
    {"ring of 2: a kill, a failure, a withdrawal", PARTITION, .slots = 2, .workers = 1, .lanes = 1,
     .records = {3}, .attempts = 2, .kills = 1, .failures = 1, .withdrawals = 1},
    {"ring of 2: two kills, a failure", PARTITION, .slots = 2, .workers = 1, .lanes = 1, .records = {4},
     .attempts = 3, .kills = 2, .failures = 1},
    {"ring of 4: a kill, a failure, a withdrawal", PARTITION, .slots = 4, .workers = 1, .lanes = 1,
     .records = {3}, .attempts = 2, .kills = 1, .failures = 1, .withdrawals = 1},
    {"ring of 4: two failures", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {5},
     .attempts = 3, .failures = 2},
    {"ring of 4: two failures, a withdrawal", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 3, .failures = 2, .withdrawals = 1},
    {"two lanes: two failures", PARTITION, .slots = 4, .workers = 1, .lanes = 2, .records = {2, 2},
     .attempts = 3, .failures = 2},
    {"two lanes: a failure, a withdrawal, a kill", PARTITION, .slots = 4, .workers = 1, .lanes = 2,
     .records = {2, 1}, .attempts = 2, .failures = 1, .withdrawals = 1, .kills = 1},
    {"told to stop, with a withdrawal", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {2},
     .attempts = 2, .failures = 1, .withdrawals = 1, .tells = 1, .drain_kills = 1},
    {"two workers, one lane: a kill", PARTITION, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .failures = 1},
    {"two workers, one lane: a withdrawal", PARTITION, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .attempts = 2, .withdrawals = 1, .failures = 1},
    {"two workers, two lanes: a kill", PARTITION, .slots = 2, .workers = 2, .lanes = 2, .records = {2, 1},
     .attempts = 2, .kills = 1},
    {"two workers, told to stop", PARTITION, .slots = 2, .workers = 2, .lanes = 1, .records = {2},
     .attempts = 2, .tells = 1, .withdrawals = 1, .drain_kills = 1},
    {"no order, one worker: a kill, a failure", NONE, .slots = 2, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .failures = 1, .withdrawals = 1},
    {"no order, two workers: a kill", NONE, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1},
    {"no order, two workers: a failure, a withdrawal", NONE, .slots = 2, .workers = 2, .lanes = 1,
     .records = {2}, .attempts = 2, .failures = 1, .withdrawals = 1},
    {"sends: a kill", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {4}, .attempts = 2,
     .kills = 1, .sends = 3},
    {"sends: two kills", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {3}, .attempts = 3,
     .kills = 2, .sends = 3},
    {"sends: a kill, a failure, a refusal", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .failures = 1, .refusals = 1, .sends = 2},
    {"sends: a withdrawal, a failure, a refusal", PARTITION, .slots = 4, .workers = 1, .lanes = 1,
     .records = {3}, .attempts = 2, .withdrawals = 1, .failures = 1, .refusals = 1, .sends = 2},
    {"sends: one attempt, a kill, a failure", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 1, .kills = 1, .failures = 1, .sends = 2},
    {"sends: two lanes, a kill", PARTITION, .slots = 4, .workers = 1, .lanes = 2, .records = {2, 1},
     .attempts = 2, .kills = 1, .sends = 3},
    {"sends: told to stop, a drain", PARTITION, .slots = 2, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .tells = 1, .drain_kills = 1, .withdrawals = 1, .sends = 2},
    {"sends: two workers, a kill, a refusal", PARTITION, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .refusals = 1, .sends = 2},
    {"sends: no order, a kill, a failure", NONE, .slots = 2, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .failures = 1, .refusals = 1, .sends = 2},
    {"sends: no order, two workers, a kill", NONE, .slots = 2, .workers = 2, .lanes = 1, .records = {2},
     .attempts = 2, .kills = 1, .sends = 2},
    {"by key: two keys, a kill, a failure", KEY, .slots = 2, .workers = 1, .lanes = 1, .records = {4},
     .keys = "abab", .attempts = 2, .kills = 1, .failures = 1},
    {"by key: two failures, a withdrawal", KEY, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .failures = 2, .withdrawals = 1},
    {"by key: two workers, a kill", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3}, .keys = "aba",
     .attempts = 2, .kills = 1},
    {"by key: two workers, one key, a failure", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .keys = "aaa", .attempts = 2, .failures = 1},
    {"by key: two workers, a failure", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .failures = 1},
    {"by key: two workers, a withdrawal", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .withdrawals = 1},
    {"by key: records without one", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3}, .keys = "a-a",
     .attempts = 2, .kills = 1},
    {"by key: told to stop, a drain", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {2}, .keys = "aa",
     .attempts = 2, .tells = 1, .drain_kills = 1, .withdrawals = 1},
    {"by key: a lane that comes back", KEY, .slots = 4, .workers = 1, .lanes = 1, .records = {5},
     .keys = "abaab", .attempts = 2, .failures = 1},
    {"by key: sends, a kill, a refusal", KEY, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .kills = 1, .refusals = 1, .sends = 3},
    {"by key: sends, two workers, a kill", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .kills = 1, .sends = 1},
    {"by key: sends, one attempt, a failure", KEY, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .keys = "aab", .attempts = 1, .kills = 1, .failures = 1, .sends = 2},
    {"batches: a kill, a failure", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {4},
     .attempts = 2, .kills = 1, .failures = 1, .batches = true},
    {"batches: two kills", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {4}, .attempts = 3,
     .kills = 2, .batches = true},
    {"batches: two failures, a withdrawal", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .failures = 2, .withdrawals = 1, .batches = true},
    {"batches: two failures of four", PARTITION, .slots = 4, .workers = 1, .lanes = 1, .records = {4},
     .attempts = 2, .failures = 2, .batches = true},
    {"batches: one attempt, two failures, a kill", PARTITION, .slots = 2, .workers = 1, .lanes = 1,
     .records = {4}, .attempts = 1, .failures = 2, .kills = 1, .batches = true},
    {"batches: two lanes", PARTITION, .slots = 4, .workers = 1, .lanes = 2, .records = {2, 1}, .attempts = 2,
     .failures = 1, .kills = 1, .batches = true},
    {"batches: told to stop, a drain", PARTITION, .slots = 2, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .tells = 1, .drain_kills = 1, .withdrawals = 1, .failures = 1, .batches = true},
    {"batches: two workers, a kill, a failure", PARTITION, .slots = 2, .workers = 2, .lanes = 1,
     .records = {3}, .attempts = 2, .kills = 1, .failures = 1, .batches = true},
    {"batches: by key, two failures", KEY, .slots = 4, .workers = 1, .lanes = 1, .records = {4},
     .keys = "abab", .attempts = 2, .failures = 2, .batches = true},
    {"batches: by key, two workers, a kill", KEY, .slots = 2, .workers = 2, .lanes = 1, .records = {3},
     .keys = "aba", .attempts = 2, .kills = 1, .batches = true},
    {"batches: no order, a kill, a failure", NONE, .slots = 4, .workers = 1, .lanes = 1, .records = {3},
     .attempts = 2, .kills = 1, .failures = 1, .withdrawals = 1, .batches = true},
};

START_TEST(test_slots_every_interleaving)
{
    const struct slots_setup *setup = &setups[_i];
    mono_ns start = clock_mono();
    struct slots_found found = slots_explore(setup);
    printf("slots: %-46s %8llu states %8llu steps %6llu ends %6lld ms\n", setup->name,
           (unsigned long long)found.states, (unsigned long long)found.steps, (unsigned long long)found.ends,
           (long long)((clock_mono() - start) / NS_PER_MS));
    ck_assert_uint_gt(found.ends, 0);
}
END_TEST

Suite *
slots_suite(void)
{
    Suite *suite = suite_create("slots");
    TCase *tc = tcase_create("slots");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_slots_every_interleaving, 0, (int)(sizeof setups / sizeof setups[0]));
    suite_add_tcase(suite, tc);
    return suite;
}
