/* test_inbox.c - hr_next: which records a body sees, what stands on the scoreboard then, and how a body ends.
 */
#include <check.h>

#include "tests/unit/inbox_world.h"
#include "worker/body.h"
#include "worker/inbox.h"
#include "worker/told.h"

Suite *inbox_suite(void);

START_TEST(test_a_record_as_the_body_sees_it)
{
    size_t length = 99;
    world_begin_frame();
    world_put("value", 0, 0);
    world_put(NULL, 0, 0);
    world_end_frame(0);
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
    ck_assert_int_eq(world_state(0), SLOT_ON);
    record = hr_next(&world.self);
    ck_assert_int_eq(world_state(0), SLOT_FINISHED);
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
    world_begin_frame();
    world_put("a", 0, 0);
    world_put("b", 0, 0);
    world_end_frame(0);
    ck_assert_ptr_nonnull(hr_next(&world.self));
    told_by_frame();
    ck_assert_int_eq(atomic_load(&world.sb->phase), PHASE_TOLD);
    ck_assert_int_eq(world_state(0), SLOT_ON);
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(world_state(0), SLOT_FINISHED);
    ck_assert_uint_eq(world.looks, 1); /* the end of the last one is told at once */
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(world_state(1), SLOT_WAITING);
    ck_assert(!hr_sleep(&world.self, 0));
}
END_TEST

START_TEST(test_stop_behind_a_batch_ends_a_sleep)
{
    world_begin_frame();
    world_put("a", 0, 0);
    world_end_frame(0);
    world_begin_frame();
    world_put("b", 0, 0);
    world_end_frame(0);
    world_push_plain(WIRE_STOP, sizeof(struct wire_stop));
    ck_assert_ptr_nonnull(hr_next(&world.self));
    world.asleep = 2;
    ck_assert(!hr_sleep(&world.self, 100));
    ck_assert_ptr_null(hr_next(&world.self));
    ck_assert_int_eq(world_state(0), SLOT_FINISHED);
    ck_assert_int_eq(world_state(1), SLOT_WAITING);
}
END_TEST

#define ROW(FIELD) FIELD(HR_INT, n)
HR_RECORD(row, ROW);

START_TEST(test_what_cannot_be_decoded_is_rejected_and_passed)
{
    const row *r;
    world_begin_frame();
    world_put("{\"n\": 1}", 1, 1);
    world_put("{\"n\": \"1\"}", 2, 1);
    world_put("{\"n\": 3}", 2, 1);
    world_put("{\"n\": 4}", 3, 1);
    world_end_frame(0);
    ck_assert(hr_next_as(&world.self, row, &r));
    ck_assert_int_eq(r->n, 1);
    ck_assert(hr_next_as(&world.self, row, &r));
    ck_assert_int_eq(r->n, 4);
    ck_assert(!hr_next_as(&world.self, row, &r));
    ck_assert_ptr_null(r);
    ck_assert_int_eq(world_state(1), SLOT_FAILED);
    ck_assert_int_eq(world_state(2), SLOT_WAITING);
    ck_assert_int_eq(world.sb->reasons[0].kind, FAILURE_DECODE);
    ck_assert_str_eq(world.sb->reasons[0].text, "field \"n\": expected an integer, found a string");
}
END_TEST

/* More lanes fail in one frame than there are bars, or unread reasons. */
START_TEST(test_many_lanes_fail_in_one_frame)
{
    hr_record *record;
    unsigned n = 0;
    world_begin_frame();
    for (uint32_t lane = 1; lane <= 200; lane++)
        world_put("x", lane, 1);
    world_end_frame(0);
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
    world_begin_frame();
    world_put("a", 1, 1);
    world_end_frame(0);
    return body_run(&world.self, body);
}

START_TEST(test_body_that_returns_fails_its_record)
{
    ck_assert_int_eq(run_one(body_takes_one), 1);
    ck_assert_int_eq(world_state(0), SLOT_FAILED);
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
    ck_assert_int_eq(world_state(0), SLOT_WAITING);
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
        world_push_plain(WIRE_TRIGGER, sizeof(struct wire_trigger));
    ck_assert_int_eq(body_run(&world.self, body_ticks), 1);
    ck_assert_int_eq(world.triggered, 2);
    ck_assert_int_eq(world.result, 9);
    ck_assert_int_eq(atomic_load(&world.sb->returned), 9);
}
END_TEST

Suite *
inbox_suite(void)
{
    Suite *suite = suite_create("inbox");
    TCase *c = tcase_create("inbox");
    tcase_add_checked_fixture(c, world_open, world_close);
    tcase_add_test(c, test_a_record_as_the_body_sees_it);
    tcase_add_test(c, test_told_to_stop_begins_nothing_more);
    tcase_add_test(c, test_stop_behind_a_batch_ends_a_sleep);
    tcase_add_test(c, test_what_cannot_be_decoded_is_rejected_and_passed);
    tcase_add_test(c, test_many_lanes_fail_in_one_frame);
    tcase_add_test(c, test_body_that_returns_fails_its_record);
    tcase_add_test(c, test_verdict_counts_more_than_the_return);
    tcase_add_test(c, test_body_that_was_told_hands_its_record_back);
    tcase_add_test(c, test_timer_runs_at_each_trigger_until_it_fails);
    suite_add_tcase(suite, c);
    return suite;
}
