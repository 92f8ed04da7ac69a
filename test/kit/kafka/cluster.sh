#!/usr/bin/env bash
# A real Apache Kafka cluster (KRaft, 4.1.1) on loopback, for tests. Needs Java 17 and, the first time, Maven.
#
#   cluster.sh FOLDER start [BROKERS]      starts 1 (default) or more brokers; prints their addresses once all answer
#   cluster.sh FOLDER addresses            prints the addresses again
#   cluster.sh FOLDER kill ID              kill -9: the broker is gone, its partitions get other leaders
#   cluster.sh FOLDER revive ID...         starts killed brokers again; where all were killed, name them together: one has no quorum
#   cluster.sh FOLDER freeze ID            SIGSTOP: connections stay open and nothing answers
#   cluster.sh FOLDER thaw ID
#   cluster.sh FOLDER tool CLASS [ARGS]    a tool of Kafka's, for example org.apache.kafka.tools.TopicCommand --list
#   cluster.sh FOLDER stop                 ends every broker; a second call does nothing
#
# FOLDER holds configuration, data and logs. KAFKA_JARS caches the jars (default FOLDER/jars), KAFKA_PORT is the first of
# three ports per broker (default 19092), KAFKA_PROPERTIES are more lines for every broker, KAFKA_HEAP the memory of each (default 384m).
#
# KAFKA_USERS, as `name:password name:password`, are users that sign in by SCRAM-SHA-512; the first is the administrator, whom
# the tools are. The others may do nothing until ACLs allow it (StandardAuthorizer). Brokers talk to each other on listeners of their own;
# on loopback without a password, which a real cluster protects by TLS.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 2 ] || { sed -n '2,19s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
verb=$2
shift 2

# What `start` was told counts for all later calls.
remember() { printf 'brokers=%q\nfirst=%q\njars=%q\nheap=%q\nusers=%q\n' "$@" > "$folder/cluster"; }
recall() { [ -f "$folder/cluster" ] || { echo "No cluster was started in $folder." >&2; exit 1; }; . "$folder/cluster"; }

client_port() { echo $((first + 3 * ($1 - 1))); }
controller_port() { echo $((first + 3 * ($1 - 1) + 1)); }
broker_port() { echo $((first + 3 * ($1 - 1) + 2)); }
list() { local id parts=(); for id in $(seq "$brokers"); do parts+=("$("$1" "$id")"); done; (IFS=,; echo "${parts[*]}"); }
address() { echo "127.0.0.1:$(client_port "$1")"; }
voter() { echo "$1@127.0.0.1:$(controller_port "$1")"; }

fetch_jars() {
  [ -f "$jars/complete" ] && return
  mvn -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" >&2
  touch "$jars/complete"
}

# The star is java's to expand, not the shell's.
tool() { java -Dorg.slf4j.simpleLogger.defaultLogLevel=error -Xmx256m -cp "$jars/*" "$@"; }

# Of a cluster with users.
protection() {
  [ -n "$users" ] || return 0
  cat <<PROPERTIES
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:${users%%:*};User:ANONYMOUS
PROPERTIES
}

# Tools sign in as the administrator.
sign_in() {
  [ -n "$users" ] || return 0
  local admin=${users%% *}
  cat > "$folder/admin.properties" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="${admin%%:*}" password="${admin#*:}";
PROPERTIES
  chmod 600 "$folder/admin.properties"
}

# A tool that talks to the brokers. The console tools name their file of properties otherwise than the rest.
ask() {
  local class=$1 option=--command-config
  shift
  [[ $class == *ConsoleConsumer ]] && option=--consumer.config
  tool "$class" --bootstrap-server "$(list address)" $([ -z "$users" ] || echo "$option $folder/admin.properties") "$@"
}

