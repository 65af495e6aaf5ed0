/* test_lanes.c - the lanes of order key: found by their key, forgotten, and never mistaken for one another.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/dispatch.h"

Suite *lanes_suite(void);

static struct lanes lanes;
static struct partition parts[2];

static void
begin(void)
{
    lanes_init(&lanes, 77);
}

static void
end(void)
{
    lanes_clear(&lanes);
}

static uint32_t
take(int part, int key)
{
    char text[32];
    int n = sprintf(text, "%d%s", key, key % 3 ? "" : " and a longer one");
    return lanes_take(&lanes, &parts[part], text, (size_t)n);
}

START_TEST(test_lanes_are_found_again)
{
    static uint32_t numbers[2][5000];
    for (int part = 0; part < 2; part++)
        for (int key = 0; key < 5000; key++)
            numbers[part][key] = take(part, key);
    ck_assert_uint_eq(lanes.live, 10000);
    for (int key = 0; key < 5000; key++) {
        ck_assert_uint_eq(take(0, key), numbers[0][key]);
        ck_assert_uint_eq(take(1, key), numbers[1][key]);
        ck_assert_uint_ne(numbers[0][key], numbers[1][key]);
    }
}
END_TEST

START_TEST(test_lanes_come_back_under_another_epoch)
{
    uint32_t number = take(0, 1), epoch = lanes.at[number].epoch;
    for (int i = 0; i < 100; i++) {
        lanes_forget(&lanes, number);
        ck_assert_uint_eq(lanes.live, 0);
        ck_assert_uint_eq(take(i % 2, i), number); /* the number is used again, */
        ck_assert_uint_ne(number, 0);
        ck_assert_uint_gt(lanes.at[number].epoch, epoch); /* and nobody takes the lane for the old one */
        epoch = lanes.at[number].epoch;
    }
}
END_TEST

START_TEST(test_lanes_are_forgotten_out_of_their_chains)
{
    static uint32_t numbers[600];
    for (int key = 0; key < 600; key++)
        numbers[key] = take(0, key);
    for (int key = 0; key < 600; key += 2)
        lanes_forget(&lanes, numbers[key]);
    for (int key = 1; key < 600; key += 2)
        ck_assert_uint_eq(take(0, key), numbers[key]);
    ck_assert_uint_eq(lanes.live, 300);
}
END_TEST

START_TEST(test_lanes_keys_are_bytes)
{
    uint32_t empty = lanes_take(&lanes, &parts[0], "", 0), zero = lanes_take(&lanes, &parts[0], "\0", 1);
    ck_assert_uint_ne(empty, zero);
    ck_assert_uint_ne(lanes_take(&lanes, &parts[0], "\0\0", 2), zero);
    ck_assert_uint_ne(lanes_take(&lanes, &parts[0], "12345678", 8),
                      lanes_take(&lanes, &parts[0], "12345678\0", 9));
    ck_assert_uint_eq(lanes_take(&lanes, &parts[0], "", 0), empty);
}
END_TEST

START_TEST(test_lanes_every_byte_counts)
{
    for (size_t size = 1; size <= 24; size++) {
        unsigned char *key = calloc(1, size); /* no byte more: nothing may be read behind it */
        uint32_t zeros = lanes_take(&lanes, &parts[0], key, size);
        for (size_t i = 0; i < size; i++) {
            key[i] = 1;
            ck_assert_uint_ne(lanes_take(&lanes, &parts[0], key, size), zeros);
            key[i] = 0;
        }
        ck_assert_uint_eq(lanes_take(&lanes, &parts[0], key, size), zeros);
        free(key);
    }
    ck_assert_uint_eq(lanes.live, 24 + 24 * 25 / 2);
}
END_TEST

static uint32_t
middle(const struct lane_list *list)
{
    return list->first ? lanes.at[list->first].after : 0;
}

START_TEST(test_lanes_lists)
{
    struct lane_list list = {0};
    uint32_t a = take(0, 1), b = take(0, 2), c = take(0, 3);
    lanes_append(&lanes, &list, a);
    lanes_append(&lanes, &list, b);
    lanes_prepend(&lanes, &list, c);
    ck_assert_uint_eq(list.first, c);
    ck_assert_uint_eq(middle(&list), a);
    ck_assert_uint_eq(list.last, b);
    lanes_unlink(&lanes, &list, a);
    ck_assert_uint_eq(middle(&list), b);
    lanes_unlink(&lanes, &list, c);
    lanes_unlink(&lanes, &list, b);
    ck_assert_uint_eq(list.first, 0);
    ck_assert_uint_eq(list.last, 0);
}
END_TEST

Suite *
lanes_suite(void)
{
    Suite *suite = suite_create("lanes");
    TCase *tc = tcase_create("lanes");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, test_lanes_are_found_again);
    tcase_add_test(tc, test_lanes_come_back_under_another_epoch);
    tcase_add_test(tc, test_lanes_are_forgotten_out_of_their_chains);
    tcase_add_test(tc, test_lanes_keys_are_bytes);
    tcase_add_test(tc, test_lanes_every_byte_counts);
    tcase_add_test(tc, test_lanes_lists);
    suite_add_tcase(suite, tc);
    return suite;
}
