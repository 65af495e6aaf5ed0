#!/usr/bin/env bash
# run.sh [CASE...] - headrace against a real Apache Kafka: one line for each case, with its figures.
#
# A broker of its own is started for the run and removed after it. Each case has a folder; what is started in it is
# ended by its pid, also where the case failed, and then the tails of its logs are shown. Nothing here sleeps to
# synchronise: each wait is on a condition and has a limit. What Kafka itself says about the groups is asked once, in
# the last case.
#
# BUILD names the folder of the build (build), KAFKA_TEST_KEEP=1 keeps the folder of the run, KAFKA_TEST_SEED gives
# the seed of the random kills again. KAFKA_TEST_PRELOAD is a librdkafka (librdkafka.so) that takes the place of the one
# that headrace was built against.
set -u
cd "$(dirname "$0")/../.."
build=$(realpath "${BUILD:-build}")
headrace=(env) # becomes the program: its pid is the one that was started
[ -z "${KAFKA_TEST_PRELOAD:-}" ] || headrace+=("LD_PRELOAD=$(realpath "$KAFKA_TEST_PRELOAD")")
headrace+=("$build/headrace")
. tests/kafka/secure.sh
cases='missing one_worker two_workers eight_workers stopped stopped_range stopped_joining three
       killed_supervisor killed_broker gaps_committed gaps_uncommitted compacted feeds killed_workers letters
       letters_refused letters_nowhere poison crashing successor sends sends_refused sends_speed
       secure_least secure_login secure_topic secure_secrets offsets'
# Only by name, or with KAFKA_TEST_ALL=1: they start brokers of their own, and take seven minutes more.
slow_cases='moved_coordinator'
for name in $secure_cases; do
    [[ " $cases " =~ [[:space:]]$name[[:space:]] ]] || slow_cases+=" $name"
done
[ -z "${KAFKA_TEST_ALL:-}" ] || cases="${cases% offsets} $slow_cases offsets"

# ---- waiting, starting, ending ----

fail() {
    echo "$*" >&2
    exit 1
}

wait_until() { # SECONDS WHAT COMMAND...
    local limit=$((SECONDS + $1)) seconds=$1 what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $limit ] || fail "waited $seconds s in vain: $what"
        sleep 0.02
    done
}

now_ms() { echo "${EPOCHREALTIME/[.,]/}" | sed 's/...$//'; }

alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }

# A process of this run, and not another one that got its number.
ours() { grep -qsF "RECORD_FILE=$work/" "/proc/$1/environ"; }

# All of a folder's processes: supervisors, workers, timers.
processes_of() { # FOLDER
    grep -lsF "RECORD_FILE=$1/" /proc/[0-9]*/environ | cut -d/ -f3
}

no_process_of() { [ -z "$(processes_of "$1")" ]; }

# Writes a configuration of the recorder. MORE: members of its task.
app() { # NAME TOPIC [MORE]
    printf '{"app": "%s", "modules": ["%s/test-modules/recorder.so"], "tasks": {"record": {"topic": "%s"%s}}}\n' \
        "$1" "$build" "$2" "${3:+, $3}" >"$dir/$1.json"
}

# Starts an app in the background: its pid is in $pid, its log in LABEL.log.
start() { # LABEL APP OPTIONS...
    local label=$1 conf=$2
    shift 2
    RECORD_FILE=$dir/records "${headrace[@]}" run "$dir/$conf.json" -b "$brokers" --runtime-dir "$dir/$label.run" \
        "$@" </dev/null >"$dir/$label.log" 2>&1 &
    pid=$!
}

expect_end() { # PID CODE SECONDS
    local code=0
    wait_until "$3" "the end of the app" gone "$1"
    wait "$1" || code=$?
    [ $code = "$2" ] || fail "the app ended with $code, not $2"
}

status() { # LABEL
    "${headrace[@]}" status --json --runtime-dir "$dir/$1.run" 2>/dev/null
}

number_of() { sed -n "s/^ *\"$1\": *\([0-9]*\).*/\1/p" | head -n 1; }

has_processed() { # LABEL N
    local n
    n=$(status "$1" | number_of processed)
    [ "${n:-0}" -ge "$2" ]
}