configure() {
  local id=$1 copies=$((brokers < 3 ? brokers : 3))
  local in_sync=$((copies < 3 ? 1 : 2))
  cat > "$folder/broker-$id.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$id
controller.quorum.voters=$(list voter)
controller.listener.names=CONTROLLER
listeners=CLIENT://$(address "$id"),CONTROLLER://127.0.0.1:$(controller_port "$id"),BROKER://127.0.0.1:$(broker_port "$id")
advertised.listeners=CLIENT://$(address "$id"),BROKER://127.0.0.1:$(broker_port "$id")
inter.broker.listener.name=BROKER
listener.security.protocol.map=CLIENT:$([ -n "$users" ] && echo SASL_PLAINTEXT || echo PLAINTEXT),CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT
log.dirs=$folder/data-$id
auto.create.topics.enable=false
default.replication.factor=$copies
min.insync.replicas=$in_sync
unclean.leader.election.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=$copies
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
$(protection)
${KAFKA_PROPERTIES:-}
PROPERTIES
  [ -f "$folder/data-$id/meta.properties" ] && return
  [ -s "$folder/id" ] || tool kafka.tools.StorageTool random-uuid > "$folder/id"
  local user scram=()
  for user in $users; do scram+=(--add-scram "SCRAM-SHA-512=[name=${user%%:*},password=${user#*:}]"); done
  tool kafka.tools.StorageTool format --cluster-id "$(cat "$folder/id")" --config "$folder/broker-$id.properties" "${scram[@]:+${scram[@]}}" > /dev/null
}

# The process of a broker, where it is still that broker: a number may have gone to another process.
process() {
  local pid
  pid=$(cat "$folder/broker-$1.pid" 2> /dev/null) || return 1
  tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$folder/broker-$1.properties" || return 1
  echo "$pid"
}

run() {
  # java itself goes to the background: of a function in the background, only the subshell would get the signals.
  java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn "-Xmx$heap" -cp "$jars/*" kafka.Kafka \
    "$folder/broker-$1.properties" < /dev/null >> "$folder/broker-$1.log" 2>&1 &
  echo $! > "$folder/broker-$1.pid"
  disown
}

wait_for() {
  for _ in $(seq 240); do
    (exec 3<> "/dev/tcp/127.0.0.1/$(client_port "$1")") 2> /dev/null && return
    process "$1" > /dev/null || break
    sleep 0.25
  done
  echo "Broker $1 did not start. Its log, $folder/broker-$1.log, ends:" >&2
  tail -5 "$folder/broker-$1.log" >&2
  return 1
}

stop() {
  local file id pid pids=()
  for file in "$folder"/broker-*.pid; do
    [ -e "$file" ] || continue
    id=${file##*/broker-}
    pid=$(process "${id%.pid}") && pids+=("$pid")
    rm -f "$file"
  done
  for pid in "${pids[@]:+${pids[@]}}"; do
    kill -TERM "$pid" || true
    kill -CONT "$pid" || true
  done 2> /dev/null
  for _ in $(seq 40); do
    local left=()
    for pid in "${pids[@]:+${pids[@]}}"; do kill -0 "$pid" 2> /dev/null && left+=("$pid"); done
    [ ${#left[@]} -eq 0 ] && return
    sleep 0.25
  done
  kill -KILL "${left[@]}" 2> /dev/null || true
}

signal() {
  local pid
  pid=$(process "$2") || { echo "Broker $2 is not running." >&2; exit 1; }
  kill "-$1" "$pid"
}

case $verb in
  start)
    remember "${1:-1}" "${KAFKA_PORT:-19092}" "$(mkdir -p "${KAFKA_JARS:-$folder/jars}" && cd "${KAFKA_JARS:-$folder/jars}" && pwd)" "${KAFKA_HEAP:-384m}" "${KAFKA_USERS:-}"
    recall
    sign_in
    fetch_jars
    for id in $(seq "$brokers"); do configure "$id"; done
    for id in $(seq "$brokers"); do process "$id" > /dev/null || run "$id"; done
    for id in $(seq "$brokers"); do wait_for "$id" || { stop; exit 1; }; done
    # A port that answers is not yet a broker that the controllers know: topics need all of them.
    for _ in $(seq 60); do
      [ "$(ask org.apache.kafka.tools.BrokerApiVersionsCommand 2> /dev/null | grep -c 'id: ')" -ge "$brokers" ] && break
      sleep 0.5
    done
    list address
    ;;
  addresses) recall; list address ;;
  kill) recall; signal KILL "$1" ;;
  revive)
    recall
    for id in "$@"; do run "$id"; done
    for id in "$@"; do wait_for "$id"; done
    ;;
  freeze) recall; signal STOP "$1" ;;
  thaw) recall; signal CONT "$1" ;;
  tool) recall; ask "$@" ;;
  stop) stop ;;
  *) echo "Unknown: $verb" >&2; exit 2 ;;
esac
