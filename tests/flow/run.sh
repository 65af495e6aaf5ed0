#!/usr/bin/env bash
# run.sh - every suite of the flow tests, FLOW_JOBS (4) of them side by side; run.sh NAME... runs those.
#
# Guarantees: what a suite wrote is shown in one piece when it has ended, and what failed is shown once more at the very
# end, where it is found. Exit code 1 if a suite failed.
set -u
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-build-san}
export logs=$BUILD/flow-logs

one() {
    "$BUILD/flow-tests" "$1" >"$logs/$1.log" 2>&1
    local code=$?
    cat "$logs/$1.log"
    [ $code = 0 ] || echo "$1: exit code $code" >>"$logs/failed"
    return $code
}
export -f one

rm -rf "$logs" && mkdir -p "$logs" || exit
[ $# -gt 0 ] || set -- $(sed -n 's/SUITE(\(.*\)_suite)/\1/p' "$BUILD/suites/flow.h")
if printf '%s\n' "$@" | xargs -P "${FLOW_JOBS:-4}" -I {} bash -c 'one {}'; then
    echo "flow tests: all $# suites passed"
    exit 0
fi
echo "flow tests: $(wc -l <"$logs/failed") of $# suites failed"
while IFS=: read -r suite what; do
    echo "-- $suite:$what"
    tail -n 60 "$logs/$suite.log"
done <"$logs/failed"
exit 1
