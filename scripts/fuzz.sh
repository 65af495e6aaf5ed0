#!/usr/bin/env bash
# fuzz.sh - the fuzz targets of tests/fuzz, given what a fuzzer makes up, or what is kept.
#
#   fuzz.sh replay [TARGET...]   each file of tests/fuzz/corpus and tests/fuzz/found once (BUILD=build-san)
#   fuzz.sh run [TARGET...]      libFuzzer for FUZZ_SECONDS=60 in all, two at a time; what it finds comes into
#                                tests/fuzz/found/TARGET, and stays there when it is mended (BUILD=build-fuzz);
#                                FUZZ_SEED=N makes up the same again, 0 (the default) something new each time
#   fuzz.sh keep [TARGET...]     the least of what was made up so far that covers as much, into tests/fuzz/corpus
#
# What is made up is gathered in $BUILD/corpus/TARGET from run to run.
set -eu
cd "$(dirname "$0")/.."
usage='usage: fuzz.sh replay|run|keep [TARGET...]'
what=${1:?$usage}
shift
kept=tests/fuzz/corpus found=tests/fuzz/found
[ $# -gt 0 ] || set -- $(cd tests/fuzz && echo *.c | sed 's/\.c\>//g')
for target in "$@"; do
    [ -e "tests/fuzz/$target.c" ] || {
        echo "fuzz.sh: there is no tests/fuzz/$target.c" >&2
        exit 64
    }
done

replay() {
    local passed=0 failed=0 line
    for target in "$@"; do
        line=$("$BUILD/fuzz/$target" "$kept/$target" "$found/$target" 2>&1) || true
        read -r good bad < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' <<<"$line") || good=0 bad=1
        [ "$bad" = 0 ] || printf '%s\n' "$target:" "$line"
        [ "$good" != 0 ] || { echo "$target: nothing was given to it" && bad=1; }
        passed=$((passed + good)) failed=$((failed + bad))
    done
    echo "fuzz: $# targets: $passed passed, $failed failed"
    [ $failed = 0 ]
}

# Runs one target; a line with what it did, and the end of what it said where it found something.
run_one() { # TARGET SECONDS
    local made=$BUILD/corpus/$1 log=$BUILD/fuzz/$1.log code=0
    mkdir -p "$made" "$kept/$1" "$found/$1"
    "$BUILD/fuzz/$1" -seed="${FUZZ_SEED:-0}" -max_total_time="$2" -timeout=30 -rss_limit_mb=1500 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="$found/$1/" "$made" "$kept/$1" "$found/$1" >"$log" 2>&1 </dev/null || code=$?
    rmdir "$found/$1" 2>/dev/null || true # nothing was found
    awk -v target="$1" -v code=$code '
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
        /^stat::number_of_executed_units:/ { runs = $2 }
        END { printf "%-10s %10d inputs, coverage %5d, features %6d%s\n", target, runs, cov, ft, code ? "  FAILED" : "" }' "$log"
    [ $code = 0 ] || tail -n 60 "$log" | cut -c1-400
    return $code
}

run() {
    local seconds=${FUZZ_SECONDS:-60} jobs=2
    export BUILD kept found
    export -f run_one
    local share=$((seconds * jobs / $#))
    echo "fuzz: $# targets, $((share > 0 ? share : 1)) s each, $jobs at a time"
    printf '%s\n' "$@" | xargs -P $jobs -I TARGET bash -c "run_one TARGET $((share > 0 ? share : 1))" || {
        echo "fuzz: something was found: mend it, and keep what is new in $found" >&2
        exit 1
    }
}

keep() {
    for target in "$@"; do
        local least=$BUILD/corpus/$target.least
        rm -rf "$least" && mkdir -p "$least" "$BUILD/corpus/$target" "$kept/$target"
        "$BUILD/fuzz/$target" -merge=1 -use_counters=0 -max_len=1000 "$least" "$kept/$target" "$BUILD/corpus/$target" \
            >"$BUILD/fuzz/$target.merge.log" 2>&1
        rm -rf "${kept:?}/$target" && mv "$least" "$kept/$target"
        echo "$target: $(ls "$kept/$target" | wc -l) files, $(cat "$kept/$target"/* | wc -c) bytes"
    done
}

case $what in
replay) BUILD=${BUILD:-build-san} && replay "$@" ;;
run) BUILD=${BUILD:-build-fuzz} && run "$@" ;;
keep) BUILD=${BUILD:-build-fuzz} && keep "$@" ;;
*)
    echo "$usage" >&2
    exit 64
    ;;
esac
