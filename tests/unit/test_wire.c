/* test_wire.c - what is refused, and why, one spoilt field at a time; the frames of fixed size; the names.
 *
 * Frames are read from malloc blocks of exactly their size, so that AddressSanitizer sees a step too far.
 * Random batches are in test_batch.c. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/scoreboard.h"
#include "shared/wire.h"

Suite *wire_suite(void);

#define GENERATION 7u

/* read_all reads a batch to its end and returns the first complaint. */
static const char *
read_all(const unsigned char *frame, size_t size)
{
    unsigned type;
    struct wire_reader reader;
    struct wire_view view;
    const char *wrong = wire_open(frame, size, GENERATION, &type);
    if (!wrong)
        wrong = wire_read_begin(&reader, frame, size);
    for (uint32_t i = 0; !wrong && i < reader.batch.records; i++)
        wrong = wire_read_next(&reader, &view);
    return wrong;
}

/* One record with one origin, of which the tests below change one thing each. */
static unsigned char *
small_frame(size_t *size)
{
    struct wire_builder b;
    wire_batch_begin(&b, 0);
    struct wire_record r = {.origin = wire_batch_origin(&b, "logs", 2), .attempt = 1, .offset = 5};
    size_t at = wire_batch_record(&b, &r, (struct wire_bytes){"k", 1}, (struct wire_bytes){"value", 5});
    wire_batch_header(&b, at, "h1", (struct wire_bytes){"x", 1});
    wire_batch_end(&b, at);
    unsigned char *frame = wire_batch_finish(&b, GENERATION, 0, 0, size);
    unsigned char *exact = mem_alloc(*size);
    memcpy(exact, frame, *size);
    free(frame);
    return exact;
}

static void
check_refused(size_t at, uint32_t value, const char *why)
{
    size_t size;
    unsigned char *frame = small_frame(&size);
    ck_assert_pstr_eq(read_all(frame, size), NULL);
    memcpy(frame + at, &value, sizeof value);
    ck_assert_pstr_eq(read_all(frame, size), why);
    free(frame);
}

START_TEST(test_wire_refused)
{
    const size_t rec = sizeof(struct wire_batch);
    const size_t origins = rec + 72;
    check_refused(offsetof(struct wire_batch, origins_at), 32, "origins at an impossible place");
    check_refused(offsetof(struct wire_batch, origins_at), 0xfffffff8, "origins at an impossible place");
    check_refused(offsetof(struct wire_batch, records), 2, "more records than there is room for");
    check_refused(offsetof(struct wire_batch, records), 0, "bytes left over behind the records");
    check_refused(offsetof(struct wire_batch, origins), 0, "bytes left over behind the origins");
    check_refused(offsetof(struct wire_batch, origins), 2, "origin runs past the frame");
    check_refused(rec + offsetof(struct wire_record, size), 80, "record of an impossible size");
    check_refused(rec + offsetof(struct wire_record, size), 64, "bytes left over behind the records");
    check_refused(rec + offsetof(struct wire_record, origin), 1, "record of an unknown origin");
    check_refused(rec + offsetof(struct wire_record, key_length), (uint32_t)-2, "negative length");
    check_refused(rec + offsetof(struct wire_record, key_length), 0x7fffffff, "text runs past its record");
    check_refused(rec + offsetof(struct wire_record, value_length), 2, "text without a NUL behind it");
    check_refused(rec + offsetof(struct wire_record, headers), 0, "bytes left over in a record");
    check_refused(rec + offsetof(struct wire_record, headers), 2, "header runs past its record");
    check_refused(origins + offsetof(struct wire_origin, topic_length), 0,
                  "topic name of an impossible length");
    check_refused(origins + offsetof(struct wire_origin, topic_length), 250,
                  "topic name of an impossible length");
    check_refused(origins + offsetof(struct wire_origin, topic_length), 5, "text runs past its record");
    check_refused(origins + offsetof(struct wire_origin, topic_length), 3, "text without a NUL behind it");
    check_refused(origins + sizeof(struct wire_origin), 'l', "NUL in a topic name");
}
END_TEST

