#!/usr/bin/env bash
# kafka.sh - a real Apache Kafka on this machine, for tests: one node (KRaft), on loopback only.
#
# The jars are fetched by Maven once and kept in a cache folder; all that a broker writes stands in one folder.
# A broker that is stopped and started again has its records, its groups and its address still.
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
  kafka.sh wipe           stops it and removes its folder
  kafka.sh address        prints HOST:PORT
  kafka.sh log            prints the broker's log
  kafka.sh topic NAME PARTITIONS [CONFIG=VALUE]...    creates a topic
  kafka.sh run CLASS ARGUMENTS...                     runs one of Kafka's own Java programs, as in
      kafka.sh run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \\
          --bootstrap-server \$(scripts/kafka.sh address) --describe --group logs.process_logs
  kafka.sh acl ARGUMENTS...    runs Kafka's kafka-acls on a secure one, as admin
  kafka.sh client [USER]       prints what librdkafka needs to know for a secure one, which also stands in
      KAFKA_DIR/secure: USER.properties; USER.java.properties for Kafka's own programs; ca.pem.
      With a librdkafka before 2.6.1, sasl.mechanism has to be PLAIN instead
  kafka.sh fetch          only fetches the jars

KAFKA_DIR is its folder (build/kafka-data), KAFKA_PORT its port (a free one), KAFKA_HEAP its memory (512m),
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

# Writes the settings and formats the storage of a new broker.
prepare() {
    local port controller protocol=PLAINTEXT
    port=${KAFKA_PORT:-$(free_port)}
    controller=$(free_port)
    mkdir -p "$dir"
    if [ -n "$secure" ]; then
        command -v openssl >/dev/null || give_up "openssl is missing; scripts/setup.sh --kafka installs it"
        protocol=SASL_SSL
        umask 077
        rm -rf "$dir/secure" # of a start that was cut short
    fi
    cat >"$dir/server.properties.new" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=CLIENT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=CLIENT://127.0.0.1:$port
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:$protocol,CONTROLLER:PLAINTEXT
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
    [ -z "$secure" ] || prepare_secure "$dir/secure" >>"$dir/server.properties.new"
    {
        echo "kafka.tools.StorageTool format -t headrace-tests-0000000 -c \"$dir/server.properties.new\""
        [ -z "$secure" ] || cat "$dir/secure/format"
    } >"$dir/format" # a file of arguments: java reads it, and ps does not show it
    java_run "@$dir/format" >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2; give_up "cannot format the storage in $dir/data"; }
    rm -f "$dir/format" "$dir/secure/format" "$dir/secure/plain"
    echo "127.0.0.1:$port" >"$dir/address"
    mv "$dir/server.properties.new" "$dir/server.properties"
}

start() {
    need_java
    fetch
    if [ -n "$secure" ] && [ -f "$dir/server.properties" ] && [ ! -d "$dir/secure" ]; then
        give_up "$dir holds a Kafka that is not secure; scripts/kafka.sh wipe removes it"
    fi
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
    [ ! -d "$dir/secure" ] || configs+=(--command-config "$dir/secure/admin.java.properties")
    java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "$(address)" --create --topic "$name" \
        --partitions "$partitions" --replication-factor 1 "${configs[@]}"
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
case $command in start | stop | kill | wipe | serve) dir=${1:-$dir} ;; esac
dir=$(realpath -m "$dir")

case $command in
start | serve | stop | address) "$command" ;;
kill) stop_now ;;
wipe) stop && rm -rf "$dir" ;;
log) cat "$dir/log" ;;
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
