/* wire.h - what travels over the ZeroMQ pipes: frames between the supervisor and its children.
 *
 * One frame is one ZeroMQ message. It starts with `struct wire_header`; all integers are in the byte order of
 * the machine, since both ends are on it. wire.md draws the frames. BUMP WIRE_VERSION whenever a layout here
 * changes: supervisor, worker and timer of different versions refuse each other.
 *
 * Who reads trusts nothing: wire_open checks magic, version, type, generation and length, and the wire_get_*
 * and wire_next_* functions check every length before they follow it. A frame that fails is dropped by its
 * reader (the supervisor then replaces the worker; a worker ends). */
#ifndef SHARED_WIRE_H
#define SHARED_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x31575248u /* "HRW1" */
#define WIRE_VERSION 2

enum wire_type {
    /* supervisor to worker */
    WIRE_BATCH = 1, /* records, in the order in which they are to be begun */
    WIRE_TRIGGER,   /* a timer's task is to run once */
    WIRE_STOP,      /* finish what was begun and end; last frame of a life */
    /* worker to supervisor */
    WIRE_READY,     /* loaded, set up, may be given work; first frame of a life (also the timer process's) */
    WIRE_PROGRESS,  /* look at the scoreboard: a frame was left, or a record failed */
    WIRE_TRIGGERED, /* the trigger's run is over */
    WIRE_SENDS,     /* what finished records send, or a body that has none (wire_sends.h) */
    /* timer process to supervisor */
    WIRE_FIRE,      /* a timer is due */
    WIRE_TYPES
};

/* wire_name returns the name of a type for the log, "unknown" for what is none. */
const char *wire_name(unsigned type);

struct wire_header {
    uint32_t magic;
    uint8_t version;
    uint8_t type;
    uint16_t zero;
    uint32_t generation; /* the life of the child this frame is for or from; others are dropped */
    uint32_t length;     /* of the whole frame, header included */
};

/* WIRE_BATCH: wire_batch, then `records` records, then `origins` origins. A record's slot on the scoreboard is
 * (first + its place in the frame) % slots. */
struct wire_batch {
    struct wire_header header;
    uint64_t first;      /* sequence number of the first record; they count up over the whole life */
    uint32_t records;
    uint32_t origins;
    uint32_t origins_at; /* where the origins start, from the start of the frame */
    uint32_t handled;    /* failures of this life that the supervisor had handled when it built the frame:
                            bars of older failures can be forgotten */
};

/* One record. Behind it: key, NUL, value, NUL, then `headers` headers, padding to 8 bytes. The NULs are not
 * counted; they let a task read text as a string. */
struct wire_record {
    uint32_t size;      /* with all that is behind it, a multiple of 8 */
    uint32_t origin;    /* index into the frame's origins */
    uint32_t lane;      /* what keeps order: records of one lane are begun one after the other; 0: none */
    uint32_t epoch;     /* the lane's hand-out: a failure bars (lane, epoch), slot protocol rule 3 */
    uint32_t attempt;   /* 1 the first time */
    int32_t key_length; /* -1: no key */
    int32_t value_length; /* -1: no value (a tombstone) */
    uint32_t headers;
    int64_t offset;
    int64_t timestamp;  /* ms since 1970, -1: none */
};

/* A header of a record: wire_record_header, name, NUL, value, NUL. */
struct wire_record_header {
    uint32_t name_length;
    int32_t value_length; /* -1: null */
};

/* Where records come from: wire_origin, topic, NUL. */
struct wire_origin {
    int32_t partition;
    uint32_t topic_length;
};

struct wire_trigger {
    struct wire_header header;
    uint64_t number;   /* counts the triggers of this timer */
};

struct wire_stop {
    struct wire_header header;
};

struct wire_ready {
    struct wire_header header;
    int32_t pid;
    uint32_t zero;
};

struct wire_progress {
    struct wire_header header;
    uint64_t passed;   /* as on the scoreboard, for the log only */
    uint64_t busy_ns;  /* time spent in the frame that was left; 0: a failure, no frame was left */
    uint64_t records;  /* records begun in that time */
};

