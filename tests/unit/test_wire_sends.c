/* test_wire_sends.c - frames of sends: what comes out is what went in, and what is spoilt is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/wire_sends.h"
#include "tests/unit/random.h"

Suite *wire_sends_suite(void);

#define GENERATION 7u

static void
add(struct wire_sends_builder *b, const char *topic, const char *key, const char *value)
{
    struct wire_message m = {.partition = 2, .timestamp = 9};
    size_t at = wire_sends_message(b, &m, topic, (struct wire_bytes){key, key ? strlen(key) : 0},
                                   (struct wire_bytes){value, value ? strlen(value) : 0});
    wire_sends_header(b, at, "h", (struct wire_bytes){"x", 1});
    wire_sends_header(b, at, "null", (struct wire_bytes){NULL, 0});
    wire_sends_end(b, at);
}

/* exact copies the frame into a block of its size, so that AddressSanitizer sees a step too far. */
static unsigned char *
exact(struct wire_sends_builder *b, size_t *size)
{
    *size = wire_sends_frame(b, GENERATION);
    unsigned char *frame = mem_alloc(*size);
    memcpy(frame, b->data, *size);
    return frame;
}

static unsigned char *
two_groups(size_t *size)
{
    struct wire_sends_builder b = {0};
    add(&b, "t1", "key", "value");
    add(&b, "t2", NULL, NULL);
    wire_sends_close(&b, 5);
    add(&b, "t3", "", "");
    wire_sends_close(&b, WIRE_NO_RECORD);
    unsigned char *frame = exact(&b, size);
    wire_sends_free(&b);
    return frame;
}

static const char *
check_all(const unsigned char *frame, size_t size)
{
    unsigned type;
    const char *wrong = wire_open(frame, size, GENERATION, &type);
    return wrong ? wrong : wire_sends_check(frame, size);
}

START_TEST(test_there_and_back)
{
    size_t size, length;
    unsigned char *frame = two_groups(&size);
    struct wire_sends_walk walk;
    struct wire_group group;
    struct wire_message_view m;
    const unsigned char *at = NULL;
    const char *value;
    ck_assert_pstr_eq(check_all(frame, size), NULL);
    wire_sends_walk(&walk, frame);
    ck_assert(wire_sends_group(&walk, &group));
    ck_assert_uint_eq(group.seq, 5);
    ck_assert_uint_eq(group.messages, 2);
    ck_assert(wire_sends_next(&walk, &m));
    ck_assert_str_eq(m.topic, "t1");
    ck_assert_str_eq(m.key, "key");
    ck_assert_str_eq(m.value, "value");
    ck_assert_int_eq(m.m.partition, 2);
    ck_assert_int_eq(m.m.timestamp, 9);
    ck_assert_str_eq(wire_header_next(&m.headers, &at, &value, &length), "h");
    ck_assert_str_eq(value, "x");
    ck_assert_str_eq(wire_header_next(&m.headers, &at, &value, &length), "null");
    ck_assert_ptr_null(value);
    ck_assert_ptr_null(wire_header_next(&m.headers, &at, &value, &length));
    ck_assert(wire_sends_group(&walk, &group)); /* the second message was not asked for */
    ck_assert_uint_eq(group.seq, WIRE_NO_RECORD);
    ck_assert(wire_sends_next(&walk, &m));
    ck_assert_str_eq(m.topic, "t3");
    ck_assert_int_eq(m.m.key_length, 0);
    ck_assert_ptr_nonnull(m.value);
    ck_assert(!wire_sends_next(&walk, &m));
    ck_assert(!wire_sends_group(&walk, &group));
    free(frame);
}
END_TEST

/* A group that is open stays when the frame leaves; one that is discarded leaves nothing. */
START_TEST(test_open_groups)
{
    struct wire_sends_builder b = {0};
    size_t size;
    add(&b, "a", NULL, "1");
    wire_sends_close(&b, 1);
    add(&b, "b", NULL, "2");
    wire_sends_discard(&b);
    add(&b, "c", NULL, "3");
    unsigned char *frame = exact(&b, &size);
    ck_assert_pstr_eq(check_all(frame, size), NULL);
    free(frame);
    wire_sends_left(&b);
    ck_assert_uint_eq(b.groups, 0);
    wire_sends_close(&b, 2);
    frame = exact(&b, &size);
    ck_assert_pstr_eq(check_all(frame, size), NULL);
    struct wire_sends_walk walk;
    struct wire_group group;
    struct wire_message_view m;
    wire_sends_walk(&walk, frame);
    ck_assert(wire_sends_group(&walk, &group) && wire_sends_next(&walk, &m));
    ck_assert_str_eq(m.topic, "c");
    ck_assert_uint_eq(group.seq, 2);
    free(frame);
    wire_sends_free(&b);
}
END_TEST

