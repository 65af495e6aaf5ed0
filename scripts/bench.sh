#!/usr/bin/env bash
# bench.sh - headrace against the plain librdkafka consumer, and against itself at other sizes, on a real Kafka.
#
# Both sides of a ratio run one after the other, in turns, so that what else the machine does meets both; the ratio of each
# turn is taken, and the median of these. Every run counts its records, and one that loses or repeats any ends the benchmark.
#
# How it is measured: a rate is that from the first record that a task (or the plain consumer) is given to the last one, so
# that neither side pays for joining a group; CPU is that of all processes, kernel included, from start to end.
set -u
cd "$(dirname "$0")/.."
build=$(realpath "${BUILD:-build}")
all="noop key logs decode feeds sends latency memory workers scale sizes many two"
rounds=7 records=5000000 only=$all record=no large=no

usage() {
    cat <<EOF
bench.sh - headrace against the plain librdkafka consumer, on a real Kafka

  make bench                                     everything; about 25 minutes
  make bench BENCH="--only 'noop key' --rounds 3 --records 1000000"
  scripts/bench.sh [OPTIONS]                     what make bench runs, after it has built

  --only WORDS     some of: $all
  --rounds N       turns for each ratio (7)
  --records N      records of the main topic (5000000)
  --large          also 20 million records, in scale
  --record         write the figures into tests/bench/RESULTS.md, in place of those that stand there; with
                   all workloads the table anew (then give --large, too)

noop     a task that does nothing, 2 workers, order partition      key      8 workers, order key, 10000 keys
logs     the logs app: typed record, counter, compare              decode   a typed record against jansson, CPU
feeds    100 workers, each record sleeps 10 ms or 1 ms             sends    each record is sent on: the price of sending
latency  1000 records/s, until the first line of the task          memory   the supervisor's, with a backlog and stuck workers
workers  one more idle one; 100 started                            scale    partitions, workers, records: CPU per record
sizes    1 KB, 10 KB, lz4, zstd                                    many     8 tasks in one app
two      two supervisors in one group

The figures are printed as a table and written to BUILD/bench.json; the column "recorded" has those of tests/bench/RESULTS.md.
EOF
}

say() { echo "bench.sh: $*" >&2; }
give_up() {
    say "$*"
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --only) only=${2:?} && shift ;;
    --rounds) rounds=${2:?} && shift ;;
    --records) records=${2:?} && shift ;;
    --large) large=yes ;;
    --record) record=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
    esac
    shift
done
wants() { [[ " $only " == *" $1 "* ]]; }
for word in $only; do [[ " $all " == *" $word "* ]] || give_up "there is no workload $word; there are: $all"; done

# ---- figures ----

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
spread() { sort -n | awk '{ v[NR] = $1 } END { printf "%.3g to %.3g", v[1], v[NR] }'; }
calc() { awk "BEGIN { printf \"%.4g\", ($*) }"; }

# A line of the table: at-least and at-most are bounds; "-" is none.
row() { # NAME VALUE UNIT SPREAD AT_LEAST AT_MOST TEXT
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/rows"
    say "$1: $2 $3 ($4) $7"
}

# Turns of two commands that each print a rate: the ratio's median goes to $ratio, $ratio_spread; rates to $rate_a, $rate_b.
compare() { # COMMAND_A COMMAND_B
    local i a b
    rm -f "$work/a" "$work/b" "$work/ratios" "$work/cpu_a" "$work/cpu_b"
    for ((i = 1; i <= rounds; i++)); do
        $1 && a=$rate && echo "$rate" >>"$work/a" && echo "$cpu" >>"$work/cpu_a" || give_up "a run failed"
        $2 && b=$rate && echo "$rate" >>"$work/b" && echo "$cpu" >>"$work/cpu_b" || give_up "a run failed"
        calc "$a / $b" >>"$work/ratios"
        echo >>"$work/ratios"
        printf '  turn %d of %d: %.0f and %.0f a second, ratio %s\n' "$i" "$rounds" "$a" "$b" "$(calc "$a / $b")" >&2
    done
    ratio=$(median <"$work/ratios") ratio_spread=$(spread <"$work/ratios")
    rate_a=$(median <"$work/a") rate_b=$(median <"$work/b")
    cpu_a=$(median <"$work/cpu_a") cpu_b=$(median <"$work/cpu_b")
}

# ---- runs ----

runs=0
TIMEFORMAT='%U %S'
cpu_of() { awk -v n="$2" '{ printf "%.4f", ($1 + $2) * 1e6 / n }' "$1"; } # FILE RECORDS: microseconds for each

