#!/bin/sh
# From a bare Debian 12 or newer to the first accrual: packages, user, database, services, the first
# programme, a key for its first integration, and points on a card by curl. As root, from a checkout
# in /opt/kopilka:
#
#   apt-get install -y git && git clone <this repository> /opt/kopilka
#   /opt/kopilka/deploy/install.sh --url https://cards.example.com --certs /root/certs
#
# Fine to repeat: what is there stays as it is, and the first accrual is made once. Without --certs
# it sets up a sandbox, whose cards real phones refuse. `--certs none` begins production without
# Apple: cards are on the web, and all of them can go into Apple Wallet once it is repeated with the
# folder.
set -eu

usage() {
  cat <<'END'
Usage: deploy/install.sh [--url https://HOST] [--certs FOLDER|none] [--programme CODE] [--name NAME]
  --url        where phones reach this machine; production needs it
  --certs      pass.pem, pass.key and wwdr.pem, or a folder with them for each pass type; or the
               word none: production without Apple, until this is repeated with the folder
  --programme  the first one; stands in addresses (default: first)
  --name       what customers call it (default: First programme)
END
}

url= certs= programme=first name='First programme'
while [ $# -gt 0 ]; do
  case $1 in
    --url) url=${2%/}; shift 2 ;;
    --certs) certs=$2; shift 2 ;;
    --programme) programme=$2; shift 2 ;;
    --name) name=$2; shift 2 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
done

top=$(cd "$(dirname "$0")/.." && pwd)
began=$(date +%s)
step() { printf '[%4d s] %s\n' "$(($(date +%s) - began))" "$*"; }
stop() { printf 'Stopped: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop 'this has to run as root.'
[ "$top" = /opt/kopilka ] || stop "the units expect the checkout in /opt/kopilka, and this is $top."
[ -d /run/systemd/system ] || stop 'systemd is not at work here, and the services are its units.'
[ -z "$certs" ] || [ -n "$url" ] || stop '--certs is for production, which needs --url too.'
case $certs in '' | none) folder= ;; *) folder=$certs ;; esac
[ -z "$folder" ] || [ -d "$folder" ] || stop "there is no folder $folder."
case $url in '' | https://*) ;; *) stop '--url must begin with https://: phones ask nothing else.' ;; esac
export DEBIAN_FRONTEND=noninteractive

step '1 of 8: packages of Debian (a minute)'
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  curl make python3-venv postgresql postgresql-client redis-server >/dev/null
systemctl enable --quiet --now postgresql redis-server

step '2 of 8: Kopilka and its packages, each checked by its hash (a minute or two)'
make --no-print-directory -C /opt/kopilka install PYTHON=python3

# Certificates that a start would refuse are refused here, before anything is changed.
[ -z "$folder" ] || /opt/kopilka/.venv/bin/wallet certs check "$folder"

step '3 of 8: the user kopilka, and an empty database of its own'
id kopilka >/dev/null 2>&1 ||
  useradd --system --home-dir /var/lib/kopilka --shell /usr/sbin/nologin kopilka
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
[ "$(as_postgres psql -Atqc "SELECT 1 FROM pg_roles WHERE rolname = 'kopilka'")" = 1 ] ||
  as_postgres createuser kopilka
[ "$(as_postgres psql -Atqc "SELECT 1 FROM pg_database WHERE datname = 'kopilka'")" = 1 ] ||
  as_postgres createdb --owner=kopilka kopilka

step '4 of 8: settings and secrets in /etc/kopilka'
install -d -m 750 -g kopilka /etc/kopilka /etc/kopilka/secrets /etc/kopilka/certs
install -d -m 700 -o kopilka -g kopilka /var/lib/kopilka
for secret in secret_key api_key; do
  [ -s /etc/kopilka/secrets/$secret ] ||
    (umask 027; od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >/etc/kopilka/secrets/$secret)
done
settings=/etc/kopilka/kopilka.env
set_to() { sed -i "s|^#*$1=.*|$1=$2|" $settings; }
[ -e $settings ] || {
  install -m 640 -g kopilka /opt/kopilka/deploy/systemd/kopilka.env $settings
  set_to WALLET_MODE sandbox
  set_to WALLET_PUBLIC_URL http://127.0.0.1:8080
  set_to WALLET_PROXY_HOPS 0
  set_to WALLET_APPLE_CERTS /var/lib/kopilka/certs
}
install /opt/kopilka/deploy/systemd/kopilka /usr/local/bin/
if [ -n "$certs" ]; then
  set_to WALLET_MODE production
  set_to WALLET_PUBLIC_URL "$url"
  set_to WALLET_PROXY_HOPS 1
  if [ -n "$folder" ]; then
    cp -RL "$folder/." /etc/kopilka/certs/
    set_to WALLET_APPLE_CERTS /etc/kopilka/certs
  else
    set_to WALLET_APPLE_CERTS none
  fi
