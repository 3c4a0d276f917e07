#!/bin/sh
# Makes the secrets that compose.yaml names, each once: what is there stays as it is.
# Keep a copy of secrets/secret_key: tokens inside issued cards are derived from it for ever.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets etc/certs

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }

make secret_key "$(random)"
make api_key "$(random)"
make database_password "$(random)"
make database_url "postgresql+psycopg://kopilka:$(cat secrets/database_password)@postgres/kopilka"

# Read in the container by the user of the Dockerfile, who is nobody on this machine.
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 secrets etc
else
  echo "Now as root: chown -R 10001:10001 $(pwd)/secrets $(pwd)/etc"
fi
