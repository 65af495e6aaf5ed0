#!/usr/bin/env bash
# chaos.sh - everything goes wrong at once, against a real Kafka; then every record is accounted for.
#
# One broker or three, a topic of 8 partitions with poison of each kind among its records, one app with 8 workers and a
# timer, whose task sends a message for each record. For CHAOS_SECONDS (60) workers are killed or stopped for a while, the
# timer process is killed, supervisors are killed and at once started again, a second supervisor joins and leaves, a broker
# dies or is restarted. Then all is stopped in order, what is left is drained by --until-end, and chaos_check reads what the
# task wrote down, what it sent, and the dead letters.
#
# CHAOS_SECONDS  how long things go wrong             CHAOS_SEED      the seed of what goes wrong when (printed)
# CHAOS_RECORDS  how many records (300000 or more)    CHAOS_ASSIGNOR  cooperative-sticky (the default) or range
# CHAOS_BROKERS  how many brokers (1), or 3 and more: one of them is away at a time, some of them for longer
# CHAOS_STATIC=1 static membership: each supervisor has a group.instance.id of its own, which it keeps when it is killed
# CHAOS_PRELOAD  a librdkafka (librdkafka.so) that takes the place of the one that headrace was built against
# CHAOS_KEEP=1   keep the folder, also where all is well
# BUILD          the folder of the build (build)
#
# From 120 seconds on, what happens in a minute happens in every other minute; in between supervisors and brokers live on, so
# that it can be seen whether supervisors grow while workers die. From 1200 on it is two minutes of each.
#
# Everything that was started is ended by its pid. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
build=$(realpath "${BUILD:-build}")
seconds=${CHAOS_SECONDS:-60}
seed=${CHAOS_SEED:-$RANDOM}
records=${CHAOS_RECORDS:-$((seconds > 120 ? seconds * 2500 / 8 * 8 : 300000))}
assignor=${CHAOS_ASSIGNOR:-cooperative-sticky}
n_brokers=${CHAOS_BROKERS:-1}
each=$((seconds > 60 ? seconds / 20 : 3))
period=$((seconds >= 1200 ? 240 : seconds >= 120 ? 120 : 60))
window=2000
work_us=400 # so long that the records outlast the chaos; the rest is drained without it
partitions=8

say() { echo "chaos.sh: $*" >&2; }

# ---- what runs ----

declare -A supervisor=() stopped=() # slot -> pid; pid of a stopped worker -> when it goes on (ms)
lives=0 passed=0 failed=0

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
alive() { kill -0 "$1" 2>/dev/null; }
event() { echo "$* $(now_ms)" >>"$work/done"; } # one write(2), between the lines of the task

ours() { grep -qsF "CHAOS_FILE=$work/" "/proc/$1/environ"; }
processes() { grep -lsF "CHAOS_FILE=$work/" /proc/[0-9]*/environ | cut -d/ -f3; }

wait_until() { # SECONDS COMMAND...
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || return 1
        sleep 0.05
    done
}
gone() { ! alive "$1"; }
none_left() { [ -z "$(processes)" ]; }

judge() { # GOOD NAME TEXT: GOOD is 0 where all is well
    if [ "$1" = 0 ]; then
        printf 'ok    %-12s %s\n' "$2" "$3"
        passed=$((passed + 1))
    else
        printf 'FAIL  %-12s %s\n' "$2" "$3"
        failed=$((failed + 1))
    fi
}

write_app() {
    local member= queues=
    # An id is given once in a group, to whoever may take the place of the one that had it; so it comes from outside.
    [ -z "${CHAOS_STATIC:-}" ] || member='"group.instance.id": "${CHAOS_MEMBER}", '
    # What is fetched ahead comes and goes with assignments, and each broker's thread keeps the memory that it once had for
    # it: with little of it, growth is seen.
    [ "$seconds" -lt 120 ] || queues='"queued.max.messages.kbytes": 256, '
    cat >"$work/chaos.json" <<END
{
  "app": "chaos",
  "modules": ["$build/kafka/chaos.so"],
  "kafka": { $member$queues"session.timeout.ms": 6000, "partition.assignment.strategy": "$assignor", "reconnect.backoff.max.ms": 500 },
  "tasks": {
    "work": {
      "concurrency": $partitions,
      "order": "partition",
      "attempts": 3,
      "backoff": ["20ms", "100ms"],
      "deadline": "1s",
      "dead_letter_limit": 0,
      "restart": { "max": 1000000 },
      "window": $window,
      "limits": { "memory": "400MB", "core": 0 }
    }
  },
  "drain_timeout": "4s"
}
END
}