/* ---- the fixed frames
 * --------------------------------------------------------------------------------------------- */

static const size_t fixed[WIRE_TYPES] = {
    [WIRE_TRIGGER] = sizeof(struct wire_trigger),     [WIRE_STOP] = sizeof(struct wire_stop),
    [WIRE_READY] = sizeof(struct wire_ready),         [WIRE_PROGRESS] = sizeof(struct wire_progress),
    [WIRE_TRIGGERED] = sizeof(struct wire_triggered), [WIRE_FIRE] = sizeof(struct wire_fire),
};

START_TEST(test_wire_fixed_sizes)
{
    unsigned char frame[256] = {0};
    for (unsigned t = WIRE_TRIGGER; t < WIRE_TYPES; t++) {
        for (size_t size = sizeof(struct wire_header); size < sizeof frame && fixed[t] > 0; size++) {
            unsigned type = 0;
            wire_fill((struct wire_header *)(void *)frame, t, GENERATION, size);
            const char *wrong = wire_open(frame, size, GENERATION, &type);
            ck_assert_pstr_eq(wrong, size == fixed[t] ? NULL : "wrong size for its type");
            if (!wrong)
                ck_assert_uint_eq(type, t);
        }
        ck_assert_str_ne(wire_name(t), "unknown");
    }
    ck_assert_str_eq(wire_name(0), "unknown");
    ck_assert_str_eq(wire_name(WIRE_TYPES), "unknown");
}
END_TEST

START_TEST(test_wire_open_refused)
{
    struct wire_stop s;
    unsigned type;
    wire_fill(&s.header, WIRE_STOP, GENERATION, sizeof s);
    ck_assert_pstr_eq(wire_open(&s, sizeof s, GENERATION, &type), NULL);
    ck_assert_pstr_eq(wire_open(&s, sizeof s, GENERATION + 1, &type), "from another life");
    ck_assert_pstr_eq(wire_open(&s, 3, GENERATION, &type), "shorter than a header");
    struct wire_stop bad = s;
    bad.header.magic++;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "not a frame of headrace");
    bad = s, bad.header.version++;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "another version of the protocol");
    bad = s, bad.header.type = WIRE_TYPES;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "unknown type");
    bad = s, bad.header.type = 0;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "unknown type");
    bad = s, bad.header.zero = 1;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "reserved bits are set");
    bad = s, bad.header.length++;
    ck_assert_pstr_eq(wire_open(&bad, sizeof bad, GENERATION, &type), "length does not match what arrived");
}
END_TEST

/* A frame may arrive at any address. */
START_TEST(test_wire_unaligned)
{
    size_t size;
    unsigned char *frame = small_frame(&size);
    for (size_t shift = 1; shift < 8; shift++) {
        unsigned char *block = malloc(size + shift);
        memcpy(block + shift, frame, size);
        ck_assert_pstr_eq(read_all(block + shift, size), NULL);
        free(block);
    }
    free(frame);
}
END_TEST

START_TEST(test_state_names)
{
    ck_assert_str_eq(slot_state_name(SLOT_FREE), "free");
    ck_assert_str_eq(slot_state_name(SLOT_WITHDRAWN), "withdrawn");
    for (unsigned s = 0; s < SLOT_STATES; s++)
        ck_assert_str_ne(slot_state_name(s), "unknown");
    ck_assert_str_eq(slot_state_name(SLOT_STATES), "unknown");
}
END_TEST

Suite *
wire_suite(void)
{
    Suite *s = suite_create("wire");
    TCase *t = tcase_create("wire");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_wire_refused);
    tcase_add_test(t, test_wire_unaligned);
    tcase_add_test(t, test_wire_fixed_sizes);
    tcase_add_test(t, test_wire_open_refused);
    tcase_add_test(t, test_state_names);
    suite_add_tcase(s, t);
    return s;
}
