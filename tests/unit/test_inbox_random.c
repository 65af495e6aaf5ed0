/* test_inbox_random.c - hr_next in random runs against a model.
 *
 * The model knows only the rules: records come in the order of the frames, without those taken back and those
 * behind a failure of their lane's hand-out. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "tests/unit/inbox_world.h"

Suite *inbox_random_suite(void);

static uint64_t random_state;

static unsigned
random_below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % n);
}

enum { LANES = 4, RECORDS = 700 };

/* What the model knows of a record. */
static struct {
    uint32_t lane, epoch;
    bool barred; /* a failure of its lane's hand-out came before it */
    unsigned expected;
} model[RECORDS];
static uint32_t epochs[LANES];
static bool closed[LANES]; /* this hand-out of the lane has a failure that was not handled yet */

/* make_frame hands out some records; lanes whose failures were handled have a new epoch. */
static void
make_frame(void)
{
    unsigned n = 1 + random_below(12);
    if (world.built + n > RECORDS || world.n_frames + 1 >= FRAMES)
        return;
    world_begin_frame();
    for (unsigned i = 0; i < n; i++) {
        uint32_t lane = random_below(LANES);
        model[world.built].lane = lane;
        model[world.built].epoch = epochs[lane];
        model[world.built].barred = closed[lane];
        model[world.built].expected = SLOT_WAITING;
        world_put("x", lane, epochs[lane]);
    }
    world_end_frame(atomic_load(&world.sb->failures_read));
}

/* handle_failures does what a supervisor does: takes the lane back, then hands it out anew. */
static void
handle_failures(void)
{
    uint32_t failures = atomic_load(&world.sb->failures);
    for (uint32_t i = atomic_load(&world.sb->failures_read); i < failures; i++) {
        uint64_t failed = world.sb->reasons[i % SCOREBOARD_REASONS].seq;
        uint32_t lane = model[failed].lane;
        for (uint64_t seq = world.built; lane != 0 && seq-- > failed + 1;)
            if (model[seq].lane == lane && model[seq].epoch == epochs[lane] &&
                world_state(seq) == SLOT_WAITING) {
                slot_set(scoreboard_slot(world.sb, seq, SLOTS), SLOT_WITHDRAWN);
                model[seq].expected = SLOT_WITHDRAWN;
            }
        if (lane != 0)
            epochs[lane]++;
        closed[lane] = false;
    }
    atomic_store(&world.sb->failures_read, failures);
}

static void
withdraw_one(uint64_t above)
{
    uint64_t seq = above + random_below((unsigned)(world.built - above) + 1);
    if (seq < world.built && slot_move(scoreboard_slot(world.sb, seq, SLOTS), SLOT_WAITING, SLOT_WITHDRAWN))
        model[seq].expected = SLOT_WITHDRAWN;
}

static void
act(hr_record *record, uint64_t seq)
{
    model[seq].expected = SLOT_FINISHED;
    if (random_below(5) == 0) {
        random_below(2) ? hr_fail(record, "no") : hr_reject(record, "never");
        model[seq].expected = SLOT_FAILED;
        closed[model[seq].lane] = model[seq].lane != 0;
        for (uint64_t i = seq + 1; i < world.built && model[seq].lane != 0; i++)
            if (model[i].lane == model[seq].lane && model[i].epoch == model[seq].epoch)
                model[i].barred = true;
    }
    if (random_below(10) == 0) {
        world.asleep = random_below(3);
        ck_assert(hr_sleep(&world.self, 0));
    }
}

/* run_random is one life: a body that takes what comes, beside a supervisor that does what it likes. */
static void
run_random(void)
{
    hr_record *record;
    uint64_t next = 0;
    memset(model, 0, sizeof model);
    memset(epochs, 0, sizeof epochs);
    memset(closed, 0, sizeof closed);
    for (;;) {
        while (random_below(3) || (world.n_frames == 0 && !world.self.inbox.queue && random_below(50)))
            make_frame();
        record = hr_next(&world.self);
        uint64_t seq = record ? (uint64_t)hr_offset(record) : world.built;
        for (; next < seq; next++) /* none is left out that should have come */
            ck_assert_msg(world_state(next) == SLOT_WITHDRAWN || model[next].barred,
                          "record %" PRIu64 " was passed over", next);
        if (!record)
            break;
        ck_assert_msg(!model[seq].barred, "record %" PRIu64 " came behind a failure of its lane", seq);
        ck_assert_int_eq(world_state(seq), SLOT_ON);
        next = seq + 1;
        act(record, seq);
        if (random_below(4) == 0)
            withdraw_one(next);
        if (random_below(3) == 0)
            handle_failures();
    }
    for (uint64_t seq = 0; seq < world.built; seq++)
        ck_assert_msg(world_state(seq) == model[seq].expected, "record %" PRIu64 ": %s, expected %s", seq,
                      slot_state_name(world_state(seq)), slot_state_name(model[seq].expected));
    ck_assert_uint_eq(atomic_load(&world.sb->passed), world.built);
    ck_assert_uint_eq(atomic_load(&world.sb->taken), world.built);
}

START_TEST(test_random_runs)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("inbox: HEADRACE_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    random_state = seed * 2 + 1;
    for (int i = 0; i < 300; i++) {
        run_random();
        world_close();
        world_open();
    }
}
END_TEST

Suite *
inbox_random_suite(void)
{
    Suite *suite = suite_create("inbox_random");
    TCase *c = tcase_create("inbox_random");
    tcase_add_checked_fixture(c, world_open, world_close);
    tcase_add_test(c, test_random_runs);
    suite_add_tcase(suite, c);
    return suite;
}
