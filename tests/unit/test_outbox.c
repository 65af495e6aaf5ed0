/* test_outbox.c - what records send: when it leaves, and when it does not. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/unit/inbox_world.h"
#include "worker/body.h"
#include "worker/outbox.h"
#include "worker/told.h"

Suite *outbox_suite(void);

static void
put_records(int n)
{
    world_begin_frame();
    for (int i = 0; i < n; i++)
        world_put("x", 1, 1);
    world_end_frame(0);
}

static hr_record *
next(void)
{
    return hr_next(&world.self);
}

static void
send_text(const char *topic, const char *value)
{
    ck_assert_int_eq(hr_send(&world.self, topic, NULL, 0, value, strlen(value)), 0);
}

/* cheap_records makes the next records look as if they took no time, and what is kept as if it was new. */
static void
cheap_records(void)
{
    world.self.outbox.began = world.self.outbox.since = clock_mono() + NS_PER_S;
}

START_TEST(test_leaves_when_the_record_has_finished)
{
    put_records(2);
    next();
    send_text("a", "1");
    send_text("b", "2");
    ck_assert_str_eq(world.sent, "");
    next();
    ck_assert_str_eq(world.sent, "0:a=1,b=2 | ");
    ck_assert_int_eq(world_state(0), SLOT_SENT);
    ck_assert_ptr_null(next());
    ck_assert_int_eq(world_state(1), SLOT_FINISHED);
    ck_assert_str_eq(world.sent, "0:a=1,b=2 | ");
}
END_TEST

START_TEST(test_a_failed_record_sends_nothing)
{
    put_records(3);
    send_text("a", "1"); /* before the first record: of none */
    hr_record *record = next();
    send_text("a", "2");
    hr_fail(record, "no");
    record = next(); /* the lane is barred: there is none; the sends of none left before */
    ck_assert_ptr_null(record);
    ck_assert_str_eq(world.sent, "-1:a=1 | ");
    ck_assert_int_eq(world_state(0), SLOT_FAILED);
}
END_TEST

/* Cheap records share a frame; it leaves before the worker waits for the next one. */
START_TEST(test_cheap_records_share_a_frame)
{
    put_records(3);
    next();
    send_text("a", "1");
    next(); /* the first one is not known to be cheap */
    for (int i = 2; i < 4; i++) {
        send_text("a", i == 2 ? "2" : "3");
        cheap_records();
        next();
    }
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 2:a=3 | ");
}
END_TEST

START_TEST(test_not_more_than_64_records_are_kept)
{
    put_records(200);
    next();
    send_text("a", "1");
    next();
    send_text("a", "2");
    for (int i = 0; i < 63; i++) {
        cheap_records();
        next(); /* these send nothing, but would be repeated, too */
    }
    ck_assert_str_eq(world.sent, "0:a=1 | ");
    cheap_records();
    next();
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 | ");
}
END_TEST

/* What a lane sends does not wait behind the record of another lane, however quick they were so far. */
START_TEST(test_leaves_before_a_record_of_another_lane)
{
    world_begin_frame();
    world_put("x", 1, 1);
    world_put("x", 1, 1);
    world_put("x", 1, 1);
    world_put("x", 2, 1);
    world_end_frame(0);
    next();
    send_text("a", "1");
    next();
    for (int i = 2; i < 4; i++) {
        send_text("a", i == 2 ? "2" : "3");
        cheap_records();
        next();
    }
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 2:a=3 | ");
    ck_assert_int_eq(world_state(3), SLOT_ON);
}
END_TEST

/* A body that is held back, since the broker is away, hears the stop all the same. */
START_TEST(test_held_back_and_told_to_stop)
{
    world.self.kind = SELF_BACKGROUND;
    atomic_store(&world.sb->hold_back, 1);
    world_push_plain(WIRE_STOP, sizeof(struct wire_stop));
    world.asleep = 1;
    ck_assert(!hr_sleep(&world.self, 1000));
    ck_assert(told());
}
END_TEST

START_TEST(test_what_is_old_leaves)
{
    put_records(4);
    next();
    send_text("a", "1");
    next();
    send_text("a", "2");
    cheap_records();
    next();
    ck_assert_str_eq(world.sent, "0:a=1 | ");
    world.self.outbox.since = clock_mono() - 11 * NS_PER_MS;
    next();
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 | ");
}
END_TEST

/* A failure is told only behind what was sent before it. */
START_TEST(test_leaves_before_a_failure)
{
    put_records(2);
    world.self.outbox.sends.data = mem_alloc(64); /* it has sent before */
    world.self.outbox.sends.capacity = 64;
    next();
    send_text("a", "1");
    cheap_records();
    hr_record *record = next();
    ck_assert_str_eq(world.sent, "");
    hr_fail(record, "no");
    ck_assert_ptr_null(next());
    ck_assert_str_eq(world.sent, "0:a=1 | ");
}
END_TEST

START_TEST(test_leaves_when_told_to_stop)
{
    put_records(2);
    next();
    send_text("a", "1");
    cheap_records();
    told_by_frame();
    ck_assert_ptr_null(next());
    ck_assert_str_eq(world.sent, "0:a=1 | ");
}
END_TEST

static int
hands_back(hr_task *self)
{
    hr_next(self);
    hr_send(self, "a", NULL, 0, "1", 1);
    hr_next(self);
    hr_send(self, "a", NULL, 0, "2", 1);
    told_by_frame();
    return 0;
}

