# secure.sh - the cases with a broker that asks for TLS, a login and rights; sourced by run.sh.
#
# The first of them starts that broker, run.sh ends it. Its users differ in what they lack; everything is tried with the
# example (worker/tasks/logs.c), whose user `app` has exactly the rights that the README lists. A message is looked at in
# the words in which it names what is missing. Where the right is given afterwards, the app must go on by itself.
secure_cases='secure_least secure_login secure_scram secure_certificate secure_plaintext secure_topic secure_group
              secure_letters secure_no_writes secure_hidden secure_send secure_dead secure_secrets'
letters=logs.process_logs.dlq

acl() { # ARGUMENTS OF kafka-acls...
    KAFKA_DIR=$work/secure scripts/kafka.sh acl "$@" >>"$dir/acl.log" 2>&1 || fail "kafka-acls failed"
}

# The rights of all users. `app`: as in the README.
secure_rights() {
    local pids=() pid
    acl --add --allow-principal User:app --operation Read --topic logs --group logs.process_logs &
    pids+=($!)
    acl --add --allow-principal User:app --allow-principal User:no_topic --allow-principal User:no_group \
        --operation Write --topic "$letters" &
    pids+=($!)
    acl --add --allow-principal User:no_letters --allow-principal User:no_writes \
        --operation Read --topic logs --group logs.process_logs &
    pids+=($!)
    wait "${pids[@]}"
    acl --add --allow-principal User:no_topic --operation Read --group logs.process_logs &
    pids=($!)
    acl --add --allow-principal User:no_group --operation Read --topic logs &
    pids+=($!)
    acl --add --allow-principal User:sender --allow-principal User:mender --allow-principal User:no_letters \
        --operation Write --topic logs &
    pids+=($!)
    acl --add --allow-principal User:mender --operation Read --topic "$letters" --group "$letters.replay" &
    pids+=($!)
    for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
}

secure_broker() {
    secure=$work/secure/secure
    if [ ! -e "$work/secure_brokers" ]; then
        KAFKA_USERS='app no_topic no_group no_letters no_writes sender mender' KAFKA_DIR=$work/secure \
            scripts/kafka.sh --secure start >"$work/secure_brokers" 2>"$dir/kafka.log" || fail "the broker does not start"
        KAFKA_DIR=$work/secure scripts/kafka.sh topic logs 4 >>"$dir/kafka.log" 2>&1
        KAFKA_DIR=$work/secure scripts/kafka.sh topic "$letters" 1 >>"$dir/kafka.log" 2>&1
        secure_rights
    fi
    secure_brokers=$(cat "$work/secure_brokers")
    # Kafka 4 takes SCRAM from librdkafka 2.6.1 on.
    scram=$("${headrace[@]}" --version | sed -n 's/.*librdkafka \([0-9.]*\).*/\1/p')
    [ "$(printf '2.6.1\n%s\n' "$scram" | sort -V | head -n 1)" = 2.6.1 ] && scram=yes || scram=
    mechanism=$([ -n "$scram" ] && echo SCRAM-SHA-512 || echo PLAIN)
    cat >"$dir/logs.json" <<EOF
{
  "app": "logs", "modules": ["$build/tasks/logs.so"],
  "kafka": {
    "bootstrap.servers": "\${BROKERS}", "security.protocol": "SASL_SSL", "ssl.ca.location": "$secure/ca.pem",
    "sasl.mechanism": "$mechanism", "sasl.username": "\${LOGS_USER}", "sasl.password": "\${LOGS_PASSWORD}"
  }
}
EOF
}

password_of() { sed -n 's/^sasl.password=//p' "$secure/$1.properties"; }

as() { # USER COMMAND...
    local user=$1
    shift
    RECORD_FILE=$dir/records BROKERS=${BROKERS:-$secure_brokers} LOGS_USER=$user \
        LOGS_PASSWORD=${PASSWORD:-$(password_of "$user")} exec "$@"
}

secure_start() { # LABEL USER OPTIONS...
    local label=$1 user=$2
    shift 2
    (as "$user" "${headrace[@]}" run "$dir/logs.json" --runtime-dir "$dir/$label.run" "$@") \
        </dev/null >"$dir/$label.log" 2>&1 &
    pid=$!
}

# A command of headrace, its words in LABEL.log; its exit code is looked at.
secure_try() { # LABEL CODE USER COMMAND...
    local label=$1 code=$2 user=$3 got=0
    shift 3
    (as "$user" "${headrace[@]}" "$@" --app "$dir/logs.json") >"$dir/$label.log" 2>&1 || got=$?
    [ $got = "$code" ] || fail "$label ended with $got, not $code"
}

