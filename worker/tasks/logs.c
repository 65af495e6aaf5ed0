/* logs.c - log records counted, and errors among them printed.
 *
 * The statistics come in both forms that there are: a timer, which runs at each trigger, and a background task, which
 * sleeps in a loop of its own. */
#include <headrace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_RECORD(FIELD)        \
    FIELD(HR_STRING, severity)   \
    FIELD(HR_STRING, message)
HR_RECORD(log_record, LOG_RECORD);

HR_COUNTER(logs_received);

HR_TASK(process_logs, .topic = "logs", .concurrency = 2)
{
    const log_record *log;
    while (hr_next_as(self, log_record, &log)) {
        hr_count(logs_received, 1);
        if (strcmp(log->severity, "ERROR") == 0)
            printf("ERROR: %s\n", log->message);
    }
    return 0;
}

HR_TIMER(dump_stats, .interval = 30.0)
{
    printf("Logs processed: %lld\n", hr_total(logs_received));
    return 0;
}

static int print_stats(hr_task *self);

int
hr_setup(hr_app *app)
{
    return hr_add_task(app, &(hr_task_options){.name = "print_stats"}, print_stats);
}

/* LOGS_STATS_SECONDS says how often. */
static int
print_stats(hr_task *self)
{
    const char *given = getenv("LOGS_STATS_SECONDS");
    double seconds = given ? atof(given) : 30.0;
    if (!(seconds > 0)) {
        hr_log(HR_LOG_ERROR, "LOGS_STATS_SECONDS must be a positive number of seconds, is \"%s\"", given);
        return 1;
    }
    while (hr_sleep(self, seconds))
        printf("Logs processed so far: %lld\n", hr_total(logs_received));
    return 0;
}
