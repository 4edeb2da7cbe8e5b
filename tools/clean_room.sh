#!/usr/bin/env bash
# Proves the two commands where nothing is installed: makes a bare Debian 12 in a folder and runs them on a clone there.
# Usage: tools/clean_room.sh FOLDER [COMMAND]     (as root; the command's default is: ./dev demo --minutes 1 && ./dev test)
# Takes the host's Debian package sources, certificates and network settings. The folder is kept and used again if it is there.
set -euo pipefail

(($# >= 1)) || { sed -n '2,4s/^# //p' "$0" >&2 && exit 2; }
((EUID == 0)) || { echo "tools/clean_room.sh: only root can make a root" >&2 && exit 1; }
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
command=${2:-./dev demo --minutes 1 && ./dev test}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# The host's source files that Debian itself signs.
debian_sources() {
  grep -ls debian-archive-keyring /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list || true
  if [[ -s /etc/apt/sources.list ]]; then echo /etc/apt/sources.list; fi
}

make_root() {
  local mirror files
  mapfile -t files < <(debian_sources)
  mirror=$(cat "${files[@]}" | grep -v '^#' | grep -oE 'https?://[^ ]+' | head -1)
  command -v debootstrap >/dev/null || apt-get -qq -y install debootstrap </dev/null
  debootstrap --variant=minbase --include=ca-certificates bookworm "$target" "$mirror" </dev/null
  rm -f "$target/etc/apt/sources.list"
  cp "${files[@]}" "$target/etc/apt/sources.list.d/"
  apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$target/etc/apt/apt.conf.d/90host" || true
  touch "$target/.made"
}

[[ -e $target/.made ]] || make_root
cp -L /etc/resolv.conf /etc/hosts "$target/etc/"
certificates=/etc/ssl/certs/ca-certificates.crt
cp -L "$certificates" "$target$certificates"

mounted=()
leave() {
  local place
  for place in "${mounted[@]}"; do umount -l "$place"; done
}
trap leave EXIT
enter_mount() {
  mountpoint -q "$3" || { mount -t "$@" && mounted=("$3" "${mounted[@]}"); }
}
enter_mount proc proc "$target/proc"
enter_mount sysfs sysfs "$target/sys"
enter_mount tmpfs tmpfs "$target/dev/shm"
enter_mount devpts devpts "$target/dev/pts" -o newinstance,ptmxmode=0666
ln -sf pts/ptmx "$target/dev/ptmx"
[[ -e $target/dev/fd ]] || ln -s /proc/self/fd "$target/dev/fd"

rm -rf "$target/srv/forewarm"
git clone -q --no-hardlinks "$repository" "$target/srv/forewarm"

echo "== in a bare Debian $(cat "$target/etc/debian_version"): $command" >&2
settings=("NODE_EXTRA_CA_CERTS=$certificates")
for name in http_proxy https_proxy no_proxy FOREWARM_JOBS; do
  [[ -z ${!name:-} ]] || settings+=("$name=${!name}")
done
chroot "$target" /usr/bin/env -i HOME=/srv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  LC_ALL=C.UTF-8 "${settings[@]}" /bin/bash -c "cd /srv/forewarm && $command" </dev/null