# best settings of the plain consumer for this, by measurement (RESULTS.md)
best=(-X check.crcs=false -X fetch.message.max.bytes=262144 -X queued.min.messages=1000000)

plain() { # PROGRAM TOPIC PARTITIONS RECORDS [OPTIONS...]
    local program=$1 topic=$2 partitions=$3 n=$4 got seconds
    shift 4
    { time "$build/bench/$program" -b "$brokers" -t "$topic" -n "$n" -p "$partitions" "$@" >"$work/plain" 2>"$work/plain.log"; } 2>"$work/time" ||
        { cat "$work/plain.log" >&2; return 1; }
    read -r got seconds <"$work/plain"
    rate=$(calc "$got / $seconds") cpu=$(cpu_of "$work/time" "$n")
}
ceiling() { plain ceiling "$@"; }

write_app() { # TASK TOPIC ORDER CONCURRENCY [MORE_OF_THE_TASK]: $conf
    conf=$dir/app.json
    printf '{"app": "bench%d", "modules": ["%s/bench/bench.so"],\n "tasks": {"%s": {"topic": "%s", "order": "%s", "concurrency": %d%s}}}\n' \
        $runs "$build" "$1" "$2" "$3" "$4" "${5:-}" >"$conf"
}

new_run() {
    runs=$((runs + 1))
    dir=$memory/run.$runs
    mkdir -p "$dir"
}

# What its workers left behind: records, and the time from the first to the last; $rate.
account() { # TASK RECORDS
    local got seconds
    read -r got seconds < <(cat "$dir"/$1.* | awk '$1 > 0 { n += $1; if (!a || $2 < a) a = $2; if ($3 > b) b = $3 } END { printf "%d %.6f\n", n, (b - a) / 1e9 }')
    [ "$got" = "$2" ] || { say "$1 saw $got records of $2 in $dir"; return 1; }
    rate=$(calc "$got / $seconds")
}

headrace() { # TASK TOPIC ORDER CONCURRENCY RECORDS [MORE]
    local n=$5 task=$1
    new_run
    write_app "$1" "$2" "$3" "$4" "${6:-}"
    { time BENCH_TASKS=$task BENCH_DIR=$dir "$build/headrace" run "$conf" -b "$brokers" --until-end --runtime-dir "$dir/run" >"$dir/out" 2>"$dir/log"; } 2>"$work/time" ||
        { tail -5 "$dir/log" >&2; return 1; }
    cpu=$(cpu_of "$work/time" "$n")
    account "$task" "$n" || return 1
    mv "$dir/log" "$work/log"
    rm -rf "$dir"
}

# When the log of the last run first said so.
logged() { date -d "$(grep -m 1 "$1" "$work/log" | cut -d' ' -f1)" +%s.%N; }

# The same in the background: $pid.
start() { # TASK TOPIC ORDER CONCURRENCY [MORE]
    new_run
    write_app "$@"
    BENCH_TASKS=$1 BENCH_DIR=$dir "$build/headrace" run "$conf" -b "$brokers" --runtime-dir "$dir/run" >"$dir/out" 2>"$dir/log" &
    pid=$!
    pids+=("$pid")
}

stop() {
    kill -TERM "$pid" && wait "$pid" || { tail -5 "$dir/log" >&2; give_up "it did not stop in order"; }
}

workers_of() { tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r p; do grep -qs headrace-worker "/proc/$p/cmdline" && echo "$p"; done; }

wait_for() { # SECONDS COMMAND...
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || give_up "waited in vain for: $*"
        sleep 0.02
    done
}
assigned() { grep -q 'partitions assigned.*all=[1-9]' "$dir/log"; }

topic() { # NAME PARTITIONS RECORDS [FILL_OPTIONS...]
    [ ! -e "$work/topic.$1" ] || return 0
    : >"$work/topic.$1"
    say "filling $1: $3 records in $2 partitions"
    scripts/kafka.sh topic "$1" "$2" >>"$work/kafka.log" 2>&1 || give_up "cannot create $1"
    "$build/bench/fill" -b "$brokers" -t "$1" -p "$2" -n "$3" "${@:4}" || give_up "cannot fill $1"
}

# ---- workloads ----

main_topic() { topic main 8 "$records"; }
h_noop() { headrace noop main partition 2 "$records"; }
h_key() { headrace noop main key 8 "$records"; }
h_none() { headrace noop main none 8 "$records"; }
h_logs() { headrace logs main partition 2 "$records"; }
c_best() { ceiling main 8 "$records" "${best[@]}"; }
c_logs() { ceiling main 8 "$records" "${best[@]}" -j; }

