#!/usr/bin/env bash
# Installs MariaDB's server from Debian's packages, without starting it: a real database to test the SQL adapter against. Run as root; may run again.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
if [ "$(dpkg-query -W -f '${Status}' mariadb-server 2>/dev/null || true)" = 'install ok installed' ]; then
  echo 'MariaDB is installed already.' >&2
  exit 0
fi
# The package must not start a server of its own: the tests run theirs. RUNLEVEL holds where a policy-rc.d is not asked.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq >&2
apt-get install -y -qq --no-install-recommends mariadb-server openssl >&2
