/* test_turn.c - the worker's half of the slot protocol, alone: what each step writes, and misuse. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/turn.h"

Suite *turn_suite(void);

#define SLOTS 8

static struct scoreboard *sb;
static struct turn turn;

static void
begin(void)
{
    sb = mem_alloc(scoreboard_size(SLOTS));
    sb->slots = SLOTS;
    for (int i = 0; i < SLOTS; i++)
        sb->state[i] = SLOT_WAITING;
    turn_init(&turn, sb);
}

static void
end(void)
{
    free(sb);
}

START_TEST(test_turn_begins_and_finishes)
{
    ck_assert(turn_begin(&turn, 0, 1, 1));
    ck_assert_uint_eq(sb->state[0], SLOT_ON);
    ck_assert_uint_eq(sb->taken, 1);
    turn_finish(&turn);
    ck_assert_uint_eq(sb->state[0], SLOT_FINISHED);
    ck_assert(turn_begin(&turn, 1, 1, 1));
    turn_leave(&turn, 1);
    ck_assert_uint_eq(sb->passed, 1);
}
END_TEST

START_TEST(test_turn_passes_over_what_was_withdrawn)
{
    sb->state[0] = SLOT_WITHDRAWN;
    ck_assert(!turn_begin(&turn, 0, 1, 1));
    ck_assert_uint_eq(sb->state[0], SLOT_WITHDRAWN);
    ck_assert_uint_eq(sb->taken, 1);
    ck_assert(turn_begin(&turn, 1, 1, 1));
}
END_TEST

START_TEST(test_turn_goes_around_the_ring)
{
    for (uint64_t seq = 0; seq < 3 * SLOTS; seq++) {
        sb->state[seq % SLOTS] = SLOT_WAITING;
        ck_assert(turn_begin(&turn, seq, 1, 1));
        turn_finish(&turn);
        ck_assert_uint_eq(sb->state[seq % SLOTS], SLOT_FINISHED);
        ck_assert_uint_eq(sb->taken, seq + 1);
    }
}
END_TEST

START_TEST(test_turn_hands_back)
{
    ck_assert(turn_begin(&turn, 0, 1, 1));
    turn_hand_back(&turn);
    ck_assert_uint_eq(sb->state[0], SLOT_WAITING);
    ck_assert_uint_eq(sb->failures, 0);
}
END_TEST

START_TEST(test_turn_sends)
{
    ck_assert(turn_begin(&turn, 0, 1, 1));
    turn_sent(&turn);
    ck_assert_uint_eq(sb->state[0], SLOT_SENT);
    ck_assert(turn_begin(&turn, 1, 1, 1)); /* its lane goes on */
    turn_finish(&turn);
    ck_assert_uint_eq(sb->state[1], SLOT_FINISHED);
    ck_assert_uint_eq(sb->failures, 0);
}
END_TEST

START_TEST(test_turn_failure_bars_its_lane_and_epoch)
{
    ck_assert(turn_begin(&turn, 0, 7, 3));
    turn_fail(&turn, FAILURE_REJECTED, "no such feed");
    ck_assert_uint_eq(sb->state[0], SLOT_FAILED);
    ck_assert_uint_eq(sb->failures, 1);
    ck_assert_uint_eq(sb->reasons[0].seq, 0);
    ck_assert_uint_eq(sb->reasons[0].kind, FAILURE_REJECTED);
    ck_assert_str_eq(sb->reasons[0].text, "no such feed");
    ck_assert(!turn_begin(&turn, 1, 7, 3));
    ck_assert_uint_eq(sb->state[1], SLOT_WAITING);
    ck_assert(turn_begin(&turn, 2, 8, 3)); /* another lane */
    turn_finish(&turn);
    ck_assert(turn_begin(&turn, 3, 7, 4)); /* handed out anew */
}
END_TEST

START_TEST(test_turn_failure_without_lane_bars_nothing)
{
    ck_assert(turn_begin(&turn, 0, 0, 1));
    turn_fail(&turn, FAILURE_FAILED, "");
    ck_assert(turn_begin(&turn, 1, 0, 1));
}
END_TEST

START_TEST(test_turn_forgets_handled_bars_only)
{
    ck_assert(turn_begin(&turn, 0, 1, 1));
    turn_fail(&turn, FAILURE_FAILED, "first");
    ck_assert(turn_begin(&turn, 1, 2, 1));
    turn_fail(&turn, FAILURE_FAILED, "second");
    turn_handled(&turn, 0);
    ck_assert_uint_eq(turn.n_bars, 2);
    turn_handled(&turn, 1);
    ck_assert_uint_eq(turn.n_bars, 1);
    ck_assert(turn_begin(&turn, 2, 1, 1));
    turn_finish(&turn);
    ck_assert(!turn_begin(&turn, 3, 2, 1));
    turn_handled(&turn, 2);
    ck_assert(turn_begin(&turn, 4, 2, 1));
}
END_TEST