static void
check_refused(size_t at, uint32_t value, const char *why)
{
    size_t size;
    unsigned char *frame = two_groups(&size);
    memcpy(frame + at, &value, sizeof value);
    ck_assert_pstr_eq(check_all(frame, size), why);
    free(frame);
}

START_TEST(test_refused)
{
    const size_t group = sizeof(struct wire_sends), message = group + sizeof(struct wire_group);
    check_refused(offsetof(struct wire_sends, groups), 0, "no groups, or reserved bits are set");
    check_refused(offsetof(struct wire_sends, zero), 1, "no groups, or reserved bits are set");
    check_refused(offsetof(struct wire_sends, groups), 1, "bytes left over behind the groups");
    check_refused(offsetof(struct wire_sends, groups), 3, "group runs past the frame");
    check_refused(group + offsetof(struct wire_group, size), 0xfffffff8, "group of an impossible size");
    check_refused(group + offsetof(struct wire_group, size), 20, "group of an impossible size");
    check_refused(group + offsetof(struct wire_group, messages), 0, "group without messages");
    check_refused(group + offsetof(struct wire_group, messages), 1, "bytes left over in a group");
    check_refused(group + offsetof(struct wire_group, messages), 3, "message runs past its group");
    check_refused(message + offsetof(struct wire_message, size), 8, "message of an impossible size");
    check_refused(message + offsetof(struct wire_message, size), 4096, "message of an impossible size");
    check_refused(message + offsetof(struct wire_message, topic_length), 0, "topic name of an impossible length");
    check_refused(message + offsetof(struct wire_message, topic_length), 250, "topic name of an impossible length");
    check_refused(message + offsetof(struct wire_message, partition), (uint32_t)-2, "negative partition or timestamp");
    check_refused(message + offsetof(struct wire_message, key_length), (uint32_t)-2, "negative length");
    check_refused(message + offsetof(struct wire_message, value_length), 0x7fffffff, "text runs past its record");
    check_refused(message + offsetof(struct wire_message, headers), 9, "header runs past its record");
}
END_TEST

START_TEST(test_order_of_groups)
{
    struct wire_sends_builder b = {0};
    size_t size;
    for (int i = 0; i < 2; i++) {
        add(&b, "a", NULL, "1");
        wire_sends_close(&b, 3);
    }
    unsigned char *frame = exact(&b, &size);
    ck_assert_pstr_eq(check_all(frame, size), "groups in another order than their records");
    free(frame);
    wire_sends_free(&b);
}
END_TEST

START_TEST(test_limit_of_a_group)
{
    struct wire_sends_builder b = {0};
    ck_assert(wire_sends_fits(&b, WIRE_GROUP_MAX - sizeof(struct wire_group)));
    ck_assert(!wire_sends_fits(&b, WIRE_GROUP_MAX - sizeof(struct wire_group) + 1));
    add(&b, "a", NULL, "1");
    ck_assert(!wire_sends_fits(&b, WIRE_GROUP_MAX - sizeof(struct wire_group)));
    wire_sends_close(&b, 1);
    ck_assert(wire_sends_fits(&b, WIRE_GROUP_MAX - sizeof(struct wire_group)));
    wire_sends_free(&b);
}
END_TEST

/* Whatever is in a frame, reading it stays inside, and a frame that is accepted can be walked. */
START_TEST(test_spoilt_at_random)
{
    random_start("wire_sends");
    for (int round = 0; round < 20000; round++) {
        size_t size;
        unsigned char *frame = two_groups(&size);
        for (uint32_t n = 1 + random_below(3); n > 0; n--)
            frame[random_below((uint32_t)size)] = (unsigned char)random_below(256);
        if (!check_all(frame, size)) {
            struct wire_sends_walk walk;
            struct wire_group group;
            struct wire_message_view m;
            wire_sends_walk(&walk, frame);
            while (wire_sends_group(&walk, &group))
                while (wire_sends_next(&walk, &m))
                    ck_assert_uint_gt(strlen(m.topic), 0);
        }
        free(frame);
    }
}
END_TEST

Suite *
wire_sends_suite(void)
{
    Suite *suite = suite_create("wire_sends");
    TCase *tc = tcase_create("wire_sends");
    tcase_add_test(tc, test_there_and_back);
    tcase_add_test(tc, test_open_groups);
    tcase_add_test(tc, test_refused);
    tcase_add_test(tc, test_order_of_groups);
    tcase_add_test(tc, test_limit_of_a_group);
    tcase_add_test(tc, test_spoilt_at_random);
    suite_add_tcase(suite, tc);
    return suite;
}
