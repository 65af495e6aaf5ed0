/* forward.c - each record of "fill" is sent on: to the topic of FORWARD_TO, with a key of its own; or not (FORWARD_TO unset).
 *
 * The value "PARTITION/SEQUENCE ..." goes on as it is; the key is "PARTITION.N", N the sequence number modulo 16, so that what
 * is sent has 16 lanes for each partition that was read. */
#include <headrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
forward(hr_task *self, const char *to, const char *value, size_t length)
{
    char key[32];
    int partition = 0;
    long sequence = 0;
    if (sscanf(value, "%d/%ld", &partition, &sequence) != 2)
        return -1;
    int n = snprintf(key, sizeof key, "%d.%ld", partition, sequence % 16);
    return hr_send(self, to, key, (size_t)n, value, length);
}

HR_TASK(forward, .topic = "records")
{
    const char *to = getenv("FORWARD_TO");
    for (hr_record *record; (record = hr_next(self));) {
        size_t length;
        const char *value = hr_value(record, &length);
        if (to && forward(self, to, value, length) != 0)
            hr_reject(record, "cannot be sent on");
    }
    return 0;
}
