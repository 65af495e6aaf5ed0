/* test_inbox.c - hr_next under a peer in memory: which records a body sees, and what stands on the scoreboard then.
 *
 * The peer plays the supervisor: it makes frames, takes records back, handles failures. Each random run is checked
 * against a model that knows only the rules: records come in the order of the frames, without those taken back and
 * those behind a failure of their lane's hand-out. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/body.h"
#include "worker/inbox.h"
#include "worker/record.h"
#include "worker/told.h"

Suite *inbox_suite(void);

enum { SLOTS = 1024, FRAMES = 64, GENERATION = 3 };

static struct {
    struct hr_task self;
    struct scoreboard *sb;
    struct wire_builder builder; /* the frame that is being made */
    uint64_t built;              /* sequence number behind what was made */
    uint64_t first;              /* of the frame that is being made */
    struct {
        unsigned char *data;
        size_t size;
    } frames[FRAMES]; /* made and not received yet, oldest first */
    unsigned n_frames;
    unsigned asleep;        /* frames that come while the body sleeps */
    unsigned looks, left;   /* WIRE_PROGRESS without and with a frame that was left */
    uint64_t reported;      /* records in those */
    int triggered, result;
} world;

/* ---- the peer ---- */

static void
push(unsigned char *data, size_t size)
{
    ck_assert_uint_lt(world.n_frames, FRAMES);
    world.frames[world.n_frames].data = data;
    world.frames[world.n_frames++].size = size;
}

static void
push_plain(enum wire_type type, size_t size)
{
    unsigned char *frame = mem_alloc(size);
    wire_fill((struct wire_header *)frame, type, GENERATION, size);
    push(frame, size);
}

static enum peer_event
receive(struct peer *peer, zmq_msg_t *frame)
{
    (void)peer;
    if (world.n_frames == 0)
        push_plain(WIRE_STOP, sizeof(struct wire_stop));
    zmq_msg_init_size(frame, world.frames[0].size);
    memcpy(zmq_msg_data(frame), world.frames[0].data, world.frames[0].size);
    free(world.frames[0].data);
    memmove(world.frames, world.frames + 1, --world.n_frames * sizeof world.frames[0]);
    return PEER_FRAME;
}

static enum peer_event
wait_(struct peer *peer, mono_ns deadline)
{
    (void)peer;
    (void)deadline;
    if (told())
        return PEER_TOLD;
    return world.asleep > 0 && world.n_frames > 0 && world.asleep-- ? PEER_FRAME : PEER_TIME;
}

static void
pause_(struct peer *peer)
{
    (void)peer;
    atomic_store(&world.sb->failures_read, atomic_load(&world.sb->failures));
}

static void
send_(struct peer *peer, const void *frame, size_t size)
{
    (void)peer;
    unsigned type;
    ck_assert_ptr_null(wire_open(frame, size, GENERATION, &type));
    if (type == WIRE_TRIGGERED) {
        world.triggered++;
        world.result = ((const struct wire_triggered *)frame)->result;
        return;
    }
    ck_assert_uint_eq(type, WIRE_PROGRESS);
    const struct wire_progress *progress = frame;
    world.looks += progress->busy_ns == 0;
    world.left += progress->busy_ns != 0;
    world.reported += progress->records;
}

static struct peer peer = {receive, wait_, pause_, send_};

/* ---- frames ---- */

static void
begin_frame(void)
{
    wire_batch_begin(&world.builder, 0);
    wire_batch_origin(&world.builder, "first", 4);
    wire_batch_origin(&world.builder, "second", 5);
    world.first = world.built;
}

static void
put(const char *value, uint32_t lane, uint32_t epoch)
{
    struct wire_record r = {.offset = (int64_t)world.built, .timestamp = 77, .attempt = 2, .lane = lane, .epoch = epoch};
    r.origin = world.built % 2;
    size_t at = wire_batch_record(&world.builder, &r, (struct wire_bytes){NULL, 0},
                                  (struct wire_bytes){value, value ? strlen(value) : 0});
    wire_batch_header(&world.builder, at, "h", (struct wire_bytes){"1", 1});
    wire_batch_end(&world.builder, at);
    slot_set(scoreboard_slot(world.sb, world.built++, SLOTS), SLOT_WAITING);
}

static void
end_frame(uint32_t handled)
{
    size_t size;
    unsigned char *data = wire_batch_finish(&world.builder, GENERATION, world.first, handled, &size);
    push(data, size);
}

static unsigned
state(uint64_t seq)
{
    return slot_get(scoreboard_slot(world.sb, seq, SLOTS));
}

static void
setup(void)
{
    memset(&world, 0, sizeof world);
    world.sb = mem_alloc(scoreboard_size(SLOTS));
    world.sb->slots = SLOTS;
    atomic_store(&world.sb->phase, PHASE_READY);
    atomic_store(&told_flag, false);
    told_open(world.sb);
    world.self.name = "t";
    world.self.kind = SELF_STREAM;
    world.self.generation = GENERATION;
    world.self.sb = world.sb;
    world.self.peer = &peer;
    turn_init(&world.self.turn, world.sb);
}

