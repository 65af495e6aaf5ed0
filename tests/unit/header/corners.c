/* corners.c - every corner of headrace.h, in C and in C++. */
#include <headrace.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
namespace corners {
#endif

/* every kind of field, names that are no identifiers, defaults */
#define EVENT(FIELD)                              \
    FIELD(HR_STRING, level, "log.level")          \
    FIELD(HR_INT, at, "@timestamp")               \
    FIELD(HR_REAL, took)                          \
    FIELD(HR_BOOL, ok)                            \
    FIELD(HR_OPT_STRING, user)                    \
    FIELD(HR_OPT_STRING, host, "host", "nowhere") \
    FIELD(HR_OPT_INT, size, "size", -3)           \
    FIELD(HR_OPT_REAL, share, "share", 0.5)       \
    FIELD(HR_OPT_BOOL, last, "last", true)        \
    FIELD(HR_OPT_BOOL, first)
HR_RECORD(event, EVENT);

HR_COUNTER(used);
HR_COUNTER(unused);

/* no option at all; a name that is also the end of a type's name */
HR_TASK(options)
{
    while (hr_sleep(self, 0.5))
        hr_count(used, 1);
    return hr_total(used) > 0;
}

HR_TIMER(function)
{
    return 0;
}

/* every option, in any order, with values at run time */
HR_TASK(full, .order = HR_ORDER_NONE, .topic = getenv("TOPIC"), .concurrency = 100)
{
    const event *e;
    while (hr_next_as(self, event, &e)) {
        if (e->ok && e->took > 1 && e->at > 0 && strlen(e->level) && e->user && e->size > 2 && e->share > 0 && e->last)
            return 1;
        hr_fail(hr_current(self), "level %s on %s", e->level, e->host);
        hr_log(HR_LOG_WARN, "%s %d of %d", hr_name(self), hr_instance(self), hr_concurrency(self));
    }
    return 0;
}

static int
sends(hr_task *self, const hr_message_header *headers)
{
    if (hr_send(self, "topic", "key", 3, NULL, 0) != 0)
        return 1;
#ifdef __cplusplus
    hr_message message = hr_message();
    message.topic = "topic";
    message.headers = headers;
    message.n_headers = 1;
    return hr_send_message(self, message) || hr_send_message(self, &message);
#else
    return hr_send_message(self, &(hr_message){.topic = "topic", .headers = headers, .n_headers = 1});
#endif
}

static int
by_hand(hr_task *self)
{
    size_t length;
    hr_record *record = hr_next(self);
    if (!record)
        return 0;
    if (!hr_value(record, &length) || !hr_key(record, NULL) || !hr_header(record, "h", NULL) || !hr_json(record))
        hr_reject(record, "%s %d %lld", hr_topic(record), (int)hr_partition(record), (long long)hr_offset(record));
    hr_message_header header = {"name", NULL, 0};
    if (sends(self, &header))
        return HR_SEND_MAX > 1;
    return hr_attempt(record) > 1 && hr_timestamp(record) > 0;
}

#ifdef __cplusplus
} /* namespace */
using corners::by_hand;
#endif

int
hr_setup(hr_app *app)
{
#ifdef __cplusplus
    hr_task_options options = hr_task_options();
    options.name = "by_hand";
    hr_timer_options timer = hr_timer_options();
    timer.name = "timer";
    return hr_add_task(app, options, by_hand) || hr_add_task(app, &options, by_hand) || hr_add_timer(app, timer, by_hand);
#else
    return hr_add_task(app, &(hr_task_options){.name = "by_hand", .topic = "x"}, by_hand) ||
           hr_add_timer(app, &(hr_timer_options){.name = "timer", .interval = 2}, by_hand);
#endif
}
