/* test_batch.c - batches against a model: what is written is read back, and what was spoilt never leads
 * outside of the frame.
 *
 * Frames are read from malloc blocks of exactly their size, so that AddressSanitizer sees a step too far. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/wire.h"

Suite *batch_suite(void);

#define GENERATION 7u

/* ---- random input, repeatable: HEADRACE_SEED=n gives the run of that seed again
 * -------------------------------- */

static uint64_t random_state;

static uint64_t
random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint32_t
random_below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

static void
random_seed(const char *test)
{
    const char *given = getenv("HEADRACE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono();
    printf("%s: HEADRACE_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    random_state = seed * 2 + 1; /* never zero */
}

/* ---- a model of a batch
 * ----------------------------------------------------------------------------------------- */

#define MODEL_RECORDS 40
#define MODEL_HEADERS 4
#define MODEL_ORIGINS 3

struct model_bytes {
    int length; /* -1: absent */
    char data[120];
};

struct model_record {
    struct wire_record r;
    struct model_bytes key, value;
    uint32_t headers;
    char names[MODEL_HEADERS][8];
    struct model_bytes header_values[MODEL_HEADERS];
};

struct model {
    uint32_t records, origins;
    struct model_record record[MODEL_RECORDS];
    char topics[MODEL_ORIGINS][250];
};

static void
model_bytes_fill(struct model_bytes *b)
{
    b->length = (int)random_below(sizeof b->data) - 1;
    for (int i = 0; i < b->length; i++)
        b->data[i] = (char)random_next(); /* NULs as well */
}

static struct wire_bytes
model_bytes(const struct model_bytes *b)
{
    return (struct wire_bytes){b->length < 0 ? NULL : b->data, b->length < 0 ? 0 : (size_t)b->length};
}

static void
model_record_fill(struct model_record *m, uint32_t origins)
{
    m->r = (struct wire_record){
        .origin = random_below(origins),
        .lane = (uint32_t)random_next(),
        .epoch = (uint32_t)random_next(),
        .attempt = 1 + random_below(5),
        .offset = (int64_t)(random_next() >> 1),
        .timestamp = (int64_t)random_below(1000) - 1,
    };
    model_bytes_fill(&m->key);
    model_bytes_fill(&m->value);
    m->headers = random_below(MODEL_HEADERS + 1);
    for (uint32_t i = 0; i < m->headers; i++) {
        snprintf(m->names[i], sizeof m->names[i], "h%u", random_below(3)); /* names do repeat */
        model_bytes_fill(&m->header_values[i]);
    }
}

static struct model *
model_new(void)
{
    struct model *m = mem_alloc(sizeof *m);
    m->origins = 1 + random_below(MODEL_ORIGINS);
    for (uint32_t i = 0; i < m->origins; i++)
        memset(m->topics[i], 'a' + (int)i, 1 + random_below(249));
    m->records = random_below(MODEL_RECORDS + 1);
    for (uint32_t i = 0; i < m->records; i++)
        model_record_fill(&m->record[i], m->origins);
    return m;
}

static unsigned char *
exact(unsigned char *frame, size_t size)
{
    unsigned char *copy = mem_alloc(size);
    memcpy(copy, frame, size);
    free(frame);
    return copy;
}

static unsigned char *
model_write(const struct model *m, size_t *size)
{
    struct wire_builder b;
    wire_batch_begin(&b, random_below(2) ? 0 : random_below(20000));
    for (uint32_t i = 0; i < m->origins; i++)
        ck_assert_uint_eq(wire_batch_origin(&b, m->topics[i], (int32_t)i * 10), i);
    for (uint32_t i = 0; i < m->records; i++) {
        const struct model_record *rec = &m->record[i];
        size_t at = wire_batch_record(&b, &rec->r, model_bytes(&rec->key), model_bytes(&rec->value));
        for (uint32_t h = 0; h < rec->headers; h++)
            wire_batch_header(&b, at, rec->names[h], model_bytes(&rec->header_values[h]));
        wire_batch_end(&b, at);
    }
    unsigned char *frame = wire_batch_finish(&b, GENERATION, 1000, 3, size);
    return exact(frame, *size);
}

static void
check_bytes(const char *data, int32_t length, const struct model_bytes *want)
{
    ck_assert_int_eq(length, want->length);
    ck_assert_int_eq(data == NULL, want->length < 0);
    if (length >= 0) {
        ck_assert_mem_eq(data, want->data, (size_t)length);
        ck_assert_int_eq(data[length], 0);
    }
}

static void
check_headers(const struct wire_view *view, const struct model_record *want)
{
    for (uint32_t i = 0; i < want->headers; i++) {
        uint32_t last = i;
        for (uint32_t j = i; j < want->headers; j++)
            if (strcmp(want->names[j], want->names[i]) == 0)
                last = j;
        size_t length = 0;
        const char *value = wire_header_find(view, want->names[i], &length);
        check_bytes(value, value ? (int32_t)length : -1, &want->header_values[last]);
    }
    size_t length;
    ck_assert_ptr_null(wire_header_find(view, "missing", &length));
}

static void
check_record(const struct wire_view *view, const struct model_record *want)
{
    ck_assert_uint_eq(view->r.origin, want->r.origin);
    ck_assert_uint_eq(view->r.lane, want->r.lane);
    ck_assert_uint_eq(view->r.epoch, want->r.epoch);
    ck_assert_uint_eq(view->r.attempt, want->r.attempt);
    ck_assert_int_eq(view->r.offset, want->r.offset);
    ck_assert_int_eq(view->r.timestamp, want->r.timestamp);
    ck_assert_uint_eq(view->r.headers, want->headers);
    check_bytes(view->key, view->r.key_length, &want->key);
    check_bytes(view->value, view->r.value_length, &want->value);
    check_headers(view, want);
}

static void
check_model(const struct model *m, const unsigned char *frame, size_t size)
{
    unsigned type;
    ck_assert_pstr_eq(wire_open(frame, size, GENERATION, &type), NULL);
    ck_assert_uint_eq(type, WIRE_BATCH);
    struct wire_reader reader;
    ck_assert_pstr_eq(wire_read_begin(&reader, frame, size), NULL);
    ck_assert_uint_eq(reader.batch.first, 1000);
    ck_assert_uint_eq(reader.batch.handled, 3);
    ck_assert_uint_eq(reader.batch.records, m->records);
    for (uint32_t i = 0; i < m->records; i++) {
        struct wire_view view;
        ck_assert_pstr_eq(wire_read_next(&reader, &view), NULL);
        check_record(&view, &m->record[i]);
    }
    struct wire_view view;
    ck_assert_pstr_eq(wire_read_next(&reader, &view), "no record left");
    for (uint32_t i = 0; i < m->origins; i++) {
        const char *topic;
        int32_t partition;
        ck_assert_pstr_eq(wire_read_origin(&reader, i, &topic, &partition), NULL);
        ck_assert_str_eq(topic, m->topics[i]);
        ck_assert_int_eq(partition, (int32_t)i * 10);
    }
}

START_TEST(test_batch_round_trip)
{
    random_seed("test_batch_round_trip");
    for (int i = 0; i < 300; i++) {
        struct model *m = model_new();
        size_t size;
        unsigned char *frame = model_write(m, &size);
        check_model(m, frame, size);
        free(frame);
        free(m);
    }
}
END_TEST

/* Records copied to another batch are the same but for what the new hand-out says. */
START_TEST(test_batch_copy)
{
    random_seed("test_batch_copy");
    struct model *m = model_new();
    size_t size, copied_size;
    unsigned char *frame = model_write(m, &size);
    struct wire_builder b;
    wire_batch_begin(&b, 0);
    wire_batch_origin(&b, "elsewhere", 4);
    size_t from = sizeof(struct wire_batch);
    for (uint32_t i = 0; i < m->records; i++) {
        size_t at = wire_batch_copy(&b, frame + from, 0, i, i + 1, i + 2);
        ck_assert_uint_eq(at, from);
        from += *(uint32_t *)(void *)(frame + from);
        struct wire_record *r = &m->record[i].r;
        r->origin = 0, r->lane = i, r->epoch = i + 1, r->attempt = i + 2;
    }
    unsigned char *copied = wire_batch_finish(&b, GENERATION, 1000, 3, &copied_size);
    copied = exact(copied, copied_size);
    m->origins = 0;
    check_model(m, copied, copied_size);
    free(copied);
    free(frame);
    free(m);
}
END_TEST

/* ---- hostile frames
 * --------------------------------------------------------------------------------------------- */

static volatile unsigned touched;

static void
touch(const char *text, int32_t length)
{
    for (int32_t i = 0; text && i <= length; i++) /* with the NUL */
        touched += (unsigned char)text[i];
}

/* read_all reads whatever can be read and returns the first complaint. */
static const char *
read_all(const unsigned char *frame, size_t size)
{
    unsigned type;
    struct wire_reader reader;
    const char *wrong = wire_open(frame, size, GENERATION, &type);
    if (wrong || (wrong = wire_read_begin(&reader, frame, size)))
        return wrong;
    struct wire_view view;
    for (uint32_t i = 0; i < reader.batch.records; i++) {
        if ((wrong = wire_read_next(&reader, &view)))
            return wrong;
        touch(view.key, view.r.key_length);
        touch(view.value, view.r.value_length);
        size_t length;
        const char *value = wire_header_find(&view, "h1", &length);
        touch(value, value ? (int32_t)length : -1);
        const char *topic;
        int32_t partition;
        ck_assert_pstr_eq(wire_read_origin(&reader, view.r.origin, &topic, &partition), NULL);
        touched += (unsigned)strlen(topic);
    }
    return NULL;
}

/* spoil changes a few bytes, preferably to values that hurt lengths. */
static void
spoil(unsigned char *frame, size_t size)
{
    static const uint32_t evil[] = {0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
    for (uint32_t n = 1 + random_below(3); n > 0; n--) {
        size_t at = 16 + random_below((uint32_t)size - 16); /* the header would be refused at once */
        if (random_below(2) || at + 4 > size) {
            frame[at] = (unsigned char)random_next();
        } else {
            uint32_t value = evil[random_below(sizeof evil / sizeof evil[0])];
            memcpy(frame + (at & ~(size_t)3), &value, 4);
        }
    }
}

START_TEST(test_batch_spoilt)
{
    random_seed("test_batch_spoilt");
    unsigned refused = 0;
    for (int i = 0; i < 3000; i++) {
        struct model *m = model_new();
        size_t size;
        unsigned char *frame = model_write(m, &size);
        spoil(frame, size);
        refused += read_all(frame, size) != NULL;
        free(frame);
        free(m);
    }
    printf("test_batch_spoilt: %u of 3000 refused\n", refused);
    ck_assert_uint_gt(refused, 100); /* most changes hit content, which cannot be checked */
}
END_TEST

/* Every shorter frame is refused, also when its header admits to the new length. */
START_TEST(test_batch_cut)
{
    random_seed("test_batch_cut");
    struct model *m = model_new();
    size_t size;
    unsigned char *frame = model_write(m, &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut ? cut : 1);
        memcpy(part, frame, cut);
        ck_assert_ptr_nonnull(read_all(part, cut));
        if (cut >= sizeof(struct wire_header)) {
            uint32_t length = (uint32_t)cut;
            memcpy(part + offsetof(struct wire_header, length), &length, sizeof length);
            ck_assert_ptr_nonnull(read_all(part, cut));
        }
        free(part);
    }
    free(frame);
    free(m);
}
END_TEST

Suite *
batch_suite(void)
{
    Suite *s = suite_create("batch");
    TCase *t = tcase_create("batch");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_batch_round_trip);
    tcase_add_test(t, test_batch_copy);
    tcase_add_test(t, test_batch_spoilt);
    tcase_add_test(t, test_batch_cut);
    suite_add_tcase(s, t);
    return s;
}
