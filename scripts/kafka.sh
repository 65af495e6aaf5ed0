#!/usr/bin/env bash
# kafka.sh - a real Apache Kafka on this machine, for tests: one node (KRaft) or several, on loopback only.
#
# The jars are fetched by Maven once and kept in a cache folder; all that a broker writes stands in one folder.
# A broker that is stopped and started again has its records, its groups and its address still.
#
# Of a cluster (KAFKA_BROKERS=3), each node is broker and controller, and stands in a folder of its own, DIR/1 to DIR/N. What
# is made there has three copies, of which two must be written; so one node of three may be away at any time.
#
# With --secure, it speaks only SASL_SSL: a certificate of an authority made for it (its name is 127.0.0.1, so that clients
# can check it), SCRAM-SHA-512, and an authorizer that allows nobody anything but the user admin. All of it stands in
# DIR/secure, for its owner alone; passwords are made up anew for each broker, and are on no command line. It also takes
# PLAIN, with the same passwords: librdkafka before 2.6.1 has a SCRAM that Kafka 4 does not take (its issue 4895).
set -eu

version=4.1.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/headrace/kafka-$version
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<EOF
kafka.sh - a real Apache Kafka on this machine, on loopback, for tests

  kafka.sh start [DIR]    starts it, waits until it answers, prints its address
  kafka.sh --secure start [DIR]    the same with TLS, users and access control
  kafka.sh stop           ends it in order; its records stay
  kafka.sh kill           ends it at once (SIGKILL), for tests of faults
  kafka.sh start|stop|kill N    the same with one node of a cluster
  kafka.sh wipe           stops it and removes its folder
  kafka.sh address        prints HOST:PORT, of a cluster HOST:PORT,HOST:PORT,...
  kafka.sh log [N]        prints the broker's log
  kafka.sh topic NAME PARTITIONS [CONFIG=VALUE]...    creates a topic
  kafka.sh run CLASS ARGUMENTS...                     runs one of Kafka's own Java programs, as in
      kafka.sh run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \\
          --bootstrap-server \$(scripts/kafka.sh address) --describe --group logs.process_logs
  kafka.sh acl ARGUMENTS...    runs Kafka's kafka-acls on a secure one, as admin
  kafka.sh client [USER]       prints what librdkafka needs to know for a secure one, which also stands in
      KAFKA_DIR/secure: USER.properties; USER.java.properties for Kafka's own programs; ca.pem.
      With a librdkafka before 2.6.1, sasl.mechanism has to be PLAIN instead
  kafka.sh fetch          only fetches the jars

KAFKA_DIR is its folder (build/kafka-data), KAFKA_PORT its port (a free one), KAFKA_HEAP the memory of each node (512m),
KAFKA_BROKERS the number of nodes of a new one (1; from 3 on a cluster),
KAFKA_USERS the users of a secure one beside admin ("app"): they may do nothing until kafka.sh acl says so.
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
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "kafka.Kafka $dir/server.properties" || return 1
    echo "$pid"
}

# Ports that nobody listens on, below those that the kernel gives away by itself; all different.
free_ports() { # HOW_MANY
    local port found=" "
    while [ "$(wc -w <<<"$found")" -lt "$1" ]; do
        port=$((20000 + RANDOM % 10000))
        [[ $found != *" $port "* ]] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && found+="$port "
    done
    echo "$found"
}

# An authority of its own, and a certificate by it for the broker: 127.0.0.1, and no other name.
make_certificates() { # FOLDER
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=headrace tests" \
        -keyout "$1/ca.key" -out "$1/ca.pem" &&
        openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout "$1/broker.key" -out "$1/broker.csr" &&
        openssl x509 -req -in "$1/broker.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 3650 \
            -extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$1/broker.crt" &&
        cat "$1/broker.key" "$1/broker.crt" >"$1/broker.pem"
}

# What a client has to know to be this user, for librdkafka and for Java; and what the storage is told of it.
make_user() { # FOLDER NAME
    local password
    password=$(openssl rand -hex 24)
    cat >"$1/$2.properties" <<EOF
security.protocol=SASL_SSL
ssl.ca.location=$1/ca.pem
sasl.mechanism=SCRAM-SHA-512
sasl.username=$2
sasl.password=$password
EOF
    cat >"$1/$2.java.properties" <<EOF
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=$1/ca.pem
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$2" password="$password";
EOF
    echo "--add-scram \"SCRAM-SHA-512=[name=$2,password=$password]\"" >>"$1/format"
    printf ' user_%s="%s"' "$2" "$password" >>"$1/plain"
}

