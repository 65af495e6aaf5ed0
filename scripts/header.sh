#!/usr/bin/env bash
# header.sh - headrace.h compiles without a warning as strict C11 and C++11, and as what came after, with every
# compiler that is there.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/headrace-header.XXXXXX")
trap 'rm -rf "$work"' EXIT

cat >"$work/module.c" <<'EOF'
#include <headrace.h>
#include <stdio.h>
#include <string.h>

#define LOG_RECORD(FIELD)        \
    FIELD(HR_STRING, severity)   \
    FIELD(HR_OPT_INT, level, "log.level", 3) \
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

HR_TASK(plain)
{
    while (hr_sleep(self, 1.0))
        hr_log(HR_LOG_INFO, "%s %d", hr_name(self), hr_instance(self));
    return 0;
}

HR_TIMER(dump_stats, .interval = 30.0)
{
    printf("Logs processed: %lld\n", hr_total(logs_received));
    return 0;
}

static int by_hand(hr_task *self)
{
    hr_record *record;
    while ((record = hr_next(self)) != NULL)
        hr_fail(record, "attempt %d", hr_attempt(record));
    return 0;
}

int hr_setup(hr_app *app)
{
    hr_task_options options;
    memset(&options, 0, sizeof options);
    options.name = "by_hand";
    options.topic = "logs";
    return hr_add_task(app, &options, by_hand);
}
EOF
cp "$work/module.c" "$work/module.cpp"

flags="-Wall -Wextra -Werror -pedantic -fsyntax-only -Iworker $(pkg-config --cflags jansson)"
tried=0
try() { # COMPILER STANDARD FILE
    command -v "$1" >/dev/null || return 0
    # shellcheck disable=SC2086
    "$1" "-std=$2" $flags "$work/$3" || {
        echo "header.sh: worker/headrace.h does not compile as $2 with $1" >&2
        exit 1
    }
    tried=$((tried + 1))
}
for standard in c11 c17 c2x; do
    try gcc $standard module.c
    try clang $standard module.c
done
for standard in c++11 c++17 c++20; do
    try g++ $standard module.cpp
    try clang++ $standard module.cpp
done
echo "header: strict C and C++ ($tried compilers and standards)"