fill() { # TOPIC RECORDS PARTITIONS OPTIONS...
    local topic=$1 records=$2 partitions=$3
    shift 3
    "$build/kafka/fill" -b "$brokers" -t "$topic" -n "$records" -p "$partitions" -c "$@" >"$dir/fill.log" 2>&1 ||
        fail "fill failed"
}

lines() { cat "$dir/records" 2>/dev/null | wc -l; }
recorded() { [ "$(lines)" -ge "$1" ]; }

account() { # RECORDS PARTITIONS OPTIONS...
    local records=$1 partitions=$2
    shift 2
    "$build/kafka/check" -n "$records" -p "$partitions" "$@" "$dir/records"
}

# For the last case: the group is to stand at the ends of the topic. END: of each partition, where it is known.
at_ends() { # GROUP TOPIC PARTITIONS [END]
    echo "$1 $2 $3 ${4:--}" >>"$work/ends"
}

# ---- the cases: each runs in a shell and a folder of its own, and prints its figures ----

# A topic that is not there: the log says which, and who waits for its end gives up with 69.
case_missing() {
    app missing nowhere
    start until_end missing --until-end
    local until_end=$pid
    start forever missing
    wait_until 20 "a line about the topic" grep -q 'topic does not exist.*nowhere' "$dir/forever.log"
    alive "$pid" || fail "the app ended"
    kill -TERM "$pid"
    expect_end "$pid" 0 20
    expect_end "$until_end" 69 60
    grep -q 'error .*topic does not exist: nowhere' "$dir/until_end.log" || fail "the log does not say which"
    echo "named in the log; --until-end ended with 69"
}

# Every record once and in order, through N workers.
through() { # N
    local n=$1
    [ -e "$work/filled" ] || fill many 200000 8
    : >"$work/filled"
    app "through$n" many
    start app "through$n" --until-end -w "$n"
    expect_end "$pid" 0 60
    account 200000 8
    at_ends "through$n.record" many 8 25000
}
case_one_worker() { through 1; }
case_two_workers() { through 2; }
case_eight_workers() { through 8; }

# Two supervisors of two workers share a group; half-way, one of them gets a signal. Each record takes long enough
# for the two to have divided the partitions by then.
share() { # APP SIGNAL CODE OPTIONS...
    local name=$1 signal=$2 code=$3 records=24000 first second
    shift 3
    fill "$name" $records 8 -w "sleep 0.001"
    app "$name" "$name" '"concurrency": 2'
    start first "$name" --until-end "$@"
    first=$pid
    start second "$name" --until-end "$@"
    second=$pid
    wait_until 60 "records with the first" has_processed first 500
    wait_until 60 "records with the second" has_processed second 500
    wait_until 60 "half of the records" recorded $((records / 2))
    kill -"$signal" "$first"
    ! recorded $records || fail "all records were through before the signal: nothing was shown"
    expect_end "$first" "$code" 30
    expect_end "$second" 0 60
    at_ends "$name.record" "$name" 8 $((records / 8))
}
case_stopped() { share stopped TERM 0 && account 24000 8; }
case_stopped_range() {
    share range TERM 0 -X partition.assignment.strategy=range && account 24000 8
}

# A stop in the middle of a rebalance: the first has given partitions up and waits for the second to join again.
case_stopped_joining() {
    local records=24000 first second
    fill joining $records 8 -w "sleep 0.001"
    app joining joining '"concurrency": 2'
    start first joining --until-end
    first=$pid
    wait_until 30 "records with the first" has_processed first 100
    start second joining --until-end
    second=$pid
    wait_until 30 "that the first gives partitions up" grep -q 'partitions handed over.*kept=4' "$dir/first.log"
    kill -TERM "$first"
    expect_end "$first" 0 30
    expect_end "$second" 0 60
    account $records 8
    at_ends joining.record joining 8 $((records / 8))
}

