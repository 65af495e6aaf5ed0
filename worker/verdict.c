/* verdict.c - hr_fail and hr_reject: what the body says of the record that it is on.
 *
 * Owns: the record's verdict and reason. They only mark it: the body goes on working on the record, so it is
 *   published by inbox.c when the body asks for the next one, or returns.
 * Guarantees: the last hr_fail counts, and hr_reject wins over it; the reason is one line of UTF-8.
 * Must not know: attempts, what becomes of the record. */
#include "worker/verdict.h"

#include <stdarg.h>

#include "shared/log.h"
#include "worker/text.h"

enum failure_kind
verdict_kind(enum verdict verdict)
{
    static const enum failure_kind kinds[] = {
        [VERDICT_NONE] = FAILURE_RETURNED,
        [VERDICT_FAILED] = FAILURE_FAILED,
        [VERDICT_REJECTED] = FAILURE_REJECTED,
        [VERDICT_DECODE] = FAILURE_DECODE,
    };
    return kinds[verdict];
}

static void
say(struct hr_record *record, enum verdict verdict, const char *format, va_list args)
{
    if (record->verdict > verdict)
        return;
    if (record->verdict == VERDICT_NONE)
        record->retry_after_ns = -1;
    record->verdict = verdict;
    text_format(record->reason, sizeof record->reason, format, args);
}

void
hr_fail(hr_record *record, const char *format, ...)
{
    if (!record) {
        log_warn("hr_fail without a record", NULL);
        return;
    }
    va_list args;
    va_start(args, format);
    say(record, VERDICT_FAILED, format, args);
    va_end(args);
}

#define WAIT_MAX (366 * 24 * 3600.0)

void
hr_retry_after(hr_record *record, double seconds)
{
    if (!record || !(seconds >= 0)) {
        log_warn("hr_retry_after without a record, or with a wait that is none", "seconds=%g", seconds);
        return;
    }
    if (record->verdict == VERDICT_NONE) /* hr_fail may still give a better reason */
        hr_fail(record, "to be tried again in %g s", seconds);
    if (record->verdict == VERDICT_FAILED)
        record->retry_after_ns = (int64_t)((seconds < WAIT_MAX ? seconds : WAIT_MAX) * NS_PER_S);
}

void
hr_reject(hr_record *record, const char *format, ...)
{
    if (!record) {
        log_warn("hr_reject without a record", NULL);
        return;
    }
    va_list args;
    va_start(args, format);
    say(record, VERDICT_REJECTED, format, args);
    va_end(args);
}
