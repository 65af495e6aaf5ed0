#!/usr/bin/env bash
# demo.sh - the example at work: installs what is missing, builds, runs conf/demo.json on an embedded broker with
# two workers, and feeds it log records at a steady pace, every tenth of them an ERROR.
#
# It runs where every app does, so `build/headrace status` in another terminal finds it. Ctrl-C ends it in order, or
# DEMO_SECONDS=N does.
set -eu
cd "$(dirname "$0")/.."
build=build # where conf/demo.json looks for its module
rate=300 # records per second

scripts/setup.sh
make --no-print-directory BUILD=$build

dir=$(mktemp -d "${TMPDIR:-/tmp}/headrace-demo.XXXXXX")

# Records for ever: what was due since the last look, ten times a second.
generate() {
    local n=0 severity
    while :; do
        for ((i = 0; i < rate / 10; i++)); do
            severity=INFO
            if ((++n % 10 == 0)); then severity=ERROR; fi
            printf '{"severity": "%s", "message": "request %d took %d ms"}\n' "$severity" $n $((RANDOM % 900))
        done
        sleep 0.1
    done
}

# The runtime directory of this app, and of no other one of that name.
place() {
    local base
    for base in "${XDG_RUNTIME_DIR:-}/headrace" /run/headrace "/tmp/headrace-$(id -u)"; do
        if [ -e "$base/demo.$app/control" ]; then
            echo "$base/demo.$app"
            return
        fi
    done
    return 1
}

# The broker's address, as soon as the app runs and can be asked.
brokers() {
    local run
    run=$(place) || return
    "$build/headrace" status --json --runtime-dir "$run" 2>/dev/null |
        sed -n 's/.*"brokers": *"\([^"]*\)".*/\1/p' | grep .
}

feed() {
    local address
    until address=$(brokers); do sleep 0.1; done
    generate | "$build/headrace" send logs -b "$address" - &
    if [ -n "${DEMO_SECONDS:-}" ]; then
        sleep "$DEMO_SECONDS"
        "$build/headrace" stop --runtime-dir "$(place)"
    else
        wait
    fi
}

echo "demo: in another terminal: $build/headrace status" >&2

# Both run as jobs, in process groups of their own: signals reach the app once, from here, and the feeder with
# all that it started is ended as one.
set -m
"$build/headrace" run conf/demo.json --embedded -c process_logs=2 </dev/null &
app=$!
feed </dev/null >"$dir/feeder" 2>&1 &
feeder=$!
set +m

finish() {
    kill -TERM -- "-$feeder" 2>/dev/null || true
    kill -TERM "$app" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'kill -INT "$app" 2>/dev/null' INT
trap 'kill -TERM "$app" 2>/dev/null' TERM HUP

# A signal interrupts a wait; the app's own exit code is kept for the last one.
while kill -0 "$app" 2>/dev/null; do
    wait "$app" || true
done
wait "$app"