# Three come one after the other, so that the group is rebalanced while records run. Nobody loses its partitions.
case_three() {
    local records=30000 label pids=()
    fill three $records 8 -w "sleep 0.001"
    app three three
    for label in first second third; do
        start $label three --until-end
        pids+=("$pid")
        wait_until 60 "records with the $label" has_processed $label 100
    done
    for pid in "${pids[@]}"; do expect_end "$pid" 0 60; done
    account $records 8
    at_ends three.record three 8 $((records / 8))
}

case_killed_supervisor() {
    share killed KILL 137 -X session.timeout.ms=6000 && account 24000 8 -r 24000
}

# The broker dies half-way and is started again: the app goes on by itself. What was done since the last commit is
# repeated at most where the group forgot its members.
case_killed_broker() {
    local records=24000
    fill broker $records 8 -w "sleep 0.0005"
    app broker broker '"concurrency": 2'
    start app broker --until-end
    wait_until 60 "half of the records" recorded $((records / 2))
    scripts/kafka.sh kill
    scripts/kafka.sh start >"$dir/broker.log" || fail "the broker does not start again"
    expect_end "$pid" 0 60
    account $records 8 -r $records
    at_ends broker.record broker 8 $((records / 8))
}

coordinator() { # GROUP: the number of the node
    scripts/kafka.sh run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$brokers" \
        --describe --state --group "$1" 2>"$dir/group.log" | sed -n "s/^$1 .*(\([0-9]*\)).*/\1/p"
}

coordinated_by_other() { # GROUP NODE
    local now
    now=$(coordinator "$1")
    [ -n "$now" ] && [ "$now" != "$2" ]
}

# Of three brokers, the one that coordinates the group dies and comes back as one that does not. Then the first supervisor gets
# partitions from one that left, and must be able to ask how it left them.
case_moved_coordinator() {
    local records=46000 first node # enough for as long as Kafka's own tools take on a busy machine
    export KAFKA_DIR=$work/cluster KAFKA_BROKERS=3
    brokers=$(scripts/kafka.sh start 2>"$dir/kafka.log") || fail "the brokers do not start"
    fill moved $records 8 -w "sleep 0.005"
    app moved moved '"concurrency": 2'
    start first moved --until-end -X session.timeout.ms=45000 # it shall not lose its assignment meanwhile
    first=$pid
    wait_until 60 "records with the first" has_processed first 100
    node=$(coordinator moved.record)
    scripts/kafka.sh kill "${node:?nobody coordinates}"
    wait_until 60 "another coordinator" coordinated_by_other moved.record "$node"
    scripts/kafka.sh start "$node" >"$dir/broker.log" 2>&1 || fail "the broker does not start again"
    start second moved
    wait_until 60 "records with the second" has_processed second 50
    kill -TERM "$pid"
    expect_end "$pid" 0 30
    ! recorded $records || fail "all records were through before the second left: nothing was shown"
    expect_end "$first" 0 200
    account $records 8 -r $records
    scripts/kafka.sh kill
}

# Offsets with gaps, and a marker as the last one of each partition: there is no record at the end. Several times,
# since the end may come together with the last records or after them.
gaps() { # LEVEL OPTIONS OF CHECK...
    local level=$1 i
    shift
    [ -e "$work/filled_gaps" ] || fill gaps 6000 4 -x 50 -a 4
    : >"$work/filled_gaps"
    for i in 1 2 3 4 5; do
        rm -f "$dir/records"
        app "gaps_$level$i" gaps
        start "app$i" "gaps_$level$i" --until-end -w 2 -X isolation.level="read_$level"
        expect_end "$pid" 0 30
        account 6000 4 "$@" >"$dir/account"
        at_ends "gaps_$level$i.record" gaps 4
    done
    echo "5 times $(cat "$dir/account")"
}
case_gaps_committed() { gaps committed; }
case_gaps_uncommitted() { gaps uncommitted -a 120; } # 120 transactions, 30 aborted ones after them, 4 records each

there_are() { # TOPIC PARTITIONS FILE
    "$build/kafka/offsets" -b "$brokers" -t "$1" -p "$2" | sort >"$3"
}

# fewer_than says whether the broker has thrown records away.
fewer_than() { # RECORDS
    there_are compacted.in 4 "$dir/now"
    [ "$(wc -l <"$dir/now")" -lt "$1" ]
}

