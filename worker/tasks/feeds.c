/* feeds.c - many slow, independent pieces of work at once.
 *
 * Each record names a feed to import. Importing takes long and is mostly waiting, one feed has nothing to do with the
 * next, and importing one twice does no harm: so there are many workers, and no order. The work itself is played by
 * a sleep of FEEDS_WORK_MS milliseconds. */
#include <headrace.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

HR_COUNTER(feeds_imported);

static void
work(long milliseconds)
{
    struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

HR_TASK(import_feeds, .topic = "feeds", .concurrency = 100, .order = HR_ORDER_NONE)
{
    const char *given = getenv("FEEDS_WORK_MS");
    long milliseconds = given ? strtol(given, NULL, 10) : 10;
    if (milliseconds < 0) {
        hr_log(HR_LOG_ERROR, "FEEDS_WORK_MS must be a number of milliseconds, is \"%s\"", given);
        return 1;
    }
    hr_record *record;
    while ((record = hr_next(self))) {
        size_t length;
        const char *feed = hr_value(record, &length);
        if (!feed || length == 0) {
            hr_reject(record, "no feed is named");
            continue;
        }
        work(milliseconds);
        hr_count(feeds_imported, 1);
    }
    return 0;
}

HR_TIMER(feeds_stats, .interval = 30.0)
{
    printf("Feeds imported: %lld\n", hr_total(feeds_imported));
    return 0;
}
