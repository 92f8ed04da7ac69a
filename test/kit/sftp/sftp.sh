#!/usr/bin/env bash
# Real OpenSSH for the tests of file drops: `sftp.sh start <folder>` serves <folder>/drop by SFTP, and nothing else, on a free
# loopback port and prints TEST_SFTP_URL, TEST_SFTP_USER, TEST_SFTP_KEY_FILE (private key) and TEST_SFTP_HOST_KEY (fingerprint)
# as lines of KEY=value; `sftp.sh stop <folder>` ends that server. install.sh must have run before. As root, the account is
# `nobody`, which must be able to reach the folder; otherwise it is one's own.
set -eu
action=${1:?start or stop}
folder=${2:?a folder for the keys, the files and the log}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

stop() {
  [ -f "$folder/sshd.pid" ] || return 0
  pid=$(cat "$folder/sshd.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  # With it the sessions that a client left open.
  kill -9 -- "-$pid" 2>/dev/null || true
  rm -f "$folder/sshd.pid"
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

start() {
  sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || { echo 'OpenSSH is missing: run test/kit/sftp/install.sh as root first.' >&2; exit 1; }
  stop
  user=$(id -un)
  mkdir -p "$folder/drop"
  rm -f "$folder"/host_key* "$folder"/user_key*
  ssh-keygen -q -t ed25519 -N '' -C host -f "$folder/host_key"
  ssh-keygen -q -t ed25519 -N '' -C hub -f "$folder/user_key"
  cp "$folder/user_key.pub" "$folder/authorized_keys"
  if [ "$(id -u)" = 0 ]; then
    user=nobody
    # sshd drops its rights in here; the package makes it only when it starts the machine's own server.
    mkdir -p /run/sshd
    chmod 755 "$folder"
    chown nobody "$folder/drop"
    runuser -u nobody -- test -r "$folder/authorized_keys" 2>/dev/null ||
      { echo "The account nobody cannot reach $folder: choose a folder below one that others may enter." >&2; exit 1; }
  fi
  port=${SFTP_PORT:-$(free_port)}
  cat >"$folder/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $folder/host_key
PidFile $folder/sshd.pid
AuthorizedKeysFile $folder/authorized_keys
AllowUsers $user
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
AllowTcpForwarding no
X11Forwarding no
PermitTTY no
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d $folder/drop
MaxStartups 100
CONFIG
  setsid "$sshd" -D -e -f "$folder/sshd_config" >"$folder/sshd.log" 2>&1 </dev/null &
  for _ in $(seq 100); do
    [ -s "$folder/sshd.pid" ] && ssh-keyscan -T 2 -p "$port" 127.0.0.1 >/dev/null 2>&1 && break
    sleep 0.1
  done
  [ -s "$folder/sshd.pid" ] || { echo "OpenSSH did not start; see $folder/sshd.log" >&2; cat "$folder/sshd.log" >&2; exit 1; }
  echo "TEST_SFTP_URL=sftp://127.0.0.1:$port"
  echo "TEST_SFTP_USER=$user"
  echo "TEST_SFTP_KEY_FILE=$folder/user_key"
  echo "TEST_SFTP_HOST_KEY=$(ssh-keygen -l -f "$folder/host_key.pub" | cut -d ' ' -f 2)"
}

case "$action" in
  start) start ;;
  stop) stop ;;
  *) echo 'start or stop?' >&2; exit 2 ;;
esac
