#!/usr/bin/env bash
# run.sh [SCENE[:GROUP]...] - calls of the supervisor fail, one after the other: the first, the second, ... to the last.
#
#   check   `headrace check` of a configuration with all kinds of members
#   start   an app from its start to its first records
#   hot     a few hundred records; armed by the first of each partition
#   death   armed by the record before one that crashes its worker; another one crashes it each time
#
# A GROUP is calls of one kind: memory, files, processes, waiting (epoll_wait, poll), full (writes), taken (reads),
# interrupted; libraries: allocations of librdkafka and libzmq, in their threads, too; threads: their births. In each run
# one call fails (shim.c). The run must go on, and then all is done and in order; or end within seconds, with a line that
# says why and an exit code that is documented. Either way no process is left, no sanitizer has a finding, and a second
# run, untouched, finishes what is left: nothing is lost. A library may end the process by itself (abort) where its own
# allocation fails. `threads` is not among those tried without a name: where the thread of a new client cannot be born,
# librdkafka 2.0.2 may wait for ever, and leak.
#
# FAIL_EVERY=N tries each N-th call only, FAIL_RUNS=N about N of each group, spread evenly; FAIL_FROM says with which
# call it begins (1), FAIL_GROUPS how many groups go side by side (1), FAIL_JOBS how many runs of each (8). FAIL_KEEP=1 keeps the folder; it also stays where
# something is wrong. BUILD names the folder of the build (build-san).
set -u
FAIL_RUNS=${FAIL_RUNS:-0}
cd "$(dirname "$0")/../.."
build=$(realpath "${BUILD:-build-san}")
self=$PWD/tests/fail/run.sh
limit=40 # seconds: a run that takes longer hangs

# ---- one run ----

records_of() { [ "$1" = hot ] && echo 100 || echo 20; } # SCENE: in each of four partitions

errno_of() { # GROUP
    case $1 in
    memory | libraries) echo 12 ;; # ENOMEM
    processes | threads) echo 11 ;; # EAGAIN
    full) echo 28 ;;               # ENOSPC
    taken) echo 5 ;;               # EIO
    interrupted | waiting) echo 4 ;; # EINTR
    *) echo 24 ;;                  # EMFILE
    esac
}

calls_of() { # GROUP
    case $1 in
    libraries) echo memory ;;
    full) echo write,pwrite ;;
    taken) echo read ;;
    interrupted) echo read,waitid ;;
    files) echo fopen,opendir,getcwd,mkdir,ftruncate,memfd_create,mmap,pipe2,eventfd,timerfd_create,signalfd,epoll_create1,epoll_ctl,socket,accept4,open,fcntl ;;
    *) echo "$1" ;;
    esac
}

write_conf() { # SCENE GROUP-OF-CONSUMERS
    local more=''
    [ "$1" = death ] && more=', "attempts": 2'
    cat >app.json <<END
{"app": "fail", "modules": ["$build/test-modules/recorder.so", "$build/test-modules/periodic.so"],
 "kafka": {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200, "client.id": "\${FAIL_CLIENT:-fail}"},
 "commit_interval": "100ms",
 "tasks": {"record": {"topic": "$1", "group": "$2", "concurrency": 2, "backoff": ["10ms", "20ms"],
                      "environment": {"SEEN": "here"}, "restart": {"max": 5, "within": "60s"}$more}},
 "timers": {"tick": {"interval": "200ms"}}}
END
}

# The shim's variables: for one run of one command.
shimmed() { # SCENE GROUP AT COMMAND...
    local scene=$1 group=$2 at=$3 in=run by=own armed=()
    shift 3
    [ "$scene" = check ] && in=check
    [[ $group =~ ^(libraries|threads)$ ]] && by=all
    case $scene in hot | death) armed=(FAIL_ARMED=armed) ;; esac
    env FAIL_IN=$in FAIL_CALLS="$(calls_of "$group")" FAIL_AT="$at" FAIL_ERRNO="$(errno_of "$group")" FAIL_BY=$by \
        FAIL_REPORT="$PWD/report" "${armed[@]}" LD_PRELOAD="$build/fail/shim.so" timeout -s KILL $limit "$@"
}

