#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the agent for arm64 and armhf, and the formats for s390x (big-endian), against Debian's own cross compilers
# and libraries, and runs their unit tests under qemu-user. Works in a Debian 12 root of its own; needs root.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "cross: needs root, for chroot" >&2; exit 1; }
command -v mmdebstrap >/dev/null || apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null

work=$(mktemp -d "${TMPDIR:-/var/tmp}/ota-cross.XXXXXX")
root=$work/root
finish() {
	mountpoint -q "$root/proc" && umount "$root/proc"
	rm -rf --one-file-system "$work"
}
trap finish EXIT INT TERM

libraries="libcurl4-openssl-dev libevent-dev libinih-dev libjansson-dev libsodium-dev libssl-dev libzstd-dev libcmocka-dev libc6-dev"
wanted="git,ca-certificates,meson,ninja-build,pkg-config,build-essential,python3,qemu-user-static"
for arch in arm64 armhf s390x; do
	case $arch in
	arm64) triple=aarch64-linux-gnu ;;
	armhf) triple=arm-linux-gnueabihf ;;
	s390x) triple=s390x-linux-gnu ;;
	esac
	wanted="$wanted,gcc-$triple"
	for library in $libraries; do wanted="$wanted,$library:$arch"; done
done
echo "make a Debian 12 with cross compilers in $root"
mmdebstrap --quiet --variant=minbase --architectures=amd64,arm64,armhf,s390x --include="$wanted" bookworm "$root"
mount -t proc proc "$root/proc"
git clone -q "$top" "$root/home/ota"

cross() { # cross ARCH TRIPLE CPU ENDIAN QEMU SUITE-PATTERN
	cat >"$root/home/$1.ini" <<INI
[binaries]
c = '$2-gcc'
ar = '$2-ar'
strip = '$2-strip'
pkgconfig = '$2-pkg-config'
exe_wrapper = 'qemu-$5-static'
[host_machine]
system = 'linux'
cpu_family = '$3'
cpu = '$3'
endian = '$4'
INI
	echo "build and test for $1"
	chroot "$root" env -i HOME=/root PATH=/usr/bin:/bin:/usr/sbin LANG=C.UTF-8 sh -c "cd /home/ota &&
		PKG_CONFIG_LIBDIR=/usr/lib/$2/pkgconfig:/usr/share/pkgconfig meson setup --cross-file ../$1.ini -Dparts=agent build-$1 >/dev/null &&
		ninja -C build-$1 && meson test -C build-$1 --suite unit -q --print-errorlogs --timeout-multiplier 10 $6"
}
cross arm64 aarch64-linux-gnu aarch64 little aarch64 ""
cross armhf arm-linux-gnueabihf arm little arm ""
cross s390x s390x-linux-gnu s390x big s390x "base bundle container descriptor manifest version"
