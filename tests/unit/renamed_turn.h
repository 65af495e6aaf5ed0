/* renamed_turn.h - other names for turn.c's functions, for a test that includes that code.
 *
 * The program that runs the tests holds the product's own objects too. Define RENAMED(name) first. */
#ifndef TESTS_UNIT_RENAMED_TURN_H
#define TESTS_UNIT_RENAMED_TURN_H

#define turn_init RENAMED(turn_init)
#define turn_begin RENAMED(turn_begin)
#define turn_join RENAMED(turn_join)
#define turn_select RENAMED(turn_select)
#define turn_finish RENAMED(turn_finish)
#define turn_sent RENAMED(turn_sent)
#define turn_fail RENAMED(turn_fail)
#define turn_fail_after RENAMED(turn_fail_after)
#define turn_hand_back RENAMED(turn_hand_back)
#define turn_may_fail RENAMED(turn_may_fail)
#define turn_leave RENAMED(turn_leave)
#define turn_handled RENAMED(turn_handled)

#endif
