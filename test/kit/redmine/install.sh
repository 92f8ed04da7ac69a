#!/usr/bin/env bash
# Installs Redmine on SQLite from Debian's packages: a real back office to test the adapter against. Run as root; may run again.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Where Ruby brings a newer bundler than Debian's own, that one does not see Debian's gems and the package's set-up fails.
export BUNDLER_VERSION=2.3.15
if [ "$(dpkg-query -W -f '${Status}' redmine 2>/dev/null || true)" = 'install ok installed' ]; then
  echo 'Redmine is installed already.' >&2
  exit 0
fi
debconf-set-selections <<'ANSWERS'
redmine redmine/instances/default/dbconfig-install boolean true
redmine redmine/instances/default/database-type select sqlite3
redmine redmine/default-language select en
ANSWERS
apt-get update -qq >&2
# A thousand lines of migrations: only if it fails does anybody want them.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt-get install -y -qq --no-install-recommends redmine redmine-sqlite ruby-webrick >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
