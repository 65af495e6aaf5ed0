#!/usr/bin/env bash
# suites.sh RING... - every suite of the rings (unit, flow), TEST_JOBS (8) of them side by side: most of them wait most of
# the time. RING/NAME is one suite alone.
#
# Guarantees: what a suite wrote is shown in one piece when it has ended, and what failed is shown once more at the very
# end, where it is found. Exit code 1 if a suite failed.
set -u
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build-san}
export logs=$BUILD/suite-logs

one() { # RING/NAME
    local log=$logs/${1//\//.}.log code
    "$BUILD/${1%/*}-tests" "${1#*/}" >"$log" 2>&1
    code=$?
    cat "$log"
    [ $code = 0 ] || echo "$1: exit code $code" >>"$logs/failed"
    return $code
}
export -f one

suites() { # RING...
    local ring
    for ring; do
        case $ring in
        */*) echo "$ring" ;;
        *) sed -n "s,SUITE(\(.*\)_suite),$ring/\1,p" "$BUILD/suites/$ring.h" ;;
        esac
    done
}

rm -rf "$logs" && mkdir -p "$logs" || exit
[ $# -gt 0 ] || set -- unit flow
mapfile -t all < <(suites "$@")
[ ${#all[@]} -gt 0 ] || exit
if printf '%s\n' "${all[@]}" | xargs -P "${TEST_JOBS:-8}" -I {} bash -c 'one {}'; then
    echo "$*: all ${#all[@]} suites passed"
    exit 0
fi
echo "$*: $(wc -l <"$logs/failed") of ${#all[@]} suites failed"
while IFS=: read -r suite what; do
    echo "-- $suite:$what"
    tail -n 60 "$logs/${suite//\//.}.log"
done <"$logs/failed"
exit 1
