/* headed.c - a task that prints of each record "OFFSET LENGTH HEADER": of a tombstone -1, of a record without the header h "-". */
#include <headrace.h>

#include <stdio.h>

HR_TASK(headed, .topic = "records")
{
    for (hr_record *record; (record = hr_next(self));) {
        size_t length = 0, header_length = 0;
        const char *value = hr_value(record, &length), *header = hr_header(record, "h", &header_length);
        printf("%lld %d %.*s\n", (long long)hr_offset(record), value ? (int)length : -1, header ? (int)header_length : 1,
               header ? header : "-");
    }
    return 0;
}