do_noop() {
    main_topic
    compare h_noop c_best
    row noop "$ratio" "of the ceiling" "$ratio_spread" 0.85 - "$(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
    row cpu_added "$(calc "$cpu_a - $cpu_b")" "us a record" - - 0.25 "CPU $cpu_a and $cpu_b us, all processes and the kernel"
    echo "$cpu_a $cpu_b" >"$work/base"
}

do_key() {
    main_topic
    compare h_key c_best
    row key "$ratio" "of the ceiling" "$ratio_spread" 0.65 - "$(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
    compare h_none c_best
    row none "$ratio" "of the ceiling" "$ratio_spread" - - "$(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
}

do_logs() {
    main_topic
    compare h_logs c_logs
    row logs "$ratio" "times librdkafka + jansson" "$ratio_spread" 3.5 - "$(printf '%.0f and %.0f records/s' "$rate_a" "$rate_b")"
}

do_decode() {
    local line
    line=$("$build/bench/decode" | tail -1) || give_up "decode failed"
    row decode "$(sed 's/.*ratio=\([0-9.]*\).*/\1/' <<<"$line")" "times less CPU" - 5 - "$line"
}

feeds_ms=10
h_feeds() { BENCH_SLEEP_MS=$feeds_ms headrace sleeps feeds "$feeds_order" 100 $feeds_records; }
c_feeds() { rate=$("$build/bench/sleepers" 100 $feeds_ms 4) cpu=0; }

do_feeds() {
    local rounds=$((rounds > 3 ? 3 : rounds))
    feeds_records=60000
    topic feeds 8 $feeds_records
    for feeds_ms in 10 1; do
        for feeds_order in none key; do
            compare h_feeds c_feeds
            row feeds_${feeds_ms}ms_$feeds_order "$ratio" "of 100 sleepers" "$ratio_spread" "$([ $feeds_ms = 10 ] && echo 0.97 || echo 0.80)" - \
                "$(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
        done
    done
}

# Where records are sent, a run is over when all are confirmed, not with the last one that a worker saw.
h_relay() {
    BENCH_TO=relayed headrace relay middle partition 2 "$sent" &&
        rate=$(calc "$sent / ($(logged ' stopping ') - $(logged 'partitions assigned'))")
}
h_silent() { headrace noop middle partition 2 "$sent"; }
c_relay() { plain relay middle 8 "$sent" "${best[@]}" -o relayed -Y linger.ms=5; }
c_silent() { ceiling middle 8 "$sent" "${best[@]}"; }

do_sends() {
    local rounds=$((rounds > 5 ? 5 : rounds))
    sent=$((records > 2000000 ? 2000000 : records))
    topic middle 8 $sent
    topic relayed 8 8
    compare h_relay c_relay
    row sends "$ratio" "of the plain program" "$ratio_spread" - - "$(printf '%.0f of %.0f records/s that are sent on' "$rate_a" "$rate_b"); CPU $cpu_a and $cpu_b us"
    compare h_relay h_silent
    row sends_share "$ratio" "of the same without" "$ratio_spread" 0.5 - "$(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
    compare c_relay c_silent
    row sends_plain_share "$ratio" "of the same without" "$ratio_spread" - - "the plain program: $(printf '%.0f of %.0f records/s' "$rate_a" "$rate_b")"
}

do_latency() {
    local plain ours p50 p99 q50 q99
    topic ticks 8 8
    start latency ticks partition 1
    wait_for 30 assigned
    sleep 1
    "$build/bench/latency" consume "$brokers" ticks 16 >"$work/plain" &
    plain=$!
    sleep 1
    "$build/bench/latency" produce "$brokers" ticks 12 || give_up "cannot produce"
    wait $plain
    stop
    read -r p50 p99 <"$work/plain"
    read -r _ _ _ q50 q99 <"$(ls "$dir"/latency.* | head -1)"
    row latency_p50 "$(calc "$q50 - $p50")" "ms more" - - 0.2 "$q50 and $p50 ms"
    row latency_p99 "$(calc "$q99 - $p99")" "ms more" - - 0.5 "$q99 and $p99 ms"
}

do_memory() {
    local most=0 now i
    main_topic
    start stuck main partition 8
    wait_for 30 assigned
    for ((i = 0; i < 75; i++)); do
        now=$(awk '{ print $2 * 4 / 1024 }' "/proc/$pid/statm")
        most=$(calc "$now > $most ? $now : $most")
        sleep 0.2
    done
    row memory "$most" "MB" - - 96 "the supervisor's resident memory, at most in 15 s, $records records behind 8 stuck workers"
    kill -QUIT "$pid"
    wait "$pid"
}