# A compacted topic, once the broker has thrown away what newer records of the same key replace. It may throw away more
# meanwhile: what was there before and after must have been seen, once and in order, and nothing else but what was there before.
case_compacted() {
    local round records=0 each=4000
    scripts/kafka.sh topic compacted.in 4 cleanup.policy=compact segment.ms=50 min.cleanable.dirty.ratio=0.01 \
        >"$dir/topic.log" 2>&1 || fail "no topic"
    # Only closed segments are compacted, every quarter of a minute, and a segment is closed by the first record that comes
    # 50 ms after its own first one: so more records come until there are gaps.
    for ((round = 0; ; round++)); do
        [ $round -lt 24 ] || fail "the broker compacts nothing in two minutes"
        "$build/kafka/fill" -b "$brokers" -t compacted.in -n $each -p 4 -k 100 -f $((round * each / 4)) \
            >>"$dir/fill.log" 2>&1 || fail "fill failed"
        records=$((records + each))
        [ $round -lt 2 ] || ! (wait_until 5 "gaps" fewer_than $((records * 3 / 4)) 2>/dev/null) || break
    done
    there_are compacted.in 4 "$dir/before"
    app compacted compacted.in
    start app compacted --until-end -w 2
    expect_end "$pid" 0 60
    there_are compacted.in 4 "$dir/after"
    cut -d' ' -f2,3 "$dir/records" | sort >"$dir/seen"
    [ -z "$(uniq -d "$dir/seen")" ] || fail "records were seen twice"
    [ -z "$(comm -13 "$dir/seen" <(comm -12 "$dir/before" "$dir/after"))" ] || fail "records were not seen"
    [ -z "$(comm -23 "$dir/seen" "$dir/before")" ] || fail "records were seen that are not there"
    awk '$2 in last && $3 <= last[$2] { exit 1 } { last[$2] = $3 }' "$dir/records" || fail "records were seen out of order"
    echo "$(wc -l <"$dir/seen") of $records records were left, each seen once and in order"
    at_ends compacted.record compacted.in 4 $((records / 4))
}

# 100 workers with slow records in no order, as in conf/feeds.json. The rate is shown and not judged: machines differ.
case_feeds() {
    local records=60000 from
    fill feeds $records 8 -w "sleep 0.01"
    app feeds feeds '"concurrency": 100, "order": "none"'
    start app feeds --until-end
    wait_until 60 "the first record" recorded 1
    from=$(now_ms)
    wait_until 120 "all records" recorded $records
    local took=$(($(now_ms) - from))
    expect_end "$pid" 0 30
    account $records 8 -u
    echo "$((records * 1000 / took)) records/s at 10 ms each"
    at_ends feeds.record feeds 8 $((records / 8))
}