no_process_left() { # none carries this folder in its environment
    local i
    for i in $(seq 150); do
        grep -lsF "RECORD_FILE=$PWD/" /proc/[0-9]*/environ >/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# Says what is wrong with the records that were seen, if anything: each at least once, and in a partition none before
# the one before it. After a start, and where a worker died, it may go on from an earlier one.
judge_records() { # SCENE
    awk -v n="$(records_of "$1")" '{ if ($2 in last && $3 > last[$2] + 1) { print "partition " $2 ": " $3 " after " last[$2]; exit }
                         if (!($2 in last) && $3 > 0) { print "partition " $2 " begins at " $3; exit }
                         last[$2] = $3; if (!seen[$2 "/" $3]++) all++; if (seen[$2 "/" $3] > 6) { print "seen too often: " $0; exit } }
                       END { if (all < 4 * n) print "lost: only " all + 0 " records were seen" }' records 2>/dev/null |
        head -1
}

# Says what is wrong with an end by itself, if anything.
judge_end() { # GROUP CODE
    # The search for leaks says that of a thread which ends meanwhile; it is no finding.
    if cat sanitizer.* 2>/dev/null | grep -qvE '^==[0-9]+==Unable to get registers from thread [0-9]+\.$'; then
        echo "a sanitizer has a finding"
    elif [ "$2" = 137 ]; then
        echo "it hangs"
    elif [[ $1 =~ ^(libraries|threads)$ ]] && [ "$2" = 134 ]; then
        [ -s err ] || echo "it aborts without a word"
    elif [ "$1" = memory ] && ! [[ $2 =~ ^(0|70)$ ]]; then
        echo "it ends with $2 where there was no memory"
    elif ! [[ $2 =~ ^(0|1|2|64|69|70|78)$ ]]; then
        echo "it ends with $2"
    elif [ "$2" != 0 ] && ! grep -qE '^headrace|Z error ' err; then
        echo "it ends with $2 and does not say why"
    fi
}

one_run() { # SCENE GROUP AT: a line about it; fails where something is wrong
    local scene=$1 group=$2 at=$3 code again wrong='' what dir=$work/$1.$2.$3
    mkdir -p "$dir" && cd "$dir" || return 1
    export RECORD_FILE=$dir/records
    export ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=1:exitcode=99:handle_segv=0:handle_abort=0:log_path=$dir/sanitizer"
    export UBSAN_OPTIONS="print_stacktrace=1:log_path=$dir/sanitizer"
    write_conf "$scene" "$scene.$group.$at"
    if [ "$scene" = check ]; then
        FAIL_CLIENT=one shimmed "$scene" "$group" "$at" "$build/headrace" check app.json >out 2>err
        code=$?
    else
        shimmed "$scene" "$group" "$at" "$build/headrace" run app.json -b "$brokers" --until-end --runtime-dir run \
            </dev/null >out 2>err
        code=$?
    fi
    wrong=$(judge_end "$group" $code)
    [ -n "$wrong" ] || no_process_left || wrong='a process is left'
    [ -n "$wrong" ] || [ "$scene" != check ] || [ $code != 0 ] || grep -q ': ok: 2 tasks, 1 timer' out || wrong="it checks something else: $(head -1 out)"
    if [ "$scene" != check ] && [ -z "$wrong" ]; then
        if [ $code != 0 ]; then
            timeout -s KILL $limit "$build/headrace" run app.json -b "$brokers" --until-end --runtime-dir run </dev/null >out2 2>err2
            again=$?
            [ $again = 0 ] || wrong="the second run ends with $again"
        fi
        [ -n "$wrong" ] || wrong=$(judge_records "$scene")
    fi
    what=$(grep -m1 -o 'failed [a-z0-9_]*' report 2>/dev/null)
    printf '%s %s %s %s code=%s %s\n' "$scene" "$group" "$at" "${what:-untouched}" $code \
        "$([ $code = 0 ] || grep -hE '^headrace|Z error |lert|ssert|bad_alloc|memory' err | head -1 | cut -c1-150)" >result
    if [ -n "$wrong" ]; then
        echo "$scene $group $at: $wrong (${what:-untouched}, code $code, $dir)" >wrong
        cat wrong >&2
        return 1
    fi
    cd "$work" || return 1
    cat "$dir/result" >>results
    [ "$at" = 0 ] || [ -n "${FAIL_KEEP:-}" ] || rm -r "$dir"
}