all_up() { [ "$("$build/headrace" status --json --runtime-dir "$dir/run" 2>/dev/null | grep -c '"state": "idle"')" -ge "$1" ]; }

do_workers() {
    local from p
    topic quiet 1 1
    from=${EPOCHREALTIME/[.,]/}
    start idle quiet none 100
    until all_up 100; do sleep 0.01; done
    row started "$(calc "(${EPOCHREALTIME/[.,]/} - $from) / 1e6")" "s" - - 0.5 "from the command to 100 workers that are ready, by asking the app"
    wait_for 30 assigned
    row idle "$(for p in $(workers_of "$pid"); do awk '/^Pss:/ { print $2 / 1024 }' "/proc/$p/smaps_rollup"; done | median)" "MB" - - 1 \
        "proportional set size of an idle worker, the median of 100"
    stop
}

scaled() { # NAME TOPIC PARTITIONS ORDER WORKERS RECORDS
    local a rounds=3
    compare "headrace noop $2 $4 $5 $6" "ceiling $2 $3 $6 ${best[*]}"
    a=$(calc "$cpu_a / $cpu_b")
    [ -n "${scale_base:-}" ] || scale_base=$a
    row "$1" "$(calc "$a / $scale_base")" "times the first" - - 1.5 "CPU a record is $a times the ceiling's"
}

# To start and to end 100 workers takes CPU, too: it is part of the run, so a run has as many records as any other.
do_scale() {
    local w order
    scale_base=
    main_topic
    scaled scale_8_partitions_2_workers main 8 partition 2 "$records"
    for w in 64 256; do
        topic parts$w $w "$records"
        scaled scale_${w}_partitions parts$w $w partition 2 "$records"
    done
    for order in partition none key; do
        for w in 2 8 32 100; do scaled scale_${w}_workers_$order main 8 $order $w "$records"; done
    done
    topic small 8 $((records / 5))
    scaled scale_$((records / 5))_records small 8 partition 2 $((records / 5))
    [ $large = no ] || { topic large 8 20000000; scaled scale_20000000_records large 8 partition 2 20000000; }
}

sized() { # NAME TOPIC RECORDS
    headrace noop "$2" partition 2 "$3" && local a=$rate && ceiling "$2" 8 "$3" "${best[@]}" || give_up "a run failed"
    row "$1" "$(calc "$a / $rate")" "of the ceiling" - - - "$(printf '%.0f of %.0f records/s' "$a" "$rate")"
}

do_sizes() {
    topic kilo 8 500000 -s 1024
    topic ten 8 100000 -s 10240
    topic lz4 8 1000000 -z lz4
    topic zstd 8 1000000 -z zstd
    sized size_1KB kilo 500000
    sized size_10KB ten 100000
    sized lz4 lz4 1000000
    sized zstd zstd 1000000
}

do_many() {
    local names="noop1 noop2 noop3 noop4 noop5 noop6 noop7 noop8" name n=$((records > 1000000 ? 1000000 : records)) tasks=
    topic middle1 8 $n
    new_run
    for name in $names; do tasks+="${tasks:+, }\"$name\": {\"topic\": \"middle1\", \"concurrency\": 1}"; done
    printf '{"app": "many%d", "modules": ["%s/bench/bench.so"], "tasks": {%s}}\n' $runs "$build" "$tasks" >"$dir/app.json"
    { time BENCH_TASKS=$names BENCH_DIR=$dir "$build/headrace" run "$dir/app.json" -b "$brokers" --until-end --runtime-dir "$dir/run" \
        >"$dir/out" 2>"$dir/log"; } 2>"$work/time" || give_up "8 tasks: $(tail -2 "$dir/log")"
    cpu=$(cpu_of "$work/time" $((8 * n)))
    account noop[1-8] $((8 * n)) || give_up "8 tasks"
    row eight_tasks "$(printf '%.0f' "$rate")" "records/s" - - - "8 tasks in one app, each of which reads all of the topic; $cpu us a record"
}

do_two() {
    local n=$((records > 2000000 ? 2000000 : records)) first
    topic middle 8 $n
    start noop middle partition 1
    first=$pid
    BENCH_TASKS=noop BENCH_DIR=$dir "$build/headrace" run "$conf" -b "$brokers" --until-end --runtime-dir "$dir/run2" >"$dir/out2" 2>"$dir/log2" ||
        give_up "two supervisors: $(tail -2 "$dir/log2")"
    pid=$first
    stop
    read -r got < <(cat "$dir"/noop.* | awk '{ n += $1 } END { print n }')
    [ "$got" -ge "$n" ] || give_up "two supervisors saw $got of $n records"
    row two_supervisors "$(calc "$got / $n")" "times each record" - - - "two supervisors in one group, the second joins at once; repeats are those of the handover"
}