kill_a_worker() { # LABEL
    local pids pid
    mapfile -t pids < <(status "$1" | grep -A 1 '"instance"' | sed -n 's/^ *"pid": *\([1-9][0-9]*\).*/\1/p')
    [ ${#pids[@]} -gt 0 ] || return 1
    pid=${pids[RANDOM % ${#pids[@]}]}
    ours "$pid" && kill -KILL "$pid" 2>/dev/null
}

# Workers die at random: each death repeats the record that it was on, and nothing else.
case_killed_workers() {
    local records=50000 kills=0 next seed=${KAFKA_TEST_SEED:-$RANDOM}
    RANDOM=$seed
    fill mortal $records 8 -w "sleep 0.0002"
    app mortal mortal '"concurrency": 4, "attempts": 100, "backoff": ["10ms", "10ms"], "restart": {"max": 1000000}'
    start app mortal --until-end
    for ((next = 500; next < records; next += 500)); do
        wait_until 60 "record $next" recorded $next
        ! kill_a_worker app || kills=$((kills + 1))
    done
    expect_end "$pid" 0 90
    echo "$kills kills (seed $seed)"
    [ $kills -ge 50 ] || fail "only $kills workers could be killed: nothing was shown"
    account $records 8 -r $kills
    at_ends mortal.record mortal 8 $((records / 8))
}

letters_in() { # TOPIC
    "$build/headrace" dead list "$1" -b "$brokers" --json | wc -l
}

# The broker makes no topic by its name being used: the one for dead letters was created at the start.
case_letters() {
    fill letters 6 2 -w reject
    app letters letters
    start app letters --until-end
    expect_end "$pid" 0 30
    grep -q 'dead-letter topic created.*topic=letters.record.dlq' "$dir/app.log" || fail "the log names no new topic"
    [ "$(letters_in letters.record.dlq)" = 6 ] || fail "not 6 letters"
    echo "6 letters in a topic that was created"
    at_ends letters.record letters 2 3
}

# A topic that does not take them: the records wait, nothing of them is committed, and the status says why. Once it
# takes them, the app goes on by itself.
case_letters_refused() {
    local topic=refused.record.dlq
    scripts/kafka.sh topic $topic 1 max.message.bytes=300 >"$dir/topic.log" 2>&1 || fail "no topic"
    fill refused 2 2 -w reject -s 1000
    app refused refused
    start app refused --until-end
    wait_until 30 "two letters that wait" grep -q 'dead letters cannot be written.*max.message.bytes' "$dir/app.log"
    status app >"$dir/status.log"
    grep -q '"trouble": "too large' "$dir/status.log" || fail "the status does not say why"
    grep -q '"committed": 1' "$dir/status.log" && fail "a record was committed whose letter is not written"
    scripts/kafka.sh run kafka.admin.ConfigCommand --bootstrap-server "$brokers" --alter --entity-type topics \
        --entity-name $topic --add-config max.message.bytes=100000 >"$dir/config.log" 2>&1 || fail "no other limit"
    expect_end "$pid" 0 30
    [ "$(letters_in $topic)" = 2 ] || fail "not 2 letters, once each"
    echo "2 letters, written once the topic took them"
    at_ends refused.record refused 2 1
}

# A topic that cannot be created (its name is too like another one's): a warning says what to create, and the app runs.
case_letters_nowhere() {
    scripts/kafka.sh topic no.letters 1 >"$dir/topic.log" 2>&1 || fail "no topic"
    fill nowhere_else 3 1
    app nowhere nowhere_else '"dead_letter_topic": "no_letters"'
    start app nowhere
    wait_until 30 "the warning" grep -q 'warn .*cannot be created: create it by hand.*topic=no_letters' "$dir/app.log"
    wait_until 30 "the records" recorded 3
    kill -TERM "$pid"
    expect_end "$pid" 0 20
    echo "named in a warning"
}

# The app that sends each of its records on. TO: where to; empty: it sends nothing.
forward() { # LABEL APP TOPIC TO OPTIONS...
    local label=$1 name=$2 topic=$3 to=$4
    shift 4
    printf '{"app": "%s", "modules": ["%s/kafka/forward.so"], "tasks": {"forward": {"topic": "%s", "concurrency": 2}}}\n' \
        "$name" "$build" "$topic" >"$dir/$name.json"
    if [ -n "$to" ]; then export FORWARD_TO=$to; else unset FORWARD_TO; fi
    start "$label" "$name" "$@"
}

sent() { # LABEL N
    local n
    n=$(status "$1" | number_of sent)
    [ "${n:-0}" -ge "$2" ]
}

new_topic() { scripts/kafka.sh topic "$1" 8 >>"$dir/topic.log" 2>&1 || fail "cannot create $1"; }

# A million records that each send one, and the broker dies half-way: nothing of what was to be sent is missing, and each
# key's order is kept in what was sent.
case_sends() {
    local records=1000000
    [ -e "$work/filled_sends" ] || fill sends $records 8
    : >"$work/filled_sends"
    new_topic sent
    forward app sends sends sent --until-end
    wait_until 120 "half of the records" sent app $((records / 2))
    scripts/kafka.sh kill
    scripts/kafka.sh start >"$dir/broker.log" || fail "the broker does not start again"
    expect_end "$pid" 0 180
    "$build/kafka/forward_check" -b "$brokers" -t sent -n $records -p 8 -r $records
    at_ends sends.forward sends 8 $((records / 8))
}

# The broker refuses whole batches. One record sends what a compacted topic does not take, a message without a key: it alone
# becomes a dead letter. And what goes to a topic that takes small batches only arrives all the same.
case_sends_refused() {
    local i
    scripts/kafka.sh topic compacted 1 cleanup.policy=compact >>"$dir/topic.log" 2>&1 || fail "cannot create compacted"
    scripts/kafka.sh topic small 1 max.message.bytes=65536 >>"$dir/topic.log" 2>&1 || fail "cannot create small"
    scripts/kafka.sh topic batches 1 >>"$dir/topic.log" 2>&1 || fail "cannot create batches"
    {
        for i in 1 2 3 4 5 6 7 8 9; do echo "keyed compacted k$i v"; done
        echo "to compacted bad"
        for i in 1 2 3 4 5 6 7 8 9; do echo "keyed compacted l$i v"; done
        for ((i = 0; i < 100; i++)); do echo "large small 8000"; done
    } | "$build/headrace" send batches -b "$brokers" >"$dir/send.log" 2>&1 || fail "send failed"
    printf '{"app": "refused", "modules": ["%s/test-modules/sender.so"], "tasks": {"send": {"topic": "batches"}}}\n' \
        "$build" >"$dir/refused.json"
    start app refused --until-end
    expect_end "$pid" 0 60
    [ "$(grep -c 'record dead-lettered' "$dir/app.log")" = 1 ] || fail "not one record is a dead letter"
    grep -q 'record dead-lettered .*record=batches:0:9 .*reason="send: compacted: ' "$dir/app.log" || fail "it is another one"
    grep -q 'batches are made smaller.*topic=small' "$dir/app.log" || fail "the batches were not fitted"
    echo "1 of 119 records is a dead letter"
    at_ends refused.send batches 1 119
}

# From the first assignment to the end, as the log says it.
took() { # LABEL
    local from to
    from=$(grep -m 1 'partitions assigned' "$dir/$1.log" | cut -d' ' -f1)
    to=$(grep -m 1 ' stopping ' "$dir/$1.log" | cut -d' ' -f1)
    echo $(($(date -d "$to" +%s%3N) - $(date -d "$from" +%s%3N)))
}

# What sending costs: the same records with and without, alternately. Shown, not judged.
case_sends_speed() {
    local records=1000000 i with without ratios=()
    [ -e "$work/filled_sends" ] || fill sends $records 8
    : >"$work/filled_sends"
    for i in 1 2 3; do
        new_topic "speed$i"
        forward "with$i" "with$i" sends "speed$i" --until-end
        expect_end "$pid" 0 120
        forward "without$i" "without$i" sends "" --until-end
        expect_end "$pid" 0 120
        with=$(took "with$i") without=$(took "without$i")
        ratios+=("$((without * 100 / with))")
        "$build/kafka/forward_check" -b "$brokers" -t "speed$i" -n $records -p 8 >>"$dir/checked"
    done
    echo "with sends $((records / with)) records/ms, without $((records / without)); $(printf '%s\n' "${ratios[@]}" | sort -n | sed -n 2p) % (median of 3)"
}

# Bad records of each kind among 100,000, over 8 partitions and 4 workers: each is one dead letter with its reason, its
# attempts, its bytes and, where it should have one, its backtrace; every other record was finished exactly once; and no
# lane waited for the bad record of another one, which would let 900 records and more of a third one pass by.
case_poison() {
    local records=100000 seed=${KAFKA_TEST_SEED:-$RANDOM}
    "$build/kafka/chaos_fill" -b "$brokers" -t poison -n $records -p 8 -e 1 -s "$seed" || fail "chaos_fill failed"
    cat >"$dir/poison.json" <<END
{ "app": "poison", "modules": ["$build/kafka/chaos.so"],
  "tasks": { "work": { "topic": "poison", "concurrency": 4, "order": "partition", "attempts": 3,
    "backoff": ["20ms", "100ms"], "deadline": "1s", "dead_letter_limit": 0,
    "limits": { "memory": "400MB", "core": 0 } } } }
END
    CHAOS_FILE=$dir/done CHAOS_WORK_US=300 start app poison --until-end
    expect_end "$pid" 0 120
    "$build/kafka/chaos_check" -b "$brokers" -t poison -d poison.work.dlq -g poison.work -w 100000 -k 0 -l 400 \
        "$dir/done" >"$dir/account" || { cat "$dir/account" >&2; fail "seed $seed"; }
    sed -n 's/^ok *\(lost\|poison\|waited\) *0 wrong; //p' "$dir/account"
    at_ends poison.work poison 8 $((records / 8))
}

# An app of the module `timed`. MORE: members of its task.
timed_app() { # NAME TOPIC MORE
    printf '{"app": "%s", "modules": ["%s/kafka/timed.so"], "tasks": {"work": {"topic": "%s", %s}}}\n' \
        "$1" "$build" "$2" "$3" >"$dir/$1.json"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# What the partitions 1 to 7 got through, in records a second: from the first record of the first to the last of the last.
rate_of_others() { # FILE RECORDS_A_PARTITION
    awk -v n="$2" '
        $2 == 0 { next }
        $1 == "first" && (from == 0 || $3 < from) { from = $3 }
        $1 == "last" && $3 > to { to = $3 }
        END { printf "%d\n", 7 * n / (to - from) * 1e9 }' "$1"
}

# One record in 100,000 ends its worker, once each, and all of them in partition 0: what do the other partitions lose? Runs with and
# without take turns; the ratio of each pair is shown and not judged: machines differ.
case_crashing() {
    local each=200000 pair every name
    fill crashing $((8 * each)) 8 -s 120
    for pair in 1 2 3 4 5; do
        for every in 0 12500; do
            name=crashing_${pair}_$every
            timed_app "$name" crashing \
                '"concurrency": 4, "attempts": 1, "dead_letter_limit": 0, "limits": {"core": 0}'
            TIMED_FILE=$dir/$name.times TIMED_LAST=$((each - 1)) TIMED_DEATH_EVERY=$every TIMED_DEATH_LANES=1 \
                start "$name" "$name" --until-end
            expect_end "$pid" 0 60
            rate_of_others "$dir/$name.times" $each >>"$dir/rates_$every"
            at_ends "$name.work" crashing 8 $each
        done
    done
    [ "$(cat "$dir"/*_12500.times | grep -c segv)" = 80 ] || fail "not as many deaths as there should be"
    echo "others: $(median <"$dir/rates_0") records/s without, $(median <"$dir/rates_12500") with, ratio of pairs" \
        "$(paste "$dir/rates_0" "$dir/rates_12500" | awk '{ printf "%.3f\n", $2 / $1 }' | median) (median of 5)"
}

# The median time from a death to the first record of the successor, of the deaths of one kind, in ms with a digit.
successor_ms() { # KIND
    awk -v kind="$1" '
        $1 == kind { died[$2] = $3 }
        $1 == "segv" && kind == "kill" || $1 == "kill" && kind == "segv" { delete died[$2] }
        $1 == "begins" && ($2 in died) { printf "%.1f\n", ($3 - died[$2]) / 1e6; delete died[$2] }' \
        "$dir/times" >"$dir/$1"
    [ "$(wc -l <"$dir/$1")" -ge 100 ] || fail "only $(wc -l <"$dir/$1") successors after $1"
    echo "$(median <"$dir/$1") ms after $2 (median of $(wc -l <"$dir/$1"))"
}

# From the death of a worker to the first record of its successor, while there is work enough for both.
case_successor() {
    local each=1200
    fill successor $((8 * each)) 8
    timed_app successor successor '"concurrency": 2, "attempts": 1, "dead_letter_limit": 0, "limits": {"core": 0}'
    TIMED_FILE=$dir/times TIMED_DEATH_EVERY=40 TIMED_DEATH_LANES=8 TIMED_WORK_US=500 start app successor --until-end
    expect_end "$pid" 0 60
    successor_ms kill "a SIGKILL"
    successor_ms segv "a fault"
    at_ends successor.work successor 8 $each
}

# What Kafka says about all of these groups: committed at the ends, no lag.
case_offsets() {
    [ -s "$work/ends" ] || fail "no case came to its end before this one"
    scripts/kafka.sh run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$brokers" \
        --describe --offsets --all-groups >"$dir/groups.log" 2>&1 || fail "Kafka's tool failed"
    awk '
        FNR == NR { partitions[$1 " " $2] = $3; end[$1 " " $2] = $4; groups++; next }
        ($1 " " $2) in partitions {
            key = $1 " " $2
            seen[key]++
            if ($4 != $5 || $6 != 0 || (end[key] != "-" && $5 != end[key])) {
                printf "%s partition %s: committed %s, end %s, expected %s\n", key, $3, $4, $5, end[key] >"/dev/stderr"
                bad++
            }
        }
        END {
            for (key in partitions)
                if (seen[key] != partitions[key]) {
                    printf "%s: %d partitions committed of %d\n", key, seen[key], partitions[key] >"/dev/stderr"
                    bad++
                }
            printf "%d groups at the ends of their topics, lag 0, says Kafka\n", groups
            exit bad > 0
        }' "$work/ends" "$dir/groups.log"
}

# ---- the run ----

show_failure() {
    local log
    sed 's/^/      /' "$dir/errors"
    for log in "$dir"/*.log; do
        [ -s "$log" ] || continue
        echo "      --- the end of ${log##*/}"
        tail -n 15 "$log" | sed 's/^/      /'
    done
}

end_all() { # FOLDER
    local pid
    for pid in $(processes_of "$1"); do kill -KILL "$pid" 2>/dev/null; done
}

run_case() { # NAME
    local name=$1 code=0 from took figures
    dir=$work/$name
    mkdir "$dir"
    from=$(now_ms)
    (
        set -e
        "case_$name" </dev/null >"$dir/figures" 2>"$dir/errors"
    ) &
    case_pid=$! # in the background, so that a signal to us is not kept waiting for the case's end
    wait $case_pid || code=$?
    case_pid=
    # An app that ended has left nobody behind: its children get a second to be gone.
    if [ $code = 0 ] && ! (wait_until 1 "that no process is left" no_process_of "$dir") 2>>"$dir/errors"; then
        processes_of "$dir" | sed 's/^/left behind: pid /' >>"$dir/errors"
        code=1
    fi
    end_all "$dir"
    took=$(($(now_ms) - from))
    figures=$(paste -sd '|' "$dir/figures" | sed 's/|/; /g')
    if [ $code = 0 ]; then
        printf 'ok    %-18s %s (%d.%d s)\n' "$name" "$figures" $((took / 1000)) $((took % 1000 / 100))
        passed=$((passed + 1))
    else
        printf 'FAIL  %-18s %s (%d.%d s)\n' "$name" "$figures" $((took / 1000)) $((took % 1000 / 100))
        show_failure
        failed=$((failed + 1))
    fi
}

finish() {
    [ -z "$case_pid" ] || kill -KILL "$case_pid" 2>/dev/null
    end_all "$work"
    scripts/kafka.sh kill
    KAFKA_DIR=$work/secure scripts/kafka.sh kill
    KAFKA_DIR=$work/cluster scripts/kafka.sh kill
    if [ -n "${KAFKA_TEST_KEEP:-}" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
}

for name in "$@"; do
    declare -F "case_$name" >/dev/null || {
        echo "run.sh: no case $name; there are:" $cases $slow_cases >&2
        exit 64
    }
done
for program in headrace tasks/logs.so kafka/fill kafka/check kafka/chaos_fill kafka/chaos_check kafka/chaos.so kafka/timed.so \
    kafka/forward_check kafka/forward.so kafka/offsets test-modules/recorder.so; do
    [ -e "$build/$program" ] || {
        echo "run.sh: $build/$program is not built; make test-kafka builds and runs all" >&2
        exit 1
    }
done
work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/headrace-kafka.XXXXXX")")
export KAFKA_DIR=$work/kafka
case_pid=
trap finish EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0
brokers=$(scripts/kafka.sh start) || {
    echo "run.sh: no Kafka to test against; kafka.sh says why above" >&2
    exit 1
}
[ -z "${KAFKA_TEST_PRELOAD:-}" ] || "${headrace[@]}" --version
[ $# -gt 0 ] || set -- $cases
for name in "$@"; do run_case "$name"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
