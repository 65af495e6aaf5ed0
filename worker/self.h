/* self.h - the task that runs in this process: what hr_task and hr_record are made of.
 *
 * There is one struct hr_task in a worker. The files of this folder each own a part of it, named below; the
 * rest of them reads only. Bodies see it through headrace.h. */
#ifndef WORKER_SELF_H
#define WORKER_SELF_H

#include <jansson.h>
#include <zmq.h>

#include "shared/clock.h"
#include "shared/scoreboard.h"
#include "shared/wire.h"
#include "shared/wire_sends.h"
#include "worker/decode.h"
#include "worker/headrace.h"
#include "worker/peer.h"
#include "worker/turn.h"

enum self_kind { SELF_STREAM, SELF_BACKGROUND, SELF_TIMER };

enum verdict { VERDICT_NONE, VERDICT_FAILED, VERDICT_REJECTED, VERDICT_DECODE };

/* The record that is on. There is one, and it is used again and again. */
struct hr_record {
    struct wire_view view; /* into the inbox's frame */
    const char *topic;     /* into the frame, too */
    int32_t partition;

    enum verdict verdict; /* verdict.c: what the body said of it */
    char reason[REASON_MAX];
    int64_t retry_after_ns; /* VERDICT_FAILED; -1: as the policy says */

    bool parsed; /* record.c: json and error are known */
    json_t *json;
    json_error_t error;
    struct decoder decoder;
    unsigned char *typed; /* the struct of hr_next_as; kept from record to record */
    size_t typed_size;
};

/* A frame that came while the body slept. */
struct parcel {
    zmq_msg_t frame;
    struct parcel *next;
};

/* Where a record of the frame comes from; looked up when the first one comes. */
struct origin {
    const char *topic; /* NULL: not looked up yet */
    int32_t partition;
};

/* inbox.c: the frame that is being worked off, and those behind it. */
struct inbox {
    bool open; /* there is one */
    zmq_msg_t frame;
    struct wire_reader reader; /* of it; all zero when there is none */
    struct origin *origins;    /* of it */
    mono_ns began;             /* when the frame was opened */
    uint64_t begun;            /* records of it that were begun */
    struct parcel *queue;      /* oldest first */
};

/* outbox.c: what records send, until it leaves. */
struct outbox {
    struct wire_sends_builder sends;
    uint32_t finished; /* records since the oldest closed group, with its own */
    mono_ns since;     /* when the oldest closed group was closed */
    uint32_t lane;     /* of the record that closed the newest group */
    mono_ns began;     /* when the body was given the record it is on; 0 before this task has sent anything */
};

/* batch.c: what hr_next_batch gave last, or collects. */
struct batch {
    hr_batch given;
    hr_record **records; /* `room` of them, used again and again */
    uint64_t *seqs;
    size_t n, room;      /* n: those that are collected, or on */
    struct batch_frame {
        zmq_msg_t frame;
        uint64_t end;
    } *frames;           /* that were read to their ends */
    size_t n_frames;
    mono_ns began;
    bool on, collecting;
};

struct hr_task {
    const char *name;
    enum self_kind kind;
    int instance;
    int concurrency;
    uint32_t generation; /* this life */
    struct peer *peer;   /* the supervisor, or what stands in for it */
    struct scoreboard *sb;
    struct turn turn;
    struct inbox inbox;
    struct outbox outbox;
    struct hr_record record;
    struct batch batch;
};

#endif
