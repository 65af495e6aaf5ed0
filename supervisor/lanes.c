/* lanes.c - the lanes of order `key`: found by their key, forgotten when nothing of theirs is left.
 *
 * Owns: the lanes' memory, their numbers, the table of them.
 * Guarantees: a number stands for one lane at a time, and comes back under another epoch only: a worker that
 * has barred (number, epoch) never passes over a record of a later lane. Must not know: what may be handed
 * out, workers, Kafka.
 *
 * DESIGN
 * A lane is named by a hash of 64 bits of its key. The keys themselves are not kept: where two share a hash,
 * they share the lane, and are in order with each other, too. The table grows with the lanes that live at
 * once and never shrinks. */
#include "supervisor/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

#define FIRST_BUCKETS 64

void
lanes_init(struct lanes *l, uint64_t seed)
{
    *l = (struct lanes){.n = 1, .seed = seed};
}

void
lanes_clear(struct lanes *l)
{
    free(l->at);
    free(l->buckets);
    memset(l, 0, sizeof *l);
}

/* ---- the table ---- */

/* mix spreads 64 bits over all of them (a multiplication by an odd number, and its high bits back into the
 * low ones). */
static uint64_t
mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 29;
    return h;
}

static uint64_t
read_word(const void *at, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, at, size);
    return word;
}

/* last_word has the bytes behind the whole words; together with the size it says what they are. Where there
 * are eight before the end some are read twice: one load instead of a loop. */
static uint64_t
last_word(const unsigned char *key, size_t size)
{
    if (size >= 8)
        return read_word(key + size - 8, 8);
    if (size >= 4)
        return read_word(key, 4) | read_word(key + size - 4, 4) << 32;
    if (size == 0)
        return 0;
    return key[0] | (uint64_t)key[size / 2] << 8 | (uint64_t)key[size - 1] << 16;
}

static uint64_t
hash_of(const struct lanes *l, const void *key, size_t size)
{
    /* The sizes are far apart: last_word of two of them may be the same. */
    uint64_t h = l->seed + size * UINT64_C(0x9e3779b97f4a7c15);
    const unsigned char *at = key;
    for (size_t left = size; left > 8; left -= 8, at += 8)
        h = mix(h ^ read_word(at, 8));
    return mix(mix(h ^ last_word(key, size)));
}

static uint32_t *
bucket_of(const struct lanes *l, const struct partition *p, uint64_t hash)
{
    return &l->buckets[(hash ^ (uintptr_t)p >> 6) & (l->n_buckets - 1)];
}

static void
grow_table(struct lanes *l)
{
    uint32_t n = l->n_buckets ? l->n_buckets * 2 : FIRST_BUCKETS;
    uint32_t *old = l->buckets, n_old = l->n_buckets;
    l->buckets = mem_array(n, sizeof *l->buckets);
    l->n_buckets = n;
    for (uint32_t i = 0; i < n_old; i++)
        for (uint32_t next, number = old[i]; number != 0; number = next) {
            struct lane *lane = &l->at[number];
            uint32_t *bucket = bucket_of(l, lane->part, lane->hash);
            next = lane->chain;
            lane->chain = *bucket;
            *bucket = number;
        }
    free(old);
}

static uint32_t
new_number(struct lanes *l)
{
    uint32_t number = l->unused;
    if (number != 0) {
        l->unused = l->at[number].chain;
        return number;
    }
    if (l->n >= l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->at = mem_grow(l->at, l->room, sizeof *l->at);
    }
    l->at[l->n] = (struct lane){.number = l->n};
    return l->n++;
}

static uint32_t
begin(struct lanes *l, struct partition *p, uint64_t hash)
{
    if (l->live >= l->n_buckets / 2)
        grow_table(l);
    uint32_t number = new_number(l), *bucket = bucket_of(l, p, hash);
    struct lane *lane = &l->at[number];
    *lane = (struct lane){.next = LANE_NONE,
                          .number = number,
                          .epoch = lane->epoch + 1,
                          .part = p,
                          .hash = hash,
                          .chain = *bucket};
    *bucket = number;
    l->live++;
    return number;
}

uint32_t
lanes_take(struct lanes *l, struct partition *p, const void *key, size_t size)
{
    uint64_t hash = hash_of(l, key, size);
    if (l->n_buckets > 0)
        for (uint32_t number = *bucket_of(l, p, hash); number != 0; number = l->at[number].chain)
            if (l->at[number].hash == hash && l->at[number].part == p)
                return number;
    return begin(l, p, hash);
}

void
lanes_forget(struct lanes *l, uint32_t number)
{
    struct lane *lane = &l->at[number];
    uint32_t *at = bucket_of(l, lane->part, lane->hash);
    while (*at != number)
        at = &l->at[*at].chain;
    *at = lane->chain;
    lane->part = NULL;
    lane->chain = l->unused;
    l->unused = number;
    l->live--;
}

/* ---- lists ---- */

void
lanes_append(struct lanes *l, struct lane_list *list, uint32_t number)
{
    l->at[number].before = list->last;
    l->at[number].after = 0;
    *(list->last ? &l->at[list->last].after : &list->first) = number;
    list->last = number;
}

void
lanes_prepend(struct lanes *l, struct lane_list *list, uint32_t number)
{
    l->at[number].before = 0;
    l->at[number].after = list->first;
    *(list->first ? &l->at[list->first].before : &list->last) = number;
    list->first = number;
}

void
lanes_unlink(struct lanes *l, struct lane_list *list, uint32_t number)
{
    const struct lane *lane = &l->at[number];
    *(lane->before ? &l->at[lane->before].after : &list->first) = lane->after;
    *(lane->after ? &l->at[lane->after].before : &list->last) = lane->before;
}