# Makes certificates and users, and prints the settings of a secure broker. What its controller says to it goes over a
# listener of its own, on loopback, where nobody has a name: hence ANONYMOUS.
prepare_secure() { # FOLDER
    local user
    mkdir -p "$1"
    make_certificates "$1" >"$1/log" 2>&1 || { cat "$1/log" >&2; give_up "openssl cannot make the certificates"; }
    for user in admin ${KAFKA_USERS-app}; do make_user "$1" "$user"; done
    cat <<EOF
ssl.keystore.type=PEM
ssl.keystore.location=$1/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=$1/ca.pem
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.$(grep '^sasl.jaas.config' "$1/admin.java.properties")
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required$(cat "$1/plain");
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
EOF
}

# The settings of a node, in $dir, and its formatted storage.
prepare_node() { # ID PORT CONTROLLER_PORT VOTERS NODES
    local protocol=PLAINTEXT copies=$(($5 < 3 ? 1 : 3))
    mkdir -p "$dir"
    if [ -n "$secure" ]; then
        protocol=SASL_SSL
        umask 077
        rm -rf "$dir/secure" # of a start that was cut short
    fi
    cat >"$dir/server.properties.new" <<EOF
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$4
listeners=CLIENT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=CLIENT://127.0.0.1:$2
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:$protocol,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
default.replication.factor=$copies
min.insync.replicas=$((copies / 2 + 1))
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$((copies / 2 + 1))
transaction.state.log.num.partitions=4
# What a node led before it went is given back to it within seconds of its return, not at a time in the next five minutes.
leader.imbalance.check.interval.seconds=5
# A group is ready at once, and nothing is made by being named.
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=20971520
EOF
    [ -z "$secure" ] || prepare_secure "$dir/secure" >>"$dir/server.properties.new"
    {
        echo "kafka.tools.StorageTool format -t headrace-tests-0000000 -c \"$dir/server.properties.new\""
        [ -z "$secure" ] || cat "$dir/secure/format"
    } >"$dir/format" # a file of arguments: java reads it, and ps does not show it
    java_run "@$dir/format" >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2; give_up "cannot format the storage in $dir/data"; }
    rm -f "$dir/format" "$dir/secure/format" "$dir/secure/plain"
    echo "127.0.0.1:$2" >"$dir/address"
    mv "$dir/server.properties.new" "$dir/server.properties"
}

# Makes what is to be started: one node in $root, or a folder in it for each of several.
prepare() {
    local nodes=${KAFKA_BROKERS:-1} ports voters="" i dir=$root
    [[ $nodes =~ ^[1-9]$ ]] && [ "$nodes" != 2 ] ||
        give_up "KAFKA_BROKERS=$nodes: must be 1, or 3 to 9 (of two, none may be away)"
    if [ -n "$secure" ]; then
        [ "$nodes" = 1 ] || give_up "a secure one has one node; leave KAFKA_BROKERS out"
        command -v openssl >/dev/null || give_up "openssl is missing; scripts/setup.sh --kafka installs it"
    fi
    read -r -a ports <<<"$(free_ports $((2 * nodes)))"
    ports[0]=${KAFKA_PORT:-${ports[0]}}
    for ((i = 0; i < nodes; i++)); do voters+=${voters:+,}$((i + 1))@127.0.0.1:${ports[nodes + i]}; done
    for ((i = 0; i < nodes; i++)); do
        [ "$nodes" = 1 ] || dir=$root/$((i + 1))
        prepare_node $((i + 1)) "${ports[i]}" "${ports[nodes + i]}" "$voters" "$nodes"
    done
    [ "$nodes" = 1 ] || echo "$nodes" >"$root/brokers"
}

# The folders of the nodes, in $folders: of the one that was named, or of all.
find_nodes() {
    local i nodes
    nodes=$(cat "$root/brokers" 2>/dev/null) || nodes=
    folders=("$root")
    if [ -n "$node" ]; then
        [ "$node" -ge 1 ] && [ "$node" -le "${nodes:-0}" ] ||
            give_up "there is no node $node in $root; KAFKA_BROKERS says how many a new one has"
        folders=("$root/$node")
    elif [ -n "$nodes" ]; then
        folders=()
        for ((i = 1; i <= nodes; i++)); do folders+=("$root/$i"); done
    fi
}

# What stands there already must be of the kind that is asked for.
check_kind() {
    local nodes=1
    [ ! -f "$root/brokers" ] || nodes=$(cat "$root/brokers")
    if [ -n "$secure" ] && [ ! -d "$root/secure" ]; then
        give_up "$root holds a Kafka that is not secure; scripts/kafka.sh wipe removes it"
    fi
    [ "${KAFKA_BROKERS:-$nodes}" = "$nodes" ] ||
        give_up "$root holds a Kafka of $nodes nodes, not of $KAFKA_BROKERS; scripts/kafka.sh wipe removes it"
}

