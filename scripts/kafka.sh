#!/usr/bin/env bash
# kafka.sh - a real Apache Kafka on this machine, for tests: one node (KRaft), on loopback only.
#
# The jars are fetched by Maven once and kept in a cache folder; all that a broker writes stands in one folder.
# A broker that is stopped and started again has its records, its groups and its address still.
set -eu

version=4.1.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/headrace/kafka-$version
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<EOF
kafka.sh - a real Apache Kafka on this machine, on loopback, for tests

  kafka.sh start [DIR]    starts it, waits until it answers, prints its address
  kafka.sh stop           ends it in order; its records stay
  kafka.sh kill           ends it at once (SIGKILL), for tests of faults
  kafka.sh wipe           stops it and removes its folder
  kafka.sh address        prints HOST:PORT
  kafka.sh log            prints the broker's log
  kafka.sh topic NAME PARTITIONS [CONFIG=VALUE]...    creates a topic
  kafka.sh run CLASS ARGUMENTS...                     runs one of Kafka's own Java programs, as in
      kafka.sh run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \\
          --bootstrap-server \$(scripts/kafka.sh address) --describe --group logs.process_logs
  kafka.sh fetch          only fetches the jars

KAFKA_DIR is its folder (build/kafka-data), KAFKA_PORT its port (a free one), KAFKA_HEAP its memory (512m).
Needs Java 17 and Maven: scripts/setup.sh --kafka installs them.
EOF
}

say() { echo "kafka.sh: $*" >&2; }
give_up() { say "$*"; exit 1; }

need_java() {
    command -v java >/dev/null ||
        give_up "java is missing (Java 17 or newer); scripts/setup.sh --kafka installs it"
    local major
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 17 ] || give_up "Java 17 or newer is needed, this is ${major:-unknown}; see scripts/setup.sh --kafka"
}

# The jars, put in place in one step so that a broken download is never used.
fetch() {
    [ ! -d "$cache" ] || return 0
    command -v mvn >/dev/null || give_up "mvn is missing (Maven); scripts/setup.sh --kafka installs it"
    say "fetching Kafka $version with Maven into $cache"
    mkdir -p "$(dirname "$cache")"
    local work
    work=$(mktemp -d "$cache.XXXXXX")
    cat >"$work/pom.xml" <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
EOF
    if ! mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/jars" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        rm -rf "$work"
        give_up "Maven could not fetch Kafka $version (its last lines are above); is its registry reachable?"
    fi
    mv -T "$work/jars" "$cache" 2>/dev/null || [ -d "$cache" ] # another one was quicker
    rm -rf "$work"
}

java_run() { # CLASS ARGUMENTS...
    java "-Xmx${heap:-256m}" -XX:+UseSerialGC -cp "$cache/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -Dorg.slf4j.simpleLogger.showDateTime=true "$@"
}

# The broker's pid, if it runs. Another process that got its number is not taken for it.
running() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $dir/server.properties" || return 1
    echo "$pid"
}

# A port that nobody listens on, below those that the kernel gives away by itself.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Writes the settings and formats the storage of a new broker.
prepare() {
    local port controller
    port=${KAFKA_PORT:-$(free_port)}
    controller=$(free_port)
    mkdir -p "$dir"
    cat >"$dir/server.properties.new" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# A group is ready at once, and nothing is made by being named.
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=20971520
EOF
    java_run kafka.tools.StorageTool format -t "headrace-tests-0000000" -c "$dir/server.properties.new" \
        >"$dir/log" 2>&1 || { cat "$dir/log" >&2; give_up "cannot format the storage in $dir/data"; }
    echo "127.0.0.1:$port" >"$dir/address"
    mv "$dir/server.properties.new" "$dir/server.properties"
}

start() {
    need_java
    fetch
    if running >/dev/null; then
        cat "$dir/address"
        return
    fi
    [ -f "$dir/server.properties" ] || prepare
    : >"$dir/log"
    # A session of its own: Ctrl-C at a test is not for the broker. What it inherits is closed.
    heap=${KAFKA_HEAP:-512m} setsid "$0" serve "$dir" </dev/null >>"$dir/log" 2>&1 &
    echo $! >"$dir/pid"
    local until=$((SECONDS + 60))
    until grep -q 'Kafka Server started' "$dir/log"; do
        if ! kill -0 "$!" 2>/dev/null || [ $SECONDS -ge $until ]; then
            tail -n 30 "$dir/log" >&2
            stop_now
            give_up "Kafka did not start within 60 s; the end of $dir/log is above"
        fi
        sleep 0.1
    done
    cat "$dir/address"
}

# Becomes the broker; called by start.
serve() {
    exec java "-Xmx$heap" "-Xms$heap" -XX:+UseSerialGC -cp "$cache/*" \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
        -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
        kafka.Kafka "$dir/server.properties"
}

stop_now() {
    local pid
    pid=$(running) || return 0
    kill -KILL "$pid"
    while running >/dev/null; do sleep 0.05; done
}

stop() {
    local pid until=$((SECONDS + 30))
    pid=$(running) || return 0
    kill -TERM "$pid"
    while running >/dev/null; do
        if [ $SECONDS -ge $until ]; then
            say "it did not end within 30 s and is killed"
            stop_now
        fi
        sleep 0.05
    done
    rm -f "$dir/pid"
}

address() {
    running >/dev/null || give_up "no Kafka runs in $dir; scripts/kafka.sh start"
    cat "$dir/address"
}

topic() { # NAME PARTITIONS [CONFIG=VALUE]...
    [ $# -ge 2 ] || { usage >&2; exit 64; }
    local name=$1 partitions=$2 configs=()
    shift 2
    for config in "$@"; do configs+=(--config "$config"); done
    java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "$(address)" --create --topic "$name" \
        --partitions "$partitions" --replication-factor 1 "${configs[@]}"
}

command=${1:-help}
[ $# -eq 0 ] || shift
dir=${KAFKA_DIR:-$here/../build/kafka-data}
case $command in start | stop | kill | wipe | serve) dir=${1:-$dir} ;; esac
dir=$(realpath -m "$dir")

case $command in
start | serve | stop | address) "$command" ;;
kill) stop_now ;;
wipe) stop && rm -rf "$dir" ;;
log) cat "$dir/log" ;;
topic) topic "$@" ;;
run)
    [ $# -ge 1 ] || { usage >&2; exit 64; }
    need_java
    fetch
    java_run "$@"
    ;;
fetch) need_java && fetch ;;
help | -h | --help) usage ;;
*)
    say "unknown command $command"
    usage >&2
    exit 64
    ;;
esac