/* The count of failures comes round after 2^32 of them. */
START_TEST(test_turn_failures_come_round)
{
    turn.failures = UINT32_MAX;
    sb->failures_read = UINT32_MAX;
    ck_assert(turn_begin(&turn, 0, 1, 1));
    ck_assert(turn_may_fail(&turn));
    turn_fail(&turn, FAILURE_FAILED, "");
    ck_assert_uint_eq(sb->failures, 0);
    turn_handled(&turn, UINT32_MAX);
    ck_assert_uint_eq(turn.n_bars, 1);
    turn_handled(&turn, 0);
    ck_assert_uint_eq(turn.n_bars, 0);
}
END_TEST

START_TEST(test_turn_waits_while_reasons_are_unread)
{
    for (uint64_t seq = 0; seq < SCOREBOARD_REASONS; seq++) {
        sb->state[seq % SLOTS] = SLOT_WAITING;
        ck_assert(turn_may_fail(&turn));
        ck_assert(turn_begin(&turn, seq, 0, 1));
        turn_fail(&turn, FAILURE_FAILED, "");
    }
    ck_assert(!turn_may_fail(&turn));
    sb->failures_read = 1;
    ck_assert(turn_may_fail(&turn));
}
END_TEST

/* A frame in which more lanes fail than there are bars: those whose failures were read can be forgotten at
 * once, for the supervisor takes the lane back before it says so. Otherwise the worker would wait for ever.
 */
START_TEST(test_turn_every_lane_of_a_frame_can_fail)
{
    for (uint64_t seq = 0; seq < 3 * TURN_BARS; seq++) {
        sb->state[seq % SLOTS] = SLOT_WAITING;
        ck_assert(turn_begin(&turn, seq, (uint32_t)seq + 1, 1));
        if (!turn_may_fail(&turn)) {
            turn_handled(&turn, sb->failures_read);
            ck_assert(turn_may_fail(&turn));
        }
        turn_fail(&turn, FAILURE_FAILED, "");
        sb->failures_read = turn.failures;
    }
}
END_TEST

START_TEST(test_turn_cuts_a_long_reason)
{
    char text[2 * REASON_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert(turn_begin(&turn, 0, 1, 1));
    turn_fail(&turn, FAILURE_FAILED, text);
    ck_assert_uint_eq(strlen(sb->reasons[0].text), REASON_MAX - 1);
    ck_assert_uint_eq(sb->reasons[1].seq, 0);
    ck_assert_uint_eq((unsigned char)sb->reasons[1].text[0], 0);
}
END_TEST

/* A task that has written over all of it ends before it begins a record out of its turn, or ends the one it is on. */
START_TEST(test_turn_written_over_panics)
{
    if (_i > 0)
        turn_begin(&turn, 0, 1, 1);
    memset(sb, SLOT_WAITING, scoreboard_size(SLOTS));
    if (_i == 0)
        turn_begin(&turn, 0, 1, 1);
    else
        turn_finish(&turn);
}
END_TEST

START_TEST(test_turn_misuse_panics)
{
    switch (_i) {
    case 0:
        turn_begin(&turn, 0, 1, 1);
        turn_begin(&turn, 1, 1, 1);
        break;
    case 1:
        turn_finish(&turn);
        break;
    case 2:
        turn_hand_back(&turn);
        break;
    case 3:
        turn_fail(&turn, FAILURE_FAILED, "");
        break;
    case 4:
        turn_begin(&turn, 0, 1, 1);
        turn_sent(&turn);
        turn_sent(&turn);
        break;
    }
}
END_TEST

Suite *
turn_suite(void)
{
    Suite *suite = suite_create("turn");
    TCase *tc = tcase_create("turn");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, test_turn_begins_and_finishes);
    tcase_add_test(tc, test_turn_passes_over_what_was_withdrawn);
    tcase_add_test(tc, test_turn_goes_around_the_ring);
    tcase_add_test(tc, test_turn_hands_back);
    tcase_add_test(tc, test_turn_sends);
    tcase_add_test(tc, test_turn_failure_bars_its_lane_and_epoch);
    tcase_add_test(tc, test_turn_failure_without_lane_bars_nothing);
    tcase_add_test(tc, test_turn_forgets_handled_bars_only);
    tcase_add_test(tc, test_turn_failures_come_round);
    tcase_add_test(tc, test_turn_waits_while_reasons_are_unread);
    tcase_add_test(tc, test_turn_every_lane_of_a_frame_can_fail);
    tcase_add_test(tc, test_turn_cuts_a_long_reason);
    tcase_add_loop_test_raise_signal(tc, test_turn_written_over_panics, SIGABRT, 0, 2);
    tcase_add_loop_test_raise_signal(tc, test_turn_misuse_panics, SIGABRT, 0, 5);
    suite_add_tcase(suite, tc);
    return suite;
}
