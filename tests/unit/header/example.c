/* example.c - the first example of the README. */
#include <headrace.h>
#include <stdio.h>
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
