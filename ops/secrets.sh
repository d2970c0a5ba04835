#!/bin/sh
# Makes the secrets that compose.yaml, ops/k8s and ops/systemd hand over as files: random, once, in ./secrets or in the
# folder that is named. What is there is kept, so that it can be run again; nothing has a default password.
#   usage: ops/secrets.sh [FOLDER] [TENANT]
set -eu
umask 077
folder=${1:-secrets}
tenant=${2:-default}
host=${REDIS_HOST:-redis}
mkdir -p "$folder"

random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "$folder/$1" ] || cat >"$folder/$1"; }

random | keep redis_password
password=$(cat "$folder/redis_password")
# One user for Kaizen, whose keys all begin with kz: (Celery's too); one that may only ask whether the server answers.
keep redis_acl <<ACL
user default off
user kaizen on >$password ~kz:* &* +@all -@admin -@dangerous +info
user health on nopass +ping
ACL
printf 'redis://kaizen:%s@%s:6379/0\n' "$password" "$host" | keep redis_url
printf '{"%s": "%s"}\n' "$tenant" "$(random)" | keep api_keys
random | keep user_key
random | keep flower_password
random | keep grafana_password

# A container's user reads the files, who is nobody of this machine; the folder lets nobody else in.
chmod 0700 "$folder"
chmod 0444 "$folder"/*
