#!/usr/bin/env bash
# Installs OpenSSH's server from Debian's packages, without starting it: a real SFTP server to test file drops against. Run as root; may run again.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
if [ "$(dpkg-query -W -f '${Status}' openssh-server 2>/dev/null || true)" = 'install ok installed' ]; then
  echo 'OpenSSH is installed already.' >&2
  exit 0
fi
# The package must not open the machine's own port 22: the tests run a server of theirs.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq >&2
apt-get install -y -qq --no-install-recommends openssh-server >&2