fi
chgrp -R kopilka /etc/kopilka && chmod -R g=rX,o= /etc/kopilka
if grep -q '^WALLET_MODE=sandbox' $settings; then kopilka certs dev; fi
kopilka certs check

step '5 of 8: services (the schema first, then web, beat, and a worker for each vendor)'
cp /opt/kopilka/deploy/systemd/*.service /opt/kopilka/deploy/systemd/*.target /etc/systemd/system/
systemctl daemon-reload
systemctl enable --quiet kopilka.target
systemctl stop kopilka.target 2>/dev/null || true # all of an earlier release, so that one schema holds
systemctl start kopilka.target
port=$(sed -n 's/^PORT=//p' $settings)
here=http://127.0.0.1:${port:-8080}
for _ in $(seq 120); do
  ready=$(curl -fs "$here/readyz" || true)
  [ -z "$ready" ] || break
  sleep 1
done
[ -n "$ready" ] || stop "nothing answers at $here. Look at: journalctl -u 'kopilka-*' -n 50"

step "6 of 8: the programme $programme"
kopilka programmes show "$programme" >/dev/null 2>&1 || kopilka programmes add "$programme" "$name"

step '7 of 8: a key for the first integration'
key_file=/etc/kopilka/secrets/first_integration
# Headers are read from a file: what stands on a command line can be seen by everybody here.
with_key() {
  printf 'Authorization: Bearer %s\n' "$(cat $key_file)" |
    curl -sS -H @- -H 'Content-Type: application/json' "$@"
}
# One of another database, or that was revoked, is of no use any more.
if ! [ -s $key_file ] || ! with_key -f -o /dev/null "$here/api/v1/members?external_id=first" 2>/dev/null; then
  name_of_key=first-integration-$(date +%Y%m%d%H%M%S)
  (umask 077 && kopilka keys add "$name_of_key" --programme "$programme" \
    --scope members:write --scope members:read --scope personal:read --scope points:write \
    >$key_file.new && mv $key_file.new $key_file)
fi

step '8 of 8: a member, and the first accrual'
call() { with_key --fail-with-body -H "Idempotency-Key: first-$programme-$1" "$here/api/v1/$1" -d "$2"; }
member=$(call members "{\"programme\": \"$programme\", \"name\": \"First\"}")
card=$(printf %s "$member" | sed -n 's/.*"number":"\([^"]*\)".*/\1/p')
id=$(printf %s "$member" | sed 's/^{"id":"\([^"]*\)".*/\1/')
page=$(printf %s "$member" | sed -n 's/.*"links":{"card":"\([^"]*\)".*/\1/p')
call accruals "{\"card\": \"$card\", \"points\": 100, \"reason\": \"the first\"}"
echo
step 'done'

cat <<END

The first card has 100 points:  $page
Who joins by the form:          $(grep -o '^WALLET_PUBLIC_URL=.*' $settings | cut -d= -f2-)/join/$programme
The key of the integration:     $key_file
Everything at a glance:         kopilka doctor
The first member goes again by: kopilka members erase $id --write-off
Keep a copy elsewhere:          /etc/kopilka/secrets/secret_key (cards cannot live without it)
END
if grep -q '^WALLET_MODE=sandbox' $settings; then
  cat <<END

This is a sandbox: real phones refuse its cards, and no stand-in for Apple runs here. With Apple's
certificate (certs.example/README.md), or without Apple for now (--certs none), begin with an empty
book, since these cards stay the sandbox's:
  systemctl stop kopilka.target && runuser -u postgres -- dropdb kopilka
  $0 --url https://HOST --certs FOLDER
END
else
  host=${url#https://}
  host=${host%%[:/]*}
  cat <<END

What is left is an address with https: deploy/nginx/kopilka.conf is an nginx in front. For example:
  apt-get install -y nginx-light certbot
  certbot certonly --standalone -d ${host:-HOST}
  sed 's/cards.example.com/${host:-HOST}/g' /opt/kopilka/deploy/nginx/kopilka.conf > /etc/nginx/conf.d/kopilka.conf
  nginx -t && systemctl reload nginx && kopilka doctor
END
fi
if grep -q '^WALLET_APPLE_CERTS=none' $settings; then
  cat <<END

Cards are on the web. With Apple's certificate (certs.example/README.md) all of them, those of today
too, can go into Apple Wallet:
  $0 --url ${url:-https://HOST} --certs FOLDER
END
fi