struct wire_triggered {
    struct wire_header header;
    uint64_t number;
    int32_t result;    /* what the body returned */
    uint32_t zero;
};

struct wire_fire {
    struct wire_header header;
    uint32_t timer;    /* index in the boot document */
    uint32_t zero;
    uint64_t step;     /* k of start + k * interval */
    uint64_t missed;   /* steps before this one that were due and not fired */
    int64_t lateness_ns;
};

/* wire_fill sets a header's fields. */
void wire_fill(struct wire_header *header, enum wire_type type, uint32_t generation, size_t length);

/* wire_open checks a received frame: NULL if it is good, else why not (a constant text). `size` is what arrived;
 * a fixed-size frame must have exactly its size, a batch at least its fixed part. On success *type is set. */
const char *wire_open(const void *frame, size_t size, uint32_t generation, unsigned *type);

/* A batch being built. Its memory belongs to the builder until wire_batch_finish, which hands over `data`. */
struct wire_builder {
    unsigned char *data;
    size_t size, capacity;
    uint32_t records, origins;
    size_t origins_size;
    unsigned char *origin_data;
    size_t origins_capacity;
};

struct wire_bytes {
    const void *data; /* NULL: absent */
    size_t size;
};

void wire_batch_begin(struct wire_builder *b, size_t expected);
/* wire_batch_origin adds an origin and returns its index. */
uint32_t wire_batch_origin(struct wire_builder *b, const char *topic, int32_t partition);
/* wire_batch_record adds a record: `r` with offset, timestamp, origin, lane, epoch and attempt set; returns
 * where it stands in the frame. Headers follow by wire_batch_header; wire_batch_end closes the record. */
size_t wire_batch_record(struct wire_builder *b, const struct wire_record *r, struct wire_bytes key,
                         struct wire_bytes value);
void wire_batch_header(struct wire_builder *b, size_t at, const char *name, struct wire_bytes value);
void wire_batch_end(struct wire_builder *b, size_t at);
/* wire_batch_copy adds a record that stands in another batch (at `from`), with another origin, lane, epoch and
 * attempt; returns where it stands now. */
size_t wire_batch_copy(struct wire_builder *b, const unsigned char *from, uint32_t origin, uint32_t lane,
                       uint32_t epoch, uint32_t attempt);
/* wire_batch_finish completes the frame; *size is its length. Free the result with free(). */
unsigned char *wire_batch_finish(struct wire_builder *b, uint32_t generation, uint64_t first, uint32_t handled,
                                 size_t *size);
void wire_batch_abandon(struct wire_builder *b);

/* A received batch being read. The views point into the frame. */
struct wire_reader {
    const unsigned char *frame;
    size_t size;
    struct wire_batch batch;
    size_t at;       /* next record */
    uint32_t taken;  /* records read so far */
};

struct wire_view {
    struct wire_record r;
    const char *key;
    const char *value;
    const unsigned char *headers; /* for wire_header_find */
    const unsigned char *end;
};

/* All return NULL if the frame is good so far, else what is wrong. */
const char *wire_read_begin(struct wire_reader *reader, const void *frame, size_t size);
const char *wire_read_next(struct wire_reader *reader, struct wire_view *view);
const char *wire_read_origin(const struct wire_reader *reader, uint32_t index, const char **topic,
                             int32_t *partition);
/* wire_view_record looks at one record of a frame that was built here, or whose size was checked. */
const char *wire_view_record(const unsigned char *at, struct wire_view *view);
/* wire_header_next goes through a record's headers: *at is NULL at the start; returns the name, NULL behind the last one.
 * *value is NULL where the header's value is. */
const char *wire_header_next(const struct wire_view *view, const unsigned char **at, const char **value,
                             size_t *length);
/* wire_header_find returns the value of the last header of that name (Kafka's rule), NULL if there is none or it
 * is null. */
const char *wire_header_find(const struct wire_view *view, const char *name, size_t *length);

#endif
