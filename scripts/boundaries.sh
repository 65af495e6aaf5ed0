#!/usr/bin/env bash
# boundaries.sh - who may know whom, checked on the source and on what was built (in BUILD, by default build).
#
#   shared      includes nothing of the other folders          conf    includes shared
#   supervisor  includes conf and shared, never worker         worker  includes shared, never supervisor or conf
#   librdkafka  is known to supervisor alone, and neither headrace-worker nor headrace-timer links it
#   the pure files of PURE decide and do nothing: no socket, no process, no clock, no ZeroMQ, no Kafka
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}

PURE='supervisor/ledger supervisor/dispatch supervisor/dispatch_moves supervisor/lanes supervisor/redo
      supervisor/holding supervisor/holding_bury supervisor/attempts supervisor/restart supervisor/pace
      shared/schedule worker/turn worker/decode worker/decode_number worker/decode_scan'
impure='socket|socketpair|bind|connect|listen|accept4?|send(to|m?msg)?|recv(from|m?msg)?|pipe2?|eventfd'
impure+='|open(at)?(64)?|read|write|p?poll|select|epoll_.*|fcntl(64)?|ioctl|memfd_create|mmap(64)?'
impure+='|fork|vfork|clone|exec(v|ve|vp|vpe|l|le|lp)|posix_spawnp?|wait(pid|id)?|p?kill|raise|signal|sigaction|getpid|prctl'
impure+='|clock_(gettime|nanosleep|mono|wall)|time|gettimeofday|nanosleep|u?sleep|timerfd_.*|random|rand'
impure+='|zmq_.*|rd_kafka_.*'

failures=0
wrong() {
    echo "boundaries: $*" >&2
    failures=$((failures + 1))
}

# Includes of FOLDER must come from ALLOWED (a pattern of folders).
includes() { # FOLDER ALLOWED
    local line
    while IFS= read -r line; do
        [ -z "$line" ] || wrong "$line: $1 may include only: ${2//|/, }"
    done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1" 2>/dev/null |
        grep -vE "\"($2)/" | grep -v '^worker/headrace\.h:.*"headrace_macros\.h"' || true) # installed, the two stand in one folder
}
includes shared shared
includes conf 'conf|shared'
includes supervisor 'supervisor|conf|shared'
includes worker 'worker|shared'
includes worker/tasks 'none, only <headrace.h>'

while IFS= read -r line; do
    [ -z "$line" ] || wrong "$line: librdkafka is the supervisor's alone"
done < <(grep -rnE --include='*.[ch]' 'include[[:space:]]*<librdkafka/' shared conf worker 2>/dev/null || true)

for program in headrace-worker headrace-timer; do
    if [ ! -e "$build/$program" ]; then
        wrong "$build/$program is not built"
    elif readelf -d "$build/$program" | grep -q 'NEEDED.*rdkafka'; then
        wrong "$build/$program links librdkafka"
    fi
done

checked=0
for file in $PURE; do
    object=$build/obj/$file.o
    if [ ! -e "$object" ]; then
        [ ! -e "$file.c" ] || wrong "$object is not built"
        [ -e "$file.c" ] || echo "boundaries: $file.c is not there yet"
        continue
    fi
    used=$(nm -u "$object" | awk '{print $NF}' | grep -xE "$impure" | tr '\n' ' ' || true)
    [ -z "$used" ] || wrong "$file.c is to be pure and uses: $used"
    checked=$((checked + 1))
done

[ $failures -eq 0 ] || exit 1
echo "boundaries: kept ($checked pure files)"
