#!/bin/sh
# Builds the image with no network, twice, and has `kaizen doctor` look at all of Kaizen within it; needs root (chroot).
# The base is Debian's Python by mmdebstrap, as no registry of images is asked; packages are fetched first, by hash.
#   usage: make image [BASE_TAR=base.tar]    leaves localhost/kaizen:VERSION in STORAGE and prints sizes and digests
set -eu
cd "$(dirname "$0")/.."
for tool in buildah mmdebstrap unshare; do
  command -v "$tool" >/dev/null || { echo "no $tool: apt-get install buildah mmdebstrap util-linux"; exit 1; }
done
work=${IMAGE_WORK:-$(mktemp -d)}
storage=${STORAGE:-$work/storage}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
b() { buildah --root "$storage" --runroot "$work/run" "$@"; }

base=${BASE_TAR:-$work/base.tar}
[ -s "$base" ] || mmdebstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$base"
# pip reads markers for its own Python, and Debian's may be an older 3.11: what only that needs is fetched as well.
sed "s/python_full_version < '3.11.[0-9]*'/python_version >= '3.11'/" ops/requirements.lock >"$work/requirements.lock"
[ -d "$work/wheels" ] || .venv/bin/pip download -q --require-hashes --only-binary :all: \
  -r "$work/requirements.lock" -d "$work/wheels"
if ! b inspect --type image localhost/base:offline >/dev/null 2>&1; then
  from=$(b from scratch)
  b add -q "$from" "$base" /
  b commit -q --rm "$from" localhost/base:offline
fi

build() { # a network of its own, in which there is only loopback
  unshare --net buildah --root "$storage" --runroot "$work/run" build --quiet --format docker --no-cache --layers=false \
    --pull=never --timestamp "$SOURCE_DATE_EPOCH" --volume "$work/wheels:/wheels:ro" \
    --build-arg BASE=localhost/base:offline --build-arg SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
    --build-arg PIP_OPTIONS="--no-index --find-links=/wheels" \
    --file ops/Dockerfile --tag "$1" .
}
layers() { b inspect --type image --format '{{range .OCIv1.RootFS.DiffIDs}}{{.}} {{end}}' "$1"; }

build "localhost/kaizen:$version"
if [ -z "${ONCE:-}" ]; then
  build localhost/kaizen:again
  [ "$(layers "localhost/kaizen:$version")" = "$(layers localhost/kaizen:again)" ] ||
    { echo "two builds of the same sources differ:"; layers "localhost/kaizen:$version"; layers localhost/kaizen:again; exit 1; }
  echo "two builds: the same layers"
fi

# All of Kaizen within it, as its own user and without a network; then the doctor, which must find nothing.
inside=$(b from "localhost/kaizen:$version")
b run "$inside" -- sh -c 'du -sm /opt/kaizen | cut -f1 | sed "s/$/ MB of Kaizen and its packages, user $(id -u)/"'
unshare --net sh -c 'ip link set lo up && exec "$@"' - \
  buildah --root "$storage" --runroot "$work/run" run --user 10001:10001 "$inside" -- sh -c '
    kaizen up --json --workers 1 --no-flower >/tmp/up 2>/tmp/log &
    up=$!
    tries=0
    until [ -s /tmp/up ]; do
      tries=$((tries + 1))
      if [ $tries -gt 300 ] || ! kill -0 $up; then cat /tmp/log; exit 1; fi
      sleep 1
    done
    kaizen doctor; found=$?
    kill -TERM $up; wait $up
    exit $found'
b rm "$inside" >/dev/null
echo "kaizen doctor: well, within localhost/kaizen:$version"
