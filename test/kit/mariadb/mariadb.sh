#!/usr/bin/env bash
# Real MariaDB for the SQL adapter's tests: `mariadb.sh start <folder>` makes a data directory there, serves it on a free
# loopback port, with TLS, and prints TEST_MARIADB_URL (root, no password) and TEST_MARIADB_CA (file of the certificate
# authority) as lines of KEY=value; `mariadb.sh stop <folder>` ends that server. install.sh must have run before.
set -eu
action=${1:?start or stop}
folder=${2:?a folder for the data, the process id and the log}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

stop() {
  [ -f "$folder/mariadb.pid" ] || return 0
  pid=$(cat "$folder/mariadb.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$folder/mariadb.pid"
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

certificates() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Test CA' -keyout ca.key -out ca.pem
  openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out server.pem \
    -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1')
}

start() {
  command -v mariadbd >/dev/null || { echo 'MariaDB is missing: run test/kit/mariadb/install.sh as root first.' >&2; exit 1; }
  stop
  own=()
  # The server refuses to run as root.
  [ "$(id -u)" != 0 ] || own=(--user=mysql)
  rm -rf "$folder/mariadb-data" && mkdir "$folder/mariadb-data"
  (cd "$folder" && certificates >certificates.log 2>&1 && chmod 644 server.key)
  [ "$(id -u)" != 0 ] || { chmod 755 "$folder"; chown mysql "$folder/mariadb-data"; }
  common=(--no-defaults "${own[@]}" --datadir="$folder/mariadb-data")
  mariadb-install-db "${common[@]}" --auth-root-authentication-method=normal --skip-test-db >"$folder/install.log" 2>&1 ||
    { cat "$folder/install.log" >&2; exit 1; }
  port=${MARIADB_PORT:-$(free_port)}
  setsid mariadbd "${common[@]}" --port="$port" --bind-address=127.0.0.1 --socket="$folder/mariadb-data/socket" \
    --skip-name-resolve --character-set-server=utf8mb4 --innodb-buffer-pool-size=32M \
    --ssl-ca="$folder/ca.pem" --ssl-cert="$folder/server.pem" --ssl-key="$folder/server.key" \
    >"$folder/mariadb.log" 2>&1 </dev/null &
  echo $! >"$folder/mariadb.pid"
  for _ in $(seq 600); do
    mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root -e 'select 1' >/dev/null 2>&1 && break
    kill -0 "$(cat "$folder/mariadb.pid")" 2>/dev/null || { cat "$folder/mariadb.log" >&2; exit 1; }
    sleep 0.1
  done
  mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root -e 'select 1' >/dev/null ||
    { echo "MariaDB did not start; see $folder/mariadb.log" >&2; stop; exit 1; }
  echo "TEST_MARIADB_URL=mysql://root@127.0.0.1:$port"
  echo "TEST_MARIADB_CA=$folder/ca.pem"
}

case "$action" in
  start) start ;;
  stop) stop ;;
  *) echo 'start or stop?' >&2; exit 2 ;;
esac
