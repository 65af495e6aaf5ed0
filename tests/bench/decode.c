/* decode.c - what a typed record costs, against jansson's parse and two look-ups, on the logs app's records.
 *
 * Rounds of both alternate; each is measured in CPU time of this process, and the medians are compared. The last line is for
 * scripts: "decode ratio=R typed_ns=N jansson_ns=N". */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/record.h"

#define LOG_RECORD(FIELD)                                                                                      \
    FIELD(HR_STRING, severity)                                                                                 \
    FIELD(HR_STRING, message)
HR_RECORD(log_record, LOG_RECORD);

#define ROUNDS 15
#define RECORDS 1000
#define PASSES 200

static char values[RECORDS][128];
static int32_t sizes[RECORDS];
static volatile size_t seen; /* so that nothing is left out */

static void
make_values(void)
{
    for (int i = 0; i < RECORDS; i++) {
        int n = sprintf(values[i], "{\"severity\": \"%s\", \"message\": \"request %08d took %d ms and ", i % 10 ? "INFO" : "ERROR",
                        i * 7919, i % 977);
        for (; n < 118; n++)
            values[i][n] = (char)('a' + (i + n) % 26);
        sizes[i] = n + sprintf(values[i] + n, "\"}");
    }
}

static double
typed(void)
{
    static struct hr_record record;
    clock_t start = clock();
    for (int pass = 0; pass < PASSES; pass++)
        for (int i = 0; i < RECORDS; i++) {
            record_renew(&record);
            record.view.value = values[i];
            record.view.r.value_length = sizes[i];
            if (!record_decode(&record, hr_type_of_log_record()))
                exit(1);
            const log_record *log = (const log_record *)(const void *)record.typed;
            seen += (size_t)(log->severity[0] + log->message[0]);
        }
    return (double)(clock() - start) / CLOCKS_PER_SEC * 1e9 / RECORDS / PASSES;
}

static double
by_jansson(void)
{
    clock_t start = clock();
    for (int pass = 0; pass < PASSES; pass++)
        for (int i = 0; i < RECORDS; i++) {
            json_error_t error;
            json_t *json = json_loadb(values[i], (size_t)sizes[i], 0, &error);
            if (!json)
                exit(1);
            const char *severity = json_string_value(json_object_get(json, "severity"));
            const char *message = json_string_value(json_object_get(json, "message"));
            seen += (size_t)(severity[0] + message[0]);
            json_decref(json);
        }
    return (double)(clock() - start) / CLOCKS_PER_SEC * 1e9 / RECORDS / PASSES;
}

static int
less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *of)
{
    qsort(of, ROUNDS, sizeof *of, less);
    return of[ROUNDS / 2];
}

int
main(void)
{
    double a[ROUNDS], b[ROUNDS];
    make_values();
    for (int round = 0; round < ROUNDS; round++) {
        a[round] = typed();
        b[round] = by_jansson();
    }
    double typed_ns = median(a), jansson_ns = median(b);
    printf("%d rounds of %d records of %d bytes, jansson %s\n", ROUNDS, RECORDS * PASSES, (int)sizes[0], JANSSON_VERSION);
    printf("decode ratio=%.2f typed_ns=%.1f jansson_ns=%.1f\n", jansson_ns / typed_ns, typed_ns, jansson_ns);
    return 0;
}
