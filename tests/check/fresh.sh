#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a minimal Debian 12 (nothing but apt and git), clones this repository into it and runs the two commands there
# as a newcomer would. Needs root. Takes the machine's own apt and npm settings along, so that mirrors work.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "fresh: needs root, for chroot" >&2; exit 1; }
command -v mmdebstrap >/dev/null || apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null

work=$(mktemp -d "${TMPDIR:-/var/tmp}/ota-fresh.XXXXXX")
root=$work/root
finish() {
	for part in dev/pts dev proc; do mountpoint -q "$root/$part" && umount "$root/$part"; done
	rm -rf --one-file-system "$work"
}
trap finish EXIT INT TERM

echo "make a minimal Debian 12 in $root"
mmdebstrap --quiet --variant=minbase --include=git,ca-certificates bookworm "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for file in /etc/apt/apt.conf.d /root/.npmrc "${NODE_EXTRA_CA_CERTS:-}"; do
	[ -e "$file" ] || continue
	mkdir -p "$root$(dirname "$file")"
	cp -rL "$file" "$root$(dirname "$file")/"
done
git clone -q "$top" "$root/ota"

inside() {
	chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		TERM=dumb ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"} \
		sh -c "cd /ota && $1"
}
echo "run ./demo --yes --story"
inside "./demo --yes --story"
echo "run ./check quick"
inside "./check quick"
