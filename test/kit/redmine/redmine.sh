#!/usr/bin/env bash
# Real Redmine for the adapter's tests: `redmine.sh start <folder>` seeds it, serves it on a free loopback port and prints
# TEST_REDMINE_URL, TEST_REDMINE_KEY and TEST_REDMINE_IDS as lines of KEY=value; `redmine.sh stop <folder>` ends that server.
# The folder keeps the server's process id and log. install.sh must have run before.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
action=${1:?start or stop}
folder=${2:?a folder for the process id and the log}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

stop() {
  [ -f "$folder/redmine.pid" ] || return 0
  pid=$(cat "$folder/redmine.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$folder/redmine.pid"
}

start() {
  [ -d /usr/share/redmine ] || { echo 'Redmine is missing: run test/kit/redmine/install.sh as root first.' >&2; exit 1; }
  stop
  export LC_ALL=C.UTF-8 X_DEBIAN_SITEID=default RAILS_ENV=production HOME=/var/lib/redmine BUNDLER_VERSION=2.3.15
  cd /usr/share/redmine
  seeded=$(ruby bin/rails runner "$here/seed.rb" 2>"$folder/seed.log" | tail -n 1)
  key=$(printf '%s' "$seeded" | ruby -rjson -e 'puts JSON.parse($stdin.read).fetch("key")')
  : >"$folder/port"
  REDMINE_PORT=${REDMINE_PORT:-0} setsid ruby "$here/serve.rb" >"$folder/port" 2>"$folder/redmine.log" </dev/null &
  echo $! >"$folder/redmine.pid"
  for _ in $(seq 600); do
    port=$(sed -n 's/^port //p' "$folder/port")
    [ -n "$port" ] && break
    kill -0 "$(cat "$folder/redmine.pid")" 2>/dev/null || { cat "$folder/redmine.log" >&2; exit 1; }
    sleep 0.1
  done
  [ -n "$port" ] || { echo "Redmine did not start; see $folder/redmine.log" >&2; stop; exit 1; }
  echo "TEST_REDMINE_URL=http://127.0.0.1:$port"
  echo "TEST_REDMINE_KEY=$key"
  echo "TEST_REDMINE_IDS=$seeded"
}

case "$action" in
  start) start ;;
  stop) stop ;;
  *) echo 'start or stop?' >&2; exit 2 ;;
esac