static void
teardown(void)
{
    inbox_close(&world.self);
    record_close(&world.self.record);
    for (unsigned i = 0; i < world.n_frames; i++)
        free(world.frames[i].data);
    free(world.sb);
}

/* ---- single cases ---- */

START_TEST(test_a_record_as_the_body_sees_it)
{
    size_t length = 99;
    begin_frame();
    put("value", 0, 0);
    put(NULL, 0, 0);
    end_frame(0);
    hr_record *record = hr_next(&world.self);
    ck_assert_ptr_nonnull(record);
    ck_assert_ptr_eq(hr_current(&world.self), record);
    ck_assert_str_eq(hr_value(record, &length), "value");
    ck_assert_uint_eq(length, 5);
    ck_assert_ptr_null(hr_key(record, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_str_eq(hr_topic(record), "first");
    ck_assert_int_eq(hr_partition(record), 4);
    ck_assert_int_eq(hr_timestamp(record), 77);
    ck_assert_int_eq(hr_attempt(record), 2);
    ck_assert_str_eq(hr_header(record, "h", &length), "1");
    ck_assert_ptr_null(hr_header(record, "none", &length));
    ck_assert_int_eq(state(0), SLOT_ON);
    record = hr_next(&world.self);
    ck_assert_int_eq(state(0), SLOT_FINISHED);
    ck_assert_ptr_null(hr_value(record, &length));
    ck_assert_str_eq(hr_topic(record), "second");
    ck_assert_int_eq(hr_offset(record), 1);
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_ptr_null(hr_current(&world.self));
    ck_assert_uint_eq(atomic_load(&world.sb->passed), 2);
    ck_assert_uint_eq(world.reported, 2);
}
END_TEST

START_TEST(test_told_to_stop_begins_nothing_more)
{
    begin_frame();
    put("a", 0, 0);
    put("b", 0, 0);
    end_frame(0);
    ck_assert_ptr_nonnull(hr_next(&world.self));
    told_by_frame();
    ck_assert_int_eq(atomic_load(&world.sb->phase), PHASE_TOLD);
    ck_assert_int_eq(state(0), SLOT_ON);
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(state(0), SLOT_FINISHED);
    ck_assert_uint_eq(world.looks, 1); /* the end of the last one is told at once */
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(state(1), SLOT_WAITING);
    ck_assert(!hr_sleep(&world.self, 0));
}
END_TEST

START_TEST(test_stop_behind_a_batch_ends_a_sleep)
{
    begin_frame();
    put("a", 0, 0);
    end_frame(0);
    begin_frame();
    put("b", 0, 0);
    end_frame(0);
    push_plain(WIRE_STOP, sizeof(struct wire_stop));
    ck_assert_ptr_nonnull(hr_next(&world.self));
    world.asleep = 2;
    ck_assert(!hr_sleep(&world.self, 100));
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(state(0), SLOT_FINISHED);
    ck_assert_int_eq(state(1), SLOT_WAITING);
}
END_TEST

#define ROW(FIELD) FIELD(HR_INT, n)
HR_RECORD(row, ROW);

START_TEST(test_what_cannot_be_decoded_is_rejected_and_passed)
{
    const row *r;
    begin_frame();
    put("{\"n\": 1}", 1, 1);
    put("{\"n\": \"1\"}", 2, 1);
    put("{\"n\": 3}", 2, 1);
    put("{\"n\": 4}", 3, 1);
    end_frame(0);
    ck_assert(hr_next_as(&world.self, row, &r));
    ck_assert_int_eq(r->n, 1);
    ck_assert(hr_next_as(&world.self, row, &r));
    ck_assert_int_eq(r->n, 4);
    ck_assert(!hr_next_as(&world.self, row, &r));
    ck_assert_ptr_null(r);
    ck_assert_int_eq(state(1), SLOT_FAILED);
    ck_assert_int_eq(state(2), SLOT_WAITING);
    ck_assert_int_eq(world.sb->reasons[0].kind, FAILURE_DECODE);
    ck_assert_str_eq(world.sb->reasons[0].text, "field \"n\": expected an integer, found a string");
}
END_TEST

/* More lanes fail in one frame than there are bars, or unread reasons. */
START_TEST(test_many_lanes_fail_in_one_frame)
{
    hr_record *record;
    unsigned n = 0;
    begin_frame();
    for (uint32_t lane = 1; lane <= 200; lane++)
        put("x", lane, 1);
    end_frame(0);
    for (; (record = hr_next(&world.self)); n++)
        hr_fail(record, "no");
    ck_assert_uint_eq(n, 200);
    ck_assert_uint_eq(atomic_load(&world.sb->failures), 200);
}
END_TEST

/* ---- how a body ends ---- */

static int
body_takes_one(hr_task *self)
{
    ck_assert_ptr_nonnull(hr_next(self));
    return 5;
}

static int
body_fails_one(hr_task *self)
{
    hr_fail(hr_next(self), "mine");
    return 5;
}

static int
body_is_told(hr_task *self)
{
    ck_assert_ptr_nonnull(hr_next(self));
    told_by_frame();
    return 5;
}

static int
run_one(hr_task_function *body)
{
    begin_frame();
    put("a", 1, 1);
    end_frame(0);
    return body_run(&world.self, body);
}

START_TEST(test_body_that_returns_fails_its_record)
{
    ck_assert_int_eq(run_one(body_takes_one), 1);
    ck_assert_int_eq(state(0), SLOT_FAILED);
    ck_assert_int_eq(world.sb->reasons[0].kind, FAILURE_RETURNED);
    ck_assert_str_eq(world.sb->reasons[0].text, "5");
    ck_assert_int_eq(atomic_load(&world.sb->phase), PHASE_RETURNED);
    ck_assert_int_eq(atomic_load(&world.sb->returned), 5);
}
END_TEST

START_TEST(test_verdict_counts_more_than_the_return)
{
    ck_assert_int_eq(run_one(body_fails_one), 1);
    ck_assert_int_eq(world.sb->reasons[0].kind, FAILURE_FAILED);
    ck_assert_str_eq(world.sb->reasons[0].text, "mine");
}
END_TEST

START_TEST(test_body_that_was_told_hands_its_record_back)
{
    ck_assert_int_eq(run_one(body_is_told), 0);
    ck_assert_int_eq(state(0), SLOT_WAITING);
    ck_assert_uint_eq(atomic_load(&world.sb->failures), 0);
    ck_assert_int_eq(atomic_load(&world.sb->phase), PHASE_TOLD);
}
END_TEST

static int ticks;

static int
body_ticks(hr_task *self)
{
    ck_assert_ptr_null(hr_next(self)); /* a timer has no records */
    return ++ticks == 2 ? 9 : 0;
}

START_TEST(test_timer_runs_at_each_trigger_until_it_fails)
{
    ticks = 0;
    world.self.kind = SELF_TIMER;
    for (int i = 0; i < 3; i++)
        push_plain(WIRE_TRIGGER, sizeof(struct wire_trigger));
    ck_assert_int_eq(body_run(&world.self, body_ticks), 1);
    ck_assert_int_eq(world.triggered, 2);
    ck_assert_int_eq(world.result, 9);
    ck_assert_int_eq(atomic_load(&world.sb->returned), 9);
}
END_TEST

/* ---- random runs against a model ---- */

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
    begin_frame();
    for (unsigned i = 0; i < n; i++) {
        uint32_t lane = random_below(LANES);
        model[world.built].lane = lane;
        model[world.built].epoch = epochs[lane];
        model[world.built].barred = closed[lane];
        model[world.built].expected = SLOT_WAITING;
        put("x", lane, epochs[lane]);
    }
    end_frame(atomic_load(&world.sb->failures_read));
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
            if (model[seq].lane == lane && model[seq].epoch == epochs[lane] && state(seq) == SLOT_WAITING) {
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
            ck_assert_msg(state(next) == SLOT_WITHDRAWN || model[next].barred, "record %" PRIu64 " was passed over", next);
        if (!record)
            break;
        ck_assert_msg(!model[seq].barred, "record %" PRIu64 " came behind a failure of its lane", seq);
        ck_assert_int_eq(state(seq), SLOT_ON);
        next = seq + 1;
        act(record, seq);
        if (random_below(4) == 0)
            withdraw_one(next);
        if (random_below(3) == 0)
            handle_failures();
    }
    for (uint64_t seq = 0; seq < world.built; seq++)
        ck_assert_msg(state(seq) == model[seq].expected, "record %" PRIu64 ": %s, expected %s", seq,
                      slot_state_name(state(seq)), slot_state_name(model[seq].expected));
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
        teardown();
        setup();
    }
}
END_TEST

Suite *
inbox_suite(void)
{
    Suite *suite = suite_create("inbox");
    TCase *c = tcase_create("inbox");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_a_record_as_the_body_sees_it);
    tcase_add_test(c, test_told_to_stop_begins_nothing_more);
    tcase_add_test(c, test_stop_behind_a_batch_ends_a_sleep);
    tcase_add_test(c, test_what_cannot_be_decoded_is_rejected_and_passed);
    tcase_add_test(c, test_many_lanes_fail_in_one_frame);
    tcase_add_test(c, test_body_that_returns_fails_its_record);
    tcase_add_test(c, test_verdict_counts_more_than_the_return);
    tcase_add_test(c, test_body_that_was_told_hands_its_record_back);
    tcase_add_test(c, test_timer_runs_at_each_trigger_until_it_fails);
    tcase_add_test(c, test_random_runs);
    suite_add_tcase(suite, c);
    return suite;
}