# ---- all of them ----

fill() { # the topics: the first record of a partition arms, the second of two partitions crashes
    local p i
    for p in 0 1 2 3; do
        for i in $(seq 0 99); do
            echo "$p/$i" >>"$work/start.$p"
            if [ "$i" = 0 ]; then
                echo "$p/$i touch armed"
            else
                echo "$p/$i"
            fi >>"$work/hot.$p"
            case $p$i in
            01) echo "0/1 crash 1" ;;
            11) echo "1/1 crash" ;;
            *) tail -n1 "$work/hot.$p" ;;
            esac >>"$work/death.$p"
        done
        for i in start hot death; do
            head -n "$(records_of $i)" "$work/$i.$p" | "$build/headrace" send $i -p $p -b "$brokers" 2>/dev/null || return 1
        done
    done
}

count_of() { # SCENE GROUP: how many calls there are when none fails
    one_run "$1" "$2" 0 >&2 || return 1
    sed -n 's/^counted \([0-9]*\) .*/\1/p' "$work/$1.$2.0/report" | sort -n | tail -1
}

one_group() { # SCENE:GROUP: each of its calls, and a line about them
    local scene=${1%%:*} group=${1#*:} failed=0 total extra every
    total=$(count_of "$scene" "$group") || return 1
    [ "$scene" = check ] && extra=0 || extra=$((total / 10 + 1)) # a run is not quite like another
    every=${FAIL_EVERY:-$((FAIL_RUNS > 0 ? (total + FAIL_RUNS) / FAIL_RUNS : 1))}
    seq "${FAIL_FROM:-1}" "$every" $((total + extra)) |
        xargs -P "${FAIL_JOBS:-8}" -I{} "$self" --one "$scene" "$group" {} || failed=1
    awk -v s="$scene" -v g="$group" -v t="$total" \
        '$1 == s && $2 == g && $3 > 0 && !/untouched/ { n++; if (/code=0/) on++; else { ends++; for (i = 1; i <= NF; i++) if ($i ~ /^code=/) code[$i]++ } }
         END { printf "%-6s %-11s %5d calls, %4d failed: %4d runs went on, %4d ended", s, g, t, n, on, ends; for (c in code) printf " %s:%d", c, code[c]; print "" }' "$work/results"
    return $failed
}

case ${1:-} in
--one)
    shift
    one_run "$@"
    exit
    ;;
--group)
    one_group "$2"
    exit
    ;;
esac

work=$(mktemp -d /tmp/fail.XXXXXX)
export work brokers
"$build/headrace" broker --topic start:4 --topic hot:4 --topic death:4 >"$work/broker.out" 2>"$work/broker.err" &
broker=$!
finish() {
    local code=$?
    kill $broker 2>/dev/null
    [ -n "${FAIL_KEEP:-}" ] || [ $code != 0 ] || rm -rf "$work"
    [ $code = 0 ] || echo "kept: $work"
}
trap finish EXIT
for _ in $(seq 200); do
    brokers=$(grep -o '127[.0-9:]*' "$work/broker.out") && break
    sleep 0.05
done
fill || exit 1

[ $# -gt 0 ] || set -- check start hot death
parts=
for part; do
    case $part in
    check) parts+=' check:memory check:files check:processes check:taken' ;;
    start) parts+=' start:memory start:files start:processes start:waiting start:full start:taken start:interrupted start:libraries' ;;
    hot) parts+=' hot:memory hot:files hot:waiting hot:full hot:taken hot:interrupted' ;;
    death) parts+=' death:memory death:files death:processes death:full death:taken death:interrupted death:libraries' ;;
    *) parts+=" $part" ;;
    esac
done
tr ' ' '\n' <<<"${parts# }" | xargs -P "${FAIL_GROUPS:-1}" -I{} "$self" --group {} || exit 1