launch() {
    : >"$dir/log"
    # A session of its own: Ctrl-C at a test is not for the broker.
    heap=${KAFKA_HEAP:-512m} setsid "$0" serve "$dir" </dev/null >>"$dir/log" 2>&1 &
    echo $! >"$dir/pid"
}

await() {
    local until=$((SECONDS + 60))
    until grep -q 'Kafka Server started' "$dir/log"; do
        if ! kill -0 "$(cat "$dir/pid")" 2>/dev/null || [ $SECONDS -ge $until ]; then
            tail -n 30 "$dir/log" >&2
            stop_now
            give_up "Kafka did not start within 60 s; the end of $dir/log is above"
        fi
        sleep 0.1
    done
}

# The nodes of a cluster wait for each other, so all are launched before one is waited for.
start() {
    local dir
    need_java
    fetch
    if [ -f "$root/server.properties" ] || [ -f "$root/brokers" ]; then
        check_kind
    elif [ -z "$node" ]; then
        prepare
    fi
    find_nodes
    for dir in "${folders[@]}"; do running >/dev/null || launch; done
    for dir in "${folders[@]}"; do await; done
    node=
    address
}

# Becomes the broker; called by start. What it inherits is closed: a lock or a pipe of whoever started it is not its own.
serve() {
    local fd
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        [ "$fd" -le 2 ] || [ "$fd" = 255 ] || exec {fd}>&- # 255: the script itself
    done
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

# All are told before one is waited for.
stop() {
    local pid dir until=$((SECONDS + 30))
    find_nodes
    for dir in "${folders[@]}"; do ! pid=$(running) || kill -TERM "$pid"; done
    for dir in "${folders[@]}"; do
        while running >/dev/null; do
            if [ $SECONDS -ge $until ]; then
                say "it did not end within 30 s and is killed"
                stop_now
            fi
            sleep 0.05
        done
        rm -f "$dir/pid"
    done
}

kill_nodes() {
    local dir
    find_nodes
    for dir in "${folders[@]}"; do stop_now; done
}

address() {
    local dir runs= all=
    find_nodes
    for dir in "${folders[@]}"; do
        ! running >/dev/null || runs=yes
        all+=${all:+,}$(cat "$dir/address" 2>/dev/null) || true
    done
    [ -n "$runs" ] || give_up "no Kafka runs in $root; scripts/kafka.sh start"
    echo "$all"
}

show_log() {
    local dir
    find_nodes
    for dir in "${folders[@]}"; do cat "$dir/log"; done
}

topic() { # NAME PARTITIONS [CONFIG=VALUE]...
    [ $# -ge 2 ] || { usage >&2; exit 64; }
    local name=$1 partitions=$2 configs=()
    shift 2
    for config in "$@"; do configs+=(--config "$config"); done
    [ ! -d "$dir/secure" ] || configs+=(--command-config "$dir/secure/admin.java.properties")
    java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "$(address)" --create --topic "$name" \
        --partitions "$partitions" "${configs[@]}"
}

need_secure() {
    [ -d "$dir/secure" ] || give_up "the Kafka in $dir is not secure; scripts/kafka.sh --secure start makes one that is"
}

acl() { # ARGUMENTS...
    need_secure
    java_run org.apache.kafka.tools.AclCommand --bootstrap-server "$(address)" \
        --command-config "$dir/secure/admin.java.properties" "$@"
}

client() { # [USER]
    need_secure
    cat "$dir/secure/${1:-app}.properties" 2>/dev/null || give_up "there is no user ${1:-app}; see KAFKA_USERS"
}

secure=
if [ "${1:-}" = --secure ]; then
    secure=yes
    shift
fi
command=${1:-help}
[ $# -eq 0 ] || shift
if [ -n "$secure" ] && [ "$command" != start ]; then
    say "--secure goes with start; the other commands see which kind it is"
    exit 64
fi
dir=${KAFKA_DIR:-$here/../build/kafka-data}
node=
case $command:${1:-} in
start:[0-9] | stop:[0-9] | kill:[0-9] | log:[0-9]) node=$1 ;;
start:* | stop:* | kill:* | wipe:* | serve:*) dir=${1:-$dir} ;;
esac
dir=$(realpath -m "$dir")
root=$dir # $dir is the folder of the node in question

case $command in
start | serve | stop | address) "$command" ;;
kill) kill_nodes ;;
wipe) stop && rm -rf "$dir" ;;
log) show_log ;;
topic | acl | client) "$command" "$@" ;;
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