START_TEST(test_a_record_that_is_handed_back_sends_nothing)
{
    put_records(2);
    body_run(&world.self, hands_back);
    ck_assert_str_eq(world.sent, "0:a=1 | ");
    ck_assert_int_eq(world_state(1), SLOT_WAITING);
}
END_TEST

static int
sends_and_sleeps(hr_task *self)
{
    hr_send(self, "a", NULL, 0, "1", 1);
    hr_sleep(self, 0);
    hr_send(self, "a", NULL, 0, "2", 1);
    return 0;
}

START_TEST(test_a_background_task_sends_when_it_sleeps_and_returns)
{
    world.self.kind = SELF_BACKGROUND;
    body_run(&world.self, sends_and_sleeps);
    ck_assert_str_eq(world.sent, "-1:a=1 | -1:a=2 | ");
}
END_TEST

/* What the record on sends stays back when the body sleeps; what others sent leaves. */
START_TEST(test_a_sleep_lets_finished_ones_leave)
{
    put_records(3);
    next();
    send_text("a", "1");
    next();
    send_text("a", "2");
    cheap_records();
    next();
    send_text("a", "3");
    hr_sleep(&world.self, 0);
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 | ");
    next();
    ck_assert_str_eq(world.sent, "0:a=1 | 1:a=2 | 2:a=3 | ");
}
END_TEST

START_TEST(test_too_much_for_one_record)
{
    char *large = mem_alloc(HR_SEND_MAX / 2);
    put_records(2);
    next();
    ck_assert_int_eq(hr_send(&world.self, "a", NULL, 0, large, HR_SEND_MAX / 2), 0);
    ck_assert_int_eq(hr_send(&world.self, "a", NULL, 0, large, HR_SEND_MAX / 2), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_int_eq(hr_send(&world.self, "a", NULL, 0, large, HR_SEND_MAX / 2 - 1000), 0);
    ck_assert_int_eq(hr_send(&world.self, "a", large, SIZE_MAX, large, 1), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    next(); /* the record has a group of its own again */
    ck_assert_int_eq(hr_send(&world.self, "a", NULL, 0, large, HR_SEND_MAX / 2), 0);
    free(large);
}
END_TEST

START_TEST(test_what_cannot_be_sent)
{
    const hr_message_header nameless = {NULL, NULL, 0}, missing = {"h", NULL, 3};
    const hr_message bad[] = {
        {.topic = NULL},
        {.topic = ""},
        {.topic = "a/b"},
        {.topic = "."},
        {.topic = "a", .key_length = 1},
        {.topic = "a", .value_length = 1},
        {.topic = "a", .has_partition = true, .partition = -1},
        {.topic = "a", .timestamp = -1},
        {.topic = "a", .n_headers = 1},
        {.topic = "a", .n_headers = 1, .headers = &nameless},
        {.topic = "a", .n_headers = 1, .headers = &missing},
    };
    put_records(2);
    next();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        errno = 0;
        ck_assert_int_eq(hr_send_message(&world.self, &bad[i]), -1);
        ck_assert_int_eq(errno, EINVAL);
    }
    next();
    ck_assert_str_eq(world.sent, "");
    ck_assert_int_eq(world_state(0), SLOT_FINISHED);
}
END_TEST

/* errno_of_send: 0 where it was taken. */
static void *
errno_of_send(void *unused)
{
    (void)unused;
    int result = hr_send(&world.self, "a", NULL, 0, "elsewhere", 9);
    return (void *)(intptr_t)(result == 0 ? 0 : errno);
}

START_TEST(test_only_the_thread_of_the_body_sends)
{
    pthread_t thread;
    void *error = NULL;
    int status = 0;
    put_records(1);
    next();
    send_text("a", "1");
    ck_assert_int_eq(pthread_create(&thread, NULL, errno_of_send, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &error), 0);
    ck_assert_int_eq((int)(intptr_t)error, EPERM);
    pid_t child = fork();
    if (child == 0)
        _exit((int)(intptr_t)errno_of_send(NULL));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), EPERM);
    send_text("a", "2");
    next();
    ck_assert_str_eq(world.sent, "0:a=1,a=2 | ");
}
END_TEST

Suite *
outbox_suite(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tc = tcase_create("outbox");
    tcase_add_checked_fixture(tc, world_open, world_close);
    tcase_add_test(tc, test_leaves_when_the_record_has_finished);
    tcase_add_test(tc, test_a_failed_record_sends_nothing);
    tcase_add_test(tc, test_cheap_records_share_a_frame);
    tcase_add_test(tc, test_not_more_than_64_records_are_kept);
    tcase_add_test(tc, test_leaves_before_a_record_of_another_lane);
    tcase_add_test(tc, test_held_back_and_told_to_stop);
    tcase_add_test(tc, test_what_is_old_leaves);
    tcase_add_test(tc, test_leaves_before_a_failure);
    tcase_add_test(tc, test_leaves_when_told_to_stop);
    tcase_add_test(tc, test_a_record_that_is_handed_back_sends_nothing);
    tcase_add_test(tc, test_a_background_task_sends_when_it_sleeps_and_returns);
    tcase_add_test(tc, test_a_sleep_lets_finished_ones_leave);
    tcase_add_test(tc, test_too_much_for_one_record);
    tcase_add_test(tc, test_what_cannot_be_sent);
    tcase_add_test(tc, test_only_the_thread_of_the_body_sends);
    suite_add_tcase(suite, tc);
    return suite;
}