# ---- the table ----

recorded() { awk -F'|' -v name="$1" '{ gsub(/ /, "", $2); gsub(/^ +| +$/, "", $3); if ($2 == name) { print $3; exit } }' tests/bench/RESULTS.md 2>/dev/null; }

# Whether a figure keeps its bound: "yes", "NO", or nothing where there is none.
keeps() { # VALUE AT_LEAST AT_MOST
    awk -v v="$1" -v least="$2" -v most="$3" 'BEGIN { if (least != "-") print (v >= least ? "yes" : "NO"); else if (most != "-") print (v <= most ? "yes" : "NO") }'
}

show() {
    local name value unit spread least most text bound
    printf '\n%-30s %10s %-26s %-18s %-10s %-4s %-10s %s\n' figure value unit spread bound kept recorded measured
    while IFS=$'\t' read -r name value unit spread least most text; do
        bound="" && [ "$least" = - ] || bound=">= $least"
        [ "$most" = - ] || bound="<= $most"
        printf '%-30s %10s %-26s %-18s %-10s %-4s %-10s %s\n' "$name" "$value" "$unit" "$spread" "$bound" "$(keeps "$value" "$least" "$most")" \
            "$(recorded "$name")" "$text"
    done <"$work/rows"
}

as_json() {
    awk -F'\t' 'BEGIN { print "[" } { printf "%s  {\"name\": \"%s\", \"value\": %s, \"unit\": \"%s\", \"spread\": \"%s\", \"at_least\": %s, \"at_most\": %s, \"text\": \"%s\"}", (NR > 1 ? ",\n" : ""), $1, $2, $3, $4, $5 == "-" ? "null" : $5, $6 == "-" ? "null" : $6, $7 } END { print "\n]" }' "$work/rows"
}

# The figures between the two marks of RESULTS.md are replaced, those that were not measured now stay.
write_down() {
    local name value unit spread least most text bound
    while IFS=$'\t' read -r name value unit spread least most text; do
        bound="" && [ "$least" = - ] || bound="at least $least"
        [ "$most" = - ] || bound="at most $most"
        echo "| $name | $value | $unit | $spread | $bound | $text |"
    done <"$work/rows" >"$work/new"
    awk -F'|' -v new="$work/new" -v anew="$([ "$only" = "$all" ] && echo yes)" '
        BEGIN { while ((getline line < new) > 0) { split(line, f, "|"); gsub(/ /, "", f[2]); fresh[f[2]] = line; order[++n] = f[2] } }
        /^<!-- figures end/ { for (i = 1; i <= n; i++) if (order[i] in fresh) print fresh[order[i]]; inside = 0 }
        inside && /^\| / {
            name = $2; gsub(/ /, "", name)
            if (name in fresh && !anew) { print fresh[name]; delete fresh[name]; next }
            if (anew && name !~ /^(figure|-*)$/) next
        }
        /^<!-- figures begin/ { inside = 1 }
        { print }' tests/bench/RESULTS.md >"$work/results" && cp "$work/results" tests/bench/RESULTS.md
}

finish() {
    local p
    for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null; done
    scripts/kafka.sh kill 2>>"$work/kafka.log"
    [ "$complete" = yes ] && rm -rf "$work" "$memory" || say "kept: $work and $memory"
}

for program in headrace bench/ceiling bench/fill bench/bench.so; do
    [ -e "$build/$program" ] || give_up "$build/$program is not built; make bench builds and runs all"
done
work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/headrace-bench.XXXXXX")")
# What the benchmark's own tasks write at their end is no part of what is measured: not onto a disk, where there is memory.
memory=$(realpath "$(mktemp -d /dev/shm/headrace-bench.XXXXXX 2>>"$work/kafka.log" || mktemp -d "$work/runs.XXXXXX")")
export KAFKA_DIR=$work/kafka KAFKA_HEAP=${KAFKA_HEAP:-1g}
pids=() complete=no
trap finish EXIT
trap 'exit 130' INT TERM HUP
brokers=$(scripts/kafka.sh start) || give_up "no Kafka to measure against; kafka.sh says why above"
: >"$work/rows"
for word in $all; do wants "$word" && say "--- $word" && "do_$word"; done
show
as_json >"$build/bench.json"
[ $record = no ] || write_down
echo
echo "$(nproc) CPUs; $("$build/headrace" --version | head -n 1); figures in $build/bench.json"
complete=yes
! show | grep -q ' NO '