start_supervisor() { # SLOT [OPTIONS...]
    local slot=$1
    shift
    lives=$((lives + 1))
    CHAOS_FILE=$work/done CHAOS_WORK_US=$work_us CHAOS_SENT=$sent CHAOS_MEMBER=$slot.${joined[$slot]:-0} \
        "${headrace[@]}" run "$work/chaos.json" -b "$brokers" \
        --runtime-dir "$work/$slot.${joined[$slot]:-0}.run" "$@" </dev/null >"$work/$lives.$slot.log" 2>&1 &
    supervisor[$slot]=$!
    event start supervisor $! "$lives"
}

children() { # SUPERVISOR PROGRAM TASK: the one that describes the module at the start is none of a task
    local pid words
    for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        words=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")
        [[ $words == *"/headrace-$2 $3 "* ]] && ours "$pid" && echo "$pid"
    done
}

# One of the words, at random, in $one. (No subshell: it would draw from a random sequence of its own.)
pick() {
    local n=$((RANDOM % ($# > 0 ? $# : 1) + 1))
    one=${!n:-}
}

# A supervisor that nobody killed must be there.
look_at_supervisors() {
    local slot code
    for slot in "${!supervisor[@]}"; do
        alive "${supervisor[$slot]}" && continue
        wait "${supervisor[$slot]}"
        code=$?
        judge 1 survival "a supervisor ended by itself with $code: ${supervisor[$slot]} in slot $slot"
        start_supervisor "$slot"
    done
}

# ---- what goes wrong ----

# Of what may not die as often as it likes (restart.max cannot be set for timers), no supervisor loses more than LIMIT.
kill_child() { # PROGRAM TASK [LIMIT]
    pick "${!supervisor[@]}"
    local of="${supervisor[$one]} $1 $2"
    [ "${killed[$of]:-0}" -lt "${3:-1000000}" ] || return 0
    # shellcheck disable=SC2046
    pick $(children "${supervisor[$one]}" "$1" "$2")
    [ -n "$one" ] || return 0
    killed[$of]=$((${killed[$of]:-0} + 1))
    event kill "$1" "$one"
    kill -KILL "$one" 2>/dev/null
    unset "stopped[$one]"
}

stop_worker() {
    pick "${!supervisor[@]}"
    # shellcheck disable=SC2046
    pick $(children "${supervisor[$one]}" worker work)
    [ -n "$one" ] || return 0
    kill -STOP "$one" 2>/dev/null || return 0
    stopped[$one]=$(($(now_ms) + 100 + RANDOM % 3000))
    stops=$((stops + 1))
}

continue_workers() { # [all]
    local pid
    for pid in "${!stopped[@]}"; do
        [ -n "${1:-}" ] || [ "${stopped[$pid]}" -le "$(now_ms)" ] || continue
        ours "$pid" && kill -CONT "$pid" 2>/dev/null
        unset "stopped[$pid]"
    done
}

kill_supervisor() {
    pick "${!supervisor[@]}"
    local slot=$one pid=${supervisor[$one]}
    event kill supervisor "$pid"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    start_supervisor "$slot"
}

# One that joins has a runtime directory of its own, since the last one may still be leaving; one that was killed is
# started again in the directory that it left behind.
join() {
    [ -z "${supervisor[b]:-}" ] || return 0
    joined[b]=$((${joined[b]:-0} + 1))
    start_supervisor b
}

leave() { # SLOT
    local pid=${supervisor[$1]:-} code=0
    [ -n "$pid" ] || return 0
    event term supervisor "$pid"
    kill -TERM "$pid"
    unset "supervisor[$1]"
    leaving[$pid]=$SECONDS
}

# Whether a supervisor said that its last commit was not confirmed.
unconfirmed() { # PID
    grep -l " pid=$1 " "$work"/*.log | xargs grep -q "the last commit was not confirmed"
}

# Those that were told to leave must do so in order.
look_at_leaving() { # [SECONDS to wait for them]
    local pid code
    for pid in "${!leaving[@]}"; do
        [ -z "${1:-}" ] || wait_until "$1" gone "$pid"
        if gone "$pid"; then
            wait "$pid"
            code=$?
            left=$((left + 1))
            # 2 is the truth where the broker was away and the last commit could not be confirmed.
            [ $code = 0 ] || { [ $code = 2 ] && unconfirmed "$pid"; } ||
                judge 1 leaving "supervisor $pid ended with $code at a TERM"
            unset "leaving[$pid]"
        elif [ $SECONDS -gt $((leaving[$pid] + 40)) ]; then
            judge 1 leaving "supervisor $pid does not end at a TERM"
            kill -KILL "$pid"
            unset "leaving[$pid]"
        fi
    done
}

# In the background: the rest goes on while the broker is away. Of several, one that was killed stays away for so long, every
# other time, that the others notice.
restart_broker() { # kill|stop
    local node= away=0
    [ -z "$restarting" ] || return 0
    restarts=$((restarts + 1))
    if [ "$n_brokers" -gt 1 ]; then
        node=$((RANDOM % n_brokers + 1))
        away=$((restarts % 4 == 1 ? 12 : 0))
    fi
    event kill broker "${node:-0}"
    (scripts/kafka.sh "$1" $node && sleep $away && scripts/kafka.sh start $node) >>"$work/broker" 2>&1 &
    restarting=$!
}

look_at_broker() { # [wait]
    [ -n "$restarting" ] || return 0
    [ -n "${1:-}" ] || gone "$restarting" || return 0
    wait "$restarting" || judge 1 broker "it does not start again: $work/broker"
    event back broker 0
    restarting=
}

# What is sure to happen, by the second within a minute; a bit of chance moves it.
plan() { # SECOND
    local at=$((($1 + shift) % period)) of_minute loud=$((period > 60 ? period / 2 : 60))
    of_minute=$((at % 60))
    [ $at != 0 ] || event loud
    [ $at != $loud ] || event quiet
    [ $at -lt $loud ] || return 0
    case $of_minute in
    14) restart_broker kill ;;
    43) restart_broker stop ;;
    4 | 31) join ;;
    10 | 24 | 38 | 52) kill_supervisor ;;
    18 | 47) leave b ;;
    8 | 28 | 48) kill_child worker tick 4 ;;
    esac
}

# What the supervisors take: resident memory and descriptors.
sample() {
    local pid size pages fds
    for pid in "${supervisor[@]}"; do
        read -r size pages _ 2>/dev/null <"/proc/$pid/statm" || continue
        fds=("/proc/$pid/fd"/*)
        event sample "$pid" $((pages * 4)) ${#fds[@]}
    done
}

chaos() {
    local from=$SECONDS second=-1 shift=$((RANDOM % 3))
    while [ $((SECONDS - from)) -lt "$seconds" ]; do
        if [ $((SECONDS - from)) -gt $second ]; then
            second=$((second + 1))
            plan $second
            sample
        fi
        case $((RANDOM % 10)) in
        0 | 1 | 2 | 3 | 4 | 5) kill_child worker work ;;
        6 | 7 | 8) stop_worker ;;
        9) kill_child timer chaos 8 ;;
        esac
        continue_workers
        look_at_supervisors
        look_at_leaving
        look_at_broker
        sleep "0.$((RANDOM % 3))$((RANDOM % 10))" # the pace of the chaos
    done
}

# ---- the end ----

drain() {
    local slot pid code=0
    continue_workers all
    look_at_broker wait
    for slot in "${!supervisor[@]}"; do leave "$slot"; done
    look_at_leaving 40
    judge "$((left > 0 ? 0 : 1))" leaving "$left supervisors left in order"
    before=$(grep -c ' end ' "$work/done")
    work_us=0
    joined[a]=1
    start_supervisor a --until-end
    pid=${supervisor[a]}
    supervisor=()
    wait_until $((90 + seconds)) gone "$pid" || kill -KILL "$pid"
    wait "$pid" || code=$?
    judge $code drained "--until-end ended with $code; $before records ended in the chaos, $(($(grep -c ' end ' "$work/done") - before)) after it"
    wait_until 2 none_left
    judge $? alone "nobody is left behind"
}

# What supervisors say of themselves: that the group went on without them, that its coordinator moved, that they left without a
# confirmed commit, that they hand out records in batches again.
# A line for each, with the time of the log's.
note_upsets() { # WORD TEXT
    local log pid stamp
    for log in $(grep -l "$2" "$work"/*.log); do
        pid=$(sed -n 's/.* supervisor started app=chaos pid=\([0-9]*\).*/\1/p' "$log" | head -n 1)
        grep "$2" "$log" | while read -r stamp _; do
            echo "$1 supervisor $pid $(date -d "$stamp" +%s%3N)" >>"$work/done"
        done
    done
}

account() {
    local deaths anew
    note_upsets lost 'info supervisor partitions lost'
    note_upsets moved 'error="[^"]*\(Coordinator load in progress\|Not coordinator\)'
    note_upsets batches 'info supervisor records are handed out in batches again'
    note_upsets unconfirmed 'warn supervisor the last commit was not confirmed'
    deaths=$(cat "$work"/*.log | grep -c 'worker ended')
    anew=$(cat "$work"/*.log | grep -c 'the producer failed for good')
    "$build/kafka/chaos_check" -b "$brokers" -t chaos -d chaos.work.dlq -g chaos.work -w $window -k "$deaths" \
        -s $sent -a "$anew" "$work/done" >"$work/account" 2>&1 || [ $? = 1 ] || echo "FAIL  account      it ended early" >>"$work/account"
    cat "$work/account"
    passed=$((passed + $(grep -c '^ok ' "$work/account")))
    failed=$((failed + $(grep -c '^FAIL' "$work/account")))
    # A fault that did not happen shows nothing.
    grep -q '^ok .*lost' "$work/account" || [ $failed -gt 0 ] || judge 1 account "chaos_check said nothing"
    [ "$seconds" -lt 120 ] || grep -q '^[okFAIL]* *flat' "$work/account" || judge 1 flat "no supervisor was there for long enough in a quiet time"
    enough
}

# What an hour must see at least, of each kind, and a shorter time in proportion.
enough() {
    local workers timers supervisors gone_brokers joins=${joined[b]:-0} bad=0 pair
    read -r workers timers supervisors gone_brokers < <(sed -n 's/^ *killed: //p' "$work/account" | tr -dc '0-9 \n')
    for pair in "${workers:-0}:2000" "${timers:-0}:50" "${supervisors:-0}:50" "$joins:50" "${gone_brokers:-0}:20"; do
        [ ${pair%:*} -ge $((${pair#*:} * seconds / 3600)) ] || bad=1
    done
    judge $bad faults "a second supervisor joined $joins times; enough of each kind happened"
}

finish() {
    local pid
    for pid in $(processes); do kill -KILL "$pid" 2>/dev/null; done
    [ -z "$restarting" ] || wait "$restarting"
    # A start that was under way may still have launched one.
    scripts/kafka.sh kill 2>>"$work/broker"
    if [ "$failed" -gt 0 ] || [ "$complete" = no ] || [ -n "${CHAOS_KEEP:-}" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
    [ "$complete" = no ] || echo "$passed passed, $failed failed"
}

for program in headrace kafka/chaos_fill kafka/chaos_check kafka/chaos.so; do
    [ -e "$build/$program" ] || { say "$build/$program is not built; make chaos builds and runs all"; exit 1; }
done
work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/headrace-chaos.XXXXXX")")
export KAFKA_DIR=$work/kafka
export KAFKA_BROKERS=$n_brokers
complete=no stops=0 left=0 restarts=0 restarting=
sent=chaos.sent
headrace=(env)
[ -z "${CHAOS_PRELOAD:-}" ] || headrace+=("LD_PRELOAD=$(realpath "$CHAOS_PRELOAD")")
headrace+=("$build/headrace")
declare -A leaving=() joined=() killed=()
trap finish EXIT
trap 'exit 130' INT TERM HUP
RANDOM=$seed
echo "chaos for $seconds s, seed $seed, $records records, $assignor${CHAOS_STATIC:+, static members}, $n_brokers brokers," \
    "librdkafka $("${headrace[@]}" --version | sed -n 's/.*librdkafka \([0-9.]*\).*/\1/p')"
brokers=$(scripts/kafka.sh start) || { say "no Kafka to test against; kafka.sh says why above"; exit 1; }
"$build/kafka/chaos_fill" -b "$brokers" -t chaos -n "$records" -p $partitions -e $each -s "$seed" || exit 1
scripts/kafka.sh topic $sent $partitions >>"$work/broker" 2>&1 || { say "cannot create $sent"; exit 1; }
write_app
start_supervisor a
chaos
drain
account
printf '      stopped for a while: %d workers; supervisors started: %d\n' $stops $lives
complete=yes
[ $failed = 0 ]
