/* renamed_holding.h - other names for holding.c's functions, for a test that includes that code.
 *
 * The program that runs the tests holds the product's own objects too. Define RENAMED(name) first. */
#ifndef TESTS_UNIT_RENAMED_HOLDING_H
#define TESTS_UNIT_RENAMED_HOLDING_H

#define holding_init RENAMED(holding_init)
#define holding_clear RENAMED(holding_clear)
#define holding_room RENAMED(holding_room)
#define holding_open RENAMED(holding_open)
#define holding_admits RENAMED(holding_admits)
#define holding_full RENAMED(holding_full)
#define holding_put RENAMED(holding_put)
#define holding_close RENAMED(holding_close)
#define holding_drop RENAMED(holding_drop)
#define holding_settle RENAMED(holding_settle)
#define holding_received RENAMED(holding_received)
#define holding_withdraw RENAMED(holding_withdraw)
#define holding_relieve RENAMED(holding_relieve)
#define holding_bury RENAMED(holding_bury)
#define holding_intact RENAMED(holding_intact)
#define holding_alone RENAMED(holding_alone)
#define holding_accuse RENAMED(holding_accuse)
#define holding_on RENAMED(holding_on)
#define holding_n_on RENAMED(holding_n_on)
#define holding_holds RENAMED(holding_holds)
#define holding_slot RENAMED(holding_slot)
#define holding_taken RENAMED(holding_taken)
#define holding_forget RENAMED(holding_forget)
#define holding_item_returned RENAMED(holding_item_returned)
#define holding_item_finished RENAMED(holding_item_finished)
#define holding_read_reason RENAMED(holding_read_reason)

#endif
