#!/usr/bin/env bash
# coverage.sh - how many lines of the pure files the unit tests run; fails where a file has less than 95 %.
#
# BUILD is a build of the unit tests with --coverage (make coverage makes it, and runs them).
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "${BUILD:-build-coverage}")
least=95
pure=$(sed -n "/^PURE='/,/'/p" scripts/boundaries.sh | tr -d "'" | sed 's/^PURE=//')
pure+=" supervisor/pace worker/decode worker/decode_scan worker/decode_number shared/utf8"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
printf '%-32s %8s %8s\n' file lines run
for file in $pure; do
    # slots_*.c and others include these files too; what counts is the product's own object
    line=$(cd "$work" && gcov -n -o "$build/obj/$(dirname "$file")" "$build/obj/$file.gcda" 2>/dev/null |
        grep -A1 "^File '.*$file.c'" | grep '^Lines executed' | head -n 1) || line=
    percent=$(sed -n 's/Lines executed:\([0-9.]*\)% of .*/\1/p' <<<"$line")
    printf '%-32s %8s %7s%%\n' "$file.c" "${line##* of }" "${percent:-0}"
    awk -v p="${percent:-0}" -v least=$least 'BEGIN { exit !(p >= least) }' || bad=$((bad + 1))
done
[ $bad = 0 ] || {
    echo "coverage: $bad files have less than $least %" >&2
    exit 1
}