secure_send() { # VALUE
    echo "$1" | secure_try send 0 sender send logs
}

names() { # LABEL TEXT
    grep -qF -- "$2" "$dir/$1.log" || fail "$1 does not say: $2"
}

complaints() { # LABEL
    grep -c ' error \| warn ' "$dir/$1.log"
}

# The same trouble, with --until-end: 69; without: it is said, it is not said all the time, and the app waits.
# Then COMMAND, if any, and the app goes on: it is assigned its partitions.
is_refused() { # USER TEXT [COMMAND...]
    local user=$1 text=$2 waiting
    shift 2
    secure_start until_end "$user" --until-end
    expect_end "$pid" 69 60
    names until_end "$text"
    secure_start waiting "$user"
    waiting=$pid
    wait_until 20 "a line that says so" grep -sqF -- "$text" "$dir/waiting.log"
    [ "$(complaints waiting)" -le 3 ] || fail "too many lines about it"
    if [ $# -gt 0 ]; then
        "$@"
        wait_until 60 "partitions" grep -q 'partitions assigned' "$dir/waiting.log"
    fi
    alive "$waiting" || fail "the app ended"
    kill -TERM "$waiting"
    expect_end "$waiting" 0 20
}

# ---- the cases ----

# With the rights of the README and no more: records, a dead letter, the end; and nothing to complain about.
case_secure_least() {
    secure_broker
    secure_send '{"severity":"ERROR","message":"disk on fire"}'
    secure_send 'not JSON'
    secure_start app app --until-end
    expect_end "$pid" 0 60
    names app 'ERROR: disk on fire'
    names app 'record dead-lettered'
    # (A case before this one may have had to be forced.)
    ! grep ' error \| warn ' "$dir/app.log" | grep -v 'record dead-lettered\|did not end in order' >&2 ||
        fail "there is something to complain about"
    secure_try list 0 mender dead list "$letters"
    names list 'not JSON'
    secure_try replay 0 mender dead replay "$letters"
    names replay "to logs, for group logs.process_logs"
    echo "$mechanism over TLS; Read on topic and group, Write on the dead letters"
}

case_secure_login() {
    secure_broker
    PASSWORD=wrong is_refused app "look at sasl.username (app), sasl.password and sasl.mechanism ($mechanism)"
    names waiting 'refuses the login'
    echo x | PASSWORD=wrong secure_try send 69 app send logs
    names send 'look at sasl.username (app)'
    PASSWORD=wrong secure_try list 69 app dead list "$letters"
    names list 'look at sasl.username (app)'
}

# Where librdkafka cannot do SCRAM with this Kafka, that is said; else it works.
case_secure_scram() {
    secure_broker
    sed -i "s/\"$mechanism\"/\"SCRAM-SHA-512\"/" "$dir/logs.json"
    secure_start app app --until-end
    if [ -n "$scram" ]; then
        expect_end "$pid" 0 60
        echo "SCRAM-SHA-512"
    else
        expect_end "$pid" 69 60
        names app 'Kafka 4 takes SCRAM only from librdkafka 2.6.1 on'
        echo "this librdkafka has no SCRAM that Kafka 4 takes; the log says so"
    fi
}

# An authority that is not trusted, and a name that is not in the certificate.
case_secure_certificate() {
    local text="the broker's certificate is not accepted"
    secure_broker
    BROKERS=localhost:${secure_brokers#*:} is_refused app "$text"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$dir/other.key" -out "$dir/other.pem" \
        >"$dir/openssl.log" 2>&1
    sed -i "s|$secure/ca.pem|$dir/other.pem|" "$dir/logs.json"
    secure_start waiting app
    wait_until 20 "a line that says so" grep -sqF "$text" "$dir/waiting.log"
    kill -TERM "$pid"
    expect_end "$pid" 0 20
}

case_secure_plaintext() {
    secure_broker
    sed -i 's/"SASL_SSL"/"PLAINTEXT"/' "$dir/logs.json"
    is_refused app 'security.protocol'
}

case_secure_topic() {
    secure_broker
    is_refused no_topic 'the user no_topic has no right to Read on topic logs; give it: kafka-acls --add' \
        acl --add --allow-principal User:no_topic --operation Read --topic logs
    acl --remove --force --allow-principal User:no_topic --operation Read --topic logs
}

case_secure_group() {
    secure_broker
    is_refused no_group 'the user no_group has no right to Read on group logs.process_logs; give it: kafka-acls --add' \
        acl --add --allow-principal User:no_group --operation Read --group logs.process_logs
    acl --remove --force --allow-principal User:no_group --operation Read --group logs.process_logs
}

# The dead letter waits, and is written when the right is there.
waits_with_letter() { # USER
    local text="the user $1 has no right to Write on topic $letters; give it: kafka-acls --add"
    secure_broker
    secure_send 'not JSON'
    secure_start waiting "$1"
    wait_until 30 "a line that says so" grep -q "\(waiting\|letters\)=[1-9]" "$dir/waiting.log"
    names waiting "$text"
    ! grep -q 'record dead-lettered' "$dir/waiting.log" || fail "it was written"
    "${headrace[@]}" status --runtime-dir "$dir/waiting.run" >"$dir/status.log" 2>&1
    names status "$text"
    [ "$(complaints waiting)" -le 4 ] || fail "too many lines about it"
    acl --add --allow-principal "User:$1" --operation Write --topic "$letters"
    wait_until 60 "the dead letter" grep -q 'record dead-lettered' "$dir/waiting.log"
    kill -TERM "$pid"
    expect_end "$pid" 0 20
    acl --remove --force --allow-principal "User:$1" --operation Write --topic "$letters"
}

case_secure_letters() {
    waits_with_letter no_letters
    secure_send 'not JSON'
    secure_start until_end no_letters --until-end
    expect_end "$pid" 69 60
    names until_end 'no right to Write'
}

# The same of a user that may write nowhere at all: its producer fails for good, and is made anew.
case_secure_no_writes() { waits_with_letter no_writes; }

# A dead-letter topic that may neither be made nor seen.
case_secure_hidden() {
    secure_broker
    sed -i 's/"kafka"/"tasks": {"process_logs": {"topic": "logs", "dead_letter_topic": "nowhere"}}, &/' "$dir/logs.json"
    secure_start app app
    wait_until 20 "a line about the topic" grep -q 'the dead-letter topic cannot be created.*topic=nowhere' "$dir/app.log"
    names app 'no right to Write on topic nowhere'
    kill -TERM "$pid"
    expect_end "$pid" 0 20
}

case_secure_send() {
    secure_broker
    printf '%s\n' one two three | secure_try send 69 app send logs
    names send 'the user app has no right to Write on topic logs; give it: kafka-acls --add'
    [ "$(wc -l <"$dir/send.log")" = 2 ] || fail "more than a line and the sum"
    printf '%s\n' one two three | secure_try send 69 no_writes send logs
    names send 'the user no_writes has no right to Write on topic logs'
}

case_secure_dead() {
    secure_broker
    secure_try list 69 sender dead list "$letters"
    names list "the user sender has no right to Read on topic $letters; give it: kafka-acls --add"
    secure_send 'not JSON'
    secure_start app app --until-end
    expect_end "$pid" 0 60
    secure_try list 69 app dead list "$letters" # may write, and so see it
    names list "the user app has no right to Read on topic $letters"
    acl --add --allow-principal User:no_writes --operation Read --topic "$letters"
    secure_try replay 69 no_writes dead replay "$letters"
    names replay "the user no_writes has no right to Read on group $letters.replay; give it: kafka-acls --add"
    acl --add --allow-principal User:no_writes --operation Read --group "$letters.replay"
    secure_try replay 69 no_writes dead replay "$letters"
    names replay "the user no_writes has no right to Write on topic logs"
    secure_try replay 69 no_writes dead replay "$letters" --to nowhere
    names replay "the user no_writes has no right to Write on topic nowhere"
    acl --remove --force --allow-principal User:no_writes --operation Read --topic "$letters" \
        --group "$letters.replay"
}

# The password of a real login is with the supervisor alone: not with its children, in a log or in the status.
case_secure_secrets() {
    local password found=0 child file
    secure_broker
    password=$(password_of app)
    secure_start app app --log-level debug -X debug=all
    wait_until 30 "partitions" grep -q 'partitions assigned' "$dir/app.log"
    "${headrace[@]}" status --json --runtime-dir "$dir/app.run" >"$dir/status.log" 2>&1
    for child in $(processes_of "$dir"); do
        for file in environ cmdline; do
            [ "$child" = "$pid" ] || ! grep -aqF "$password" "/proc/$child/$file" || fail "it is in the $file of a child"
        done
        found=$((found + 1))
    done
    [ $found -ge 4 ] || fail "only $found processes were looked at"
    grep -aqF "$password" "/proc/$pid/environ" || fail "the supervisor does not have it either: nothing was shown"
    kill -TERM "$pid"
    expect_end "$pid" 0 20
    ! grep -qF "$password" "$dir/app.log" "$dir/status.log" || fail "it is in the log or in the status"
    grep -q 'facility=' "$dir/app.log" || fail "librdkafka said nothing: nothing was shown"
    mv "$dir/app.log" "$dir/app.debug" # long
    echo "$found processes"
}
