#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cross.sh [ARCH..]: builds the agent for arm64 and armhf, and the formats for s390x (big-endian), with Debian's cross
# compilers against an extracted tree of that architecture's own packages, and runs their unit tests under qemu-user.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/ota-cross.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
libraries=libc6-dev,libcmocka-dev,libcurl4-openssl-dev,libevent-dev,libinih-dev,libjansson-dev,liblz4-dev,liblzma-dev,libsodium-dev,libssl-dev,libzstd-dev,zlib1g-dev

install_tools() { # install_tools PACKAGE..
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q ^ii || missing="$missing $package"
	done
	[ -z "$missing" ] && return
	[ "$(id -u)" = 0 ] || { echo "cross: these packages are missing:$missing" >&2; exit 1; }
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

cross() { # cross ARCH TRIPLE CPU ENDIAN QEMU MESON-TEST-ARGUMENT..
	arch=$1 triple=$2 cpu=$3 endian=$4 qemu=$5
	shift 5
	root=$work/$arch
	build=$top/build-$arch
	echo "$arch: fetch its libraries"
	install_tools mmdebstrap qemu-user-static "gcc-$triple"
	mmdebstrap --quiet --variant=extract --architectures="$arch" --include="$libraries" bookworm "$root"
	cat >"$work/$arch.ini" <<INI
[binaries]
c = '$triple-gcc'
ar = '$triple-ar'
strip = '$triple-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-$qemu-static', '-L', '$root']
[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/$triple/pkgconfig:$root/usr/share/pkgconfig'
[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root']
[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = '$endian'
INI
	echo "$arch: build and test"
	rm -rf "$build"
	meson setup --cross-file "$work/$arch.ini" -Dparts=agent "$build" >"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
	ninja -C "$build" >"$work/log" 2>&1 || { grep -A 8 FAILED "$work/log"; exit 1; }
	meson test -C "$build" --print-errorlogs --timeout-multiplier 10 "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; exit 1; }
	grep -E "^(Ok|Fail|Skipped):" "$work/log"
	rm -rf "$root"
}

for arch in ${*:-arm64 armhf s390x}; do
	case $arch in
	arm64) cross arm64 aarch64-linux-gnu aarch64 little aarch64 --suite unit ;;
	armhf) cross armhf arm-linux-gnueabihf arm little arm --suite unit ;;
	s390x) cross s390x s390x-linux-gnu s390x big s390x base bundle container descriptor manifest record version ;;
	*) echo "cross: there is no architecture \"$arch\" here" >&2; exit 2 ;;
	esac
done
